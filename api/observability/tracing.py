"""Distributed tracing: the trace id of a request (W3C trace context), and spans for OpenTelemetry."""

import re
import time
from typing import Protocol

from typing_extensions import override

from api.contract.settings import ServiceSettings
from sentiment_core import __version__
from sentiment_core.errors import SettingInvalid

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


class Tracing(Protocol):
    """Record answered requests that took some seconds until now."""

    def record(
        self, method: str, endpoint: str, status: int, seconds: float, code: str | None, traceparent: str | None
    ) -> str | None:
        """Return the id of the request's trace, if it has one."""

    def close(self) -> None:
        """Send the remaining spans."""


class NoTracing(Tracing):
    """Return the trace id of the caller, and record nothing."""

    @override
    def record(
        self, method: str, endpoint: str, status: int, seconds: float, code: str | None, traceparent: str | None
    ) -> str | None:
        """Return the trace id of a `traceparent` header, or None for a malformed header."""
        if traceparent is None:
            return None
        found = _TRACEPARENT.fullmatch(traceparent)
        return None if found is None else found[1]

    @override
    def close(self) -> None:
        """Do nothing."""


class OpenTelemetryTracing(Tracing):
    """Make a span of each request, below the caller's span, and send spans in batches by OTLP over HTTP.

    The `OTEL_*` environment variables of the OpenTelemetry specification set the destination and the sampling.
    """

    def __init__(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 -- an extra
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        resource = Resource.create({"service.name": "sentiment-api", "service.version": __version__})
        # Again, so that the environment takes precedence.
        self._provider = TracerProvider(resource=resource.merge(OTELResourceDetector().detect()))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("api", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._server, self._error = SpanKind.SERVER, StatusCode.ERROR

    @override
    def record(
        self, method: str, endpoint: str, status: int, seconds: float, code: str | None, traceparent: str | None
    ) -> str | None:
        """Make the request's span, named and described by the semantic conventions for HTTP."""
        end = time.time_ns()
        span = self._tracer.start_span(
            f"{method} {endpoint}",
            self._propagator.extract({} if traceparent is None else {"traceparent": traceparent}),
            self._server,
            {"http.request.method": method, "http.route": endpoint, "http.response.status_code": status},
            start_time=end - int(seconds * 1e9),
        )
        if code is not None:
            span.set_attribute("error.type", code)
        if status >= 500:
            span.set_status(self._error)
        span.end(end)
        return f"{span.get_span_context().trace_id:032x}"

    @override
    def close(self) -> None:
        """Send the last spans; waits for an unresponsive collector as long as `OTEL_*` allows."""
        self._provider.shutdown()


def tracing_of(settings: ServiceSettings) -> Tracing:
    """Return the tracing that the settings choose. Raises `SettingInvalid` if its packages are not installed."""
    if not settings.tracing:
        return NoTracing()
    try:
        return OpenTelemetryTracing()
    except ImportError as error:
        why = "OpenTelemetry is not installed. Install the extra `tracing`"
        raise SettingInvalid(name="SENTIMENT_TRACING", why=why) from error
