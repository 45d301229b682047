"""Distributed traces: which one a request belongs to (W3C trace context), and spans for OpenTelemetry."""

import re
import time
from typing import Protocol

from typing_extensions import override

from api.contract.settings import ServiceSettings
from sentiment_core import __version__
from sentiment_core.errors import SettingInvalid

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


class Tracing(Protocol):
    """Notes that a request was answered, which took some seconds until now."""

    def record(
        self, method: str, endpoint: str, status: int, seconds: float, code: str | None, traceparent: str | None
    ) -> str | None:
        """Return the id of the request's trace, if it has one."""

    def close(self) -> None:
        """Send what has not been sent."""


class NoTracing(Tracing):
    """Passes on the id of the caller's trace, and nothing else."""

    @override
    def record(
        self, method: str, endpoint: str, status: int, seconds: float, code: str | None, traceparent: str | None
    ) -> str | None:
        """Return the trace's id that a `traceparent` header holds, or None for a header that is not well formed."""
        if traceparent is None:
            return None
        found = _TRACEPARENT.fullmatch(traceparent)
        return None if found is None else found[1]

    @override
    def close(self) -> None:
        """Do nothing."""


class OpenTelemetryTracing(Tracing):
    """Makes a span of each request, below the caller's, and sends them in batches by OTLP over HTTP.

    The `OTEL_*` environment variables of the OpenTelemetry specification say where to, and which share.
    """

    def __init__(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 -- an extra
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        resource = Resource.create({"service.name": "sentiment-api", "service.version": __version__})
        # Once more, for what the environment says to come first.
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
        """Send the last spans; waits for a collector that does not answer, for as long as `OTEL_*` says."""
        self._provider.shutdown()


def tracing_of(settings: ServiceSettings) -> Tracing:
    """Return the tracing that the settings name; raises `SettingInvalid` where its packages are not installed."""
    if not settings.tracing:
        return NoTracing()
    try:
        return OpenTelemetryTracing()
    except ImportError as error:
        why = "OpenTelemetry is not installed; install the extra `tracing`"
        raise SettingInvalid(name="SENTIMENT_TRACING", why=why) from error
