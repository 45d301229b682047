"""The service's settings: the shared ones and its own, all of them environment variables `SENTIMENT_*`."""

import re
from functools import cache
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from sentiment_core.settings import ModelReference, Settings, read_environment


class ServiceSettings(Settings):
    """One value for each thing of the service that can be set; a field's description is its documentation."""

    model_version: ModelReference | None = Field(
        None, description="Version number or alias to serve instead of the registry's `champion`."
    )
    shadow: ModelReference | None = Field(
        None, description="Version or alias of a model that scores along, unseen, to be compared with what is answered."
    )
    canary: ModelReference | None = Field(
        None, description="Version or alias of a model that answers a share of the requests."
    )
    canary_share: float = Field(0, ge=0, le=1, description="Share of the request keys that the canary answers.")
    model_poll_s: float = Field(5, gt=0, description="Seconds between two looks of the API at the registry.")
    api_host: str = Field("127.0.0.1", description="Address that the API listens on.")
    api_port: int = Field(8080, ge=0, le=65535, description="Port that the API listens on; 0 takes a free one.")
    api_drain_s: float = Field(
        2, ge=0, description="Seconds that the API goes on serving after SIGTERM, its readiness already failing."
    )
    api_probes_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of `/healthz`, `/readyz` and `/metrics` alone; without it they are on the API's port.",
    )
    api_keys: tuple[str, ...] = Field(
        (),
        description="API keys that are accepted, as `NAME:SHA256` (JSON list; `python -m api.new_key NAME` makes one); "
        "without any, everybody may call.",
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Origins whose pages may call the API from a browser (JSON list)."
    )
    forwarded_hops: int = Field(
        0, ge=0, description="Proxies in front that add to `X-Forwarded-For`; the client is found beyond them."
    )
    rate_limit_per_s: float = Field(0, ge=0, description="Requests a second that one client may send; 0 is no limit.")
    rate_limit_burst: int = Field(50, gt=0, description="Requests that one client may send at once, within its rate.")
    max_requests: int = Field(256, gt=0, description="Requests that are worked on at once; more are sent away.")
    max_connections: int = Field(4_096, gt=0, description="Connections that are open at once; more are sent away.")
    max_sockets: int = Field(512, gt=0, description="WebSockets that are open at once; more are sent away.")
    request_timeout_s: float = Field(
        10, gt=0, description="Seconds that a request may take to arrive, and then to be answered."
    )
    keepalive_s: float = Field(
        75, gt=0, description="Seconds that an idle connection stays open; more than the balancer's idle timeout."
    )
    socket_idle_s: float = Field(300, gt=0, description="Seconds after which a silent WebSocket is closed.")
    max_body_bytes: int = Field(1_000_000, gt=0, description="Largest request body that the API reads.")
    max_batch_texts: int = Field(1_000, gt=0, description="Most texts in one API batch.")
    max_text_characters: int = Field(100_000, gt=0, description="Characters of one text that the API scores.")
    long_texts: Literal["truncate", "reject"] = Field(
        "truncate",
        description="What the API does with a longer text: score its beginning and say so, or refuse it.",
    )
    tracing: bool = Field(
        False,
        description="Whether the API sends a span of each request by OTLP (extra `tracing`; `OTEL_*` say where to).",
    )
    feedback_queue: int = Field(
        1_000, gt=0, description="Most corrections that wait for the database in one API process."
    )
    feedback_queue_bytes: int = Field(
        16_000_000, gt=0, description="Most memory that the texts of those corrections take."
    )
    feedback_flush_s: float = Field(
        5, gt=0, description="Seconds that an API process which stops still tries to store corrections."
    )
    hourly_price_usd: float = Field(0.05, ge=0, description="Price of one API process an hour, for the cost metrics.")

    @field_validator("model_version", "shadow", "canary")
    @classmethod
    def _has_a_registry(cls, wanted: str | None, others: ValidationInfo) -> str | None:
        if wanted is not None and others.field_name == "model_version" and others.data.get("bundle") is not None:
            raise ValueError("SENTIMENT_BUNDLE is set too, and only one model can answer; unset one of them")
        if wanted is not None and others.data.get("mlflow_tracking_uri") is None:
            raise ValueError("it names a model of the registry; set SENTIMENT_MLFLOW_TRACKING_URI too")
        return wanted

    @field_validator("api_keys")
    @classmethod
    def _are_hashed(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}:[0-9a-f]{64}", key):
                raise ValueError("each key is NAME:SHA256, as `python -m api.new_key NAME` prints it")
        return keys


@cache
def settings() -> ServiceSettings:
    """Return the settings of this process, read once. Raises `SettingInvalid`."""
    return read_environment(ServiceSettings)
