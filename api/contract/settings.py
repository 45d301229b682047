"""The service's settings: the shared ones and its own, all of them environment variables `SENTIMENT_*`."""

from functools import cache
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from sentiment_core.api_keys import KeySettings
from sentiment_core.settings import ModelReference, read_environment


class ServiceSettings(KeySettings):
    """The settings of one process of the service; the description of a field is its documentation."""

    model_version: ModelReference | None = Field(
        None, description="Version number or alias to serve instead of the registry's `champion`."
    )
    shadow: ModelReference | None = Field(
        None,
        description="Version or alias of a model that scores the same texts for comparison only.",
    )
    canary: ModelReference | None = Field(
        None, description="Version or alias of a model that answers a fraction of the requests."
    )
    canary_share: float = Field(0, ge=0, le=1, description="Fraction of the request keys that the canary answers.")
    model_poll_s: float = Field(5, gt=0, description="Seconds between two polls of the registry by the API.")
    starter_after_s: float = Field(
        20,
        ge=0,
        description="Seconds without an answer of MLflow after which an API that has no stored model serves the "
        "starter model. 0: never.",
    )
    api_host: str = Field("127.0.0.1", description="Address that the API listens on.")
    api_port: int = Field(8080, ge=0, le=65535, description="Port that the API listens on; 0 chooses a free port.")
    api_drain_s: float = Field(
        2, ge=0, description="Seconds that the API continues to serve after SIGTERM while its readiness already fails."
    )
    api_probes_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Separate port of `/healthz`, `/readyz` and `/metrics`; by default they use the API's port.",
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Origins of pages that may call the API from a browser (JSON list)."
    )
    forwarded_hops: int = Field(
        0,
        ge=0,
        description="Number of proxies in front of the API that append to `X-Forwarded-For`.",
    )
    rate_limit_per_s: float = Field(0, ge=0, description="Maximum requests a second of one client; 0 means no limit.")
    rate_limit_burst: int = Field(50, gt=0, description="Maximum burst of requests of one client, within its rate.")
    max_requests: int = Field(256, gt=0, description="Maximum concurrent requests. Further requests get 503.")
    max_connections: int = Field(4_096, gt=0, description="Maximum open connections. Further connections get 503.")
    max_sockets: int = Field(512, gt=0, description="Maximum open WebSockets. Further WebSockets get 503.")
    request_timeout_s: float = Field(
        10, gt=0, description="Maximum seconds for a request to arrive, and again for its answer."
    )
    keepalive_s: float = Field(
        75, gt=0, description="Seconds that an idle connection stays open; must exceed the balancer's idle timeout."
    )
    socket_idle_s: float = Field(300, gt=0, description="Seconds after which a silent WebSocket is closed.")
    max_body_bytes: int = Field(1_000_000, gt=0, description="Maximum size of a request body.")
    max_batch_texts: int = Field(1_000, gt=0, description="Maximum texts of a batch request.")
    max_file_bytes: int = Field(
        5_000_000, gt=0, description="Maximum size of a file sent to `/predict/file`, as sent and decompressed."
    )
    max_file_rows: int = Field(5_000, gt=0, description="Maximum rows of such a file.")
    max_files: int = Field(4, gt=0, description="Maximum concurrent such files. Further files get 503.")
    max_text_characters: int = Field(100_000, gt=0, description="Maximum characters of a text that the API scores.")
    long_texts: Literal["truncate", "reject"] = Field(
        "truncate",
        description="What the API does with a longer text: score its beginning and report that, or reject it.",
    )
    tracing: bool = Field(
        False,
        description="Whether the API sends spans by OTLP (extra `tracing`; `OTEL_*` set the destination).",
    )
    feedback_queue: int = Field(
        1_000, gt=0, description="Maximum corrections that wait for the database in one API process."
    )
    feedback_queue_bytes: int = Field(16_000_000, gt=0, description="Maximum memory of the texts of those corrections.")
    feedback_flush_s: float = Field(
        5, gt=0, description="Seconds that a stopping API process continues to store corrections."
    )
    hourly_price_usd: float = Field(0.05, ge=0, description="Price of one API process per hour, for the cost metrics.")

    @field_validator("model_version", "shadow", "canary")
    @classmethod
    def _has_a_registry(cls, wanted: str | None, others: ValidationInfo) -> str | None:
        if wanted is not None and others.field_name == "model_version" and others.data.get("bundle") is not None:
            raise ValueError("SENTIMENT_BUNDLE is set too, but only one model can be served. Unset one of them.")
        if wanted is not None and others.data.get("mlflow_tracking_uri") is None:
            raise ValueError("it names a model of the registry. Set SENTIMENT_MLFLOW_TRACKING_URI too.")
        return wanted


@cache
def settings() -> ServiceSettings:
    """Return the settings of this process, read once. Raises `SettingInvalid`."""
    return read_environment(ServiceSettings)
