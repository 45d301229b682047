"""All settings of the project, read from environment variables `SENTIMENT_*` (docs/configuration.md lists them)."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from sentiment_core.errors import SettingInvalid, SettingMissing

# A version's number, or an alias.
ModelReference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=200)]

AnySettings = TypeVar("AnySettings", bound="Settings")

ImportPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", max_length=200)]


class Settings(BaseSettings):
    """One value for each thing that can be set; a field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="SENTIMENT_", env_ignore_empty=True, frozen=True)

    database_url: SecretStr | None = Field(None, description="PostgreSQL URI of the `sentiment` schema's database.")
    lock_timeout_s: float = Field(60, gt=0, description="Seconds a load waits for another worker's claim on its file.")

    erasure_key: SecretStr | None = Field(
        None, description="Secret under which erased ids are hashed; must never change once something is erased."
    )

    bucket: str = Field("reviews", description="S3 bucket that customers drop files into.")
    incoming_prefix: str = Field("incoming/", description="Key prefix of the drops in the bucket.")
    training_prefix: str = Field(
        "training/",
        description="Key prefix of labelled reviews in the bucket; `snapshots/` below it is for snapshots.",
    )
    max_training_rows: int = Field(5_000_000, gt=0, description="Most rows of a snapshot, which is held in memory.")
    s3_endpoint_url: str | None = Field(None, description="S3 endpoint, when it is not AWS.")

    text_columns: tuple[str, ...] = Field(
        ("review", "text", "review_text", "content", "comment", "body"),
        description="Accepted names of the text column, best first, compared without regard to case (JSON list).",
    )
    max_text_bytes: int = Field(1_000_000, gt=0, description="Longest text of a row; a longer one is rejected.")
    bad_values: Literal["reject", "null"] = Field(
        "reject",
        description="What an unreadable `rating` or `reviewed_at` does: `reject` its row, or become `null`.",
    )
    max_rejected_ratio: float = Field(
        1,
        ge=0,
        le=1,
        description="Share of rejected rows above which the file is rejected whole.",
    )
    on_bad_file: Literal["continue", "fail"] = Field(
        "continue",
        description="Whether a run with rejected files succeeds, or fails once all others are loaded.",
    )
    max_record_bytes: int = Field(
        16_000_000, gt=0, description="Longest record of a file; a longer one rejects the file."
    )
    max_expanded_bytes: int = Field(
        100_000_000_000, gt=0, description="Most bytes that a compressed file may expand to before it is rejected."
    )
    block_bytes: int = Field(4_000_000, gt=0, description="Bytes of a file that are worked on at once.")
    group_bytes: int = Field(256_000_000, gt=0, description="Bytes of files that one mapped Airflow task scores.")
    max_groups: int = Field(200, gt=0, le=1000, description="Most mapped tasks of a run; groups grow beyond it.")

    retrain_schedule: str | None = Field(
        "0 4 * * 0", description="When the DAG `retrain` runs (cron, UTC); `none` for by hand and on drift only."
    )

    mlflow_tracking_uri: str | None = Field(None, description="MLflow tracking server; without it no registry is used.")
    model_name: str = Field("sentiment", description="Registered model in MLflow.")
    model_cache: Path = Field(
        Path("~/.cache/sentiment/models"), description="Folder that keeps fetched bundles, by digest."
    )

    model_contact: str = Field("not stated", description="Whom a model card names for questions about the model.")
    model_licence: str = Field("not stated", description="Licence that a model card names.")

    bundle: Path | None = Field(None, description="Bundle to serve instead of the registry's champion.")

    drift_psi: float = Field(
        0.2,
        gt=0,
        description="Population stability index of scores, labels or lengths against the model's reference from which "
        "a day has drifted.",
    )
    drift_unknown: float = Field(
        0.05, gt=0, le=1, description="Rise of the mean share of unknown n-grams from which a day has drifted."
    )
    drift_rejected_ratio: float = Field(
        0.05, gt=0, le=1, description="Share of a day's rows that are rejected from which it is told of."
    )
    drift_least_rows: int = Field(
        1_000, gt=0, description="Fewest rows of a day, or of one of its products, that are judged."
    )
    drift_sample_rows: int = Field(
        10_000, gt=0, le=100_000, description="Texts of a day whose lengths and n-grams are looked at."
    )
    drift_retrain_every_d: int = Field(
        7, gt=0, description="Days for which no drift triggers `retrain` again after one that did."
    )
    drift_callback: ImportPath | None = Field(
        None,
        description="Airflow callback that is told of drift, as `MODULE:NAME` of a callable or notifier in the Python "
        "path of the tasks.",
    )

    code_version: str = Field("unknown", description="Git revision of the code, written to the ledger.")

    def require_database_url(self) -> str:
        """Return the database's URI, or raise `SettingMissing`."""
        if self.database_url is None:
            raise SettingMissing(name="SENTIMENT_DATABASE_URL", why="it names the database to use")
        return self.database_url.get_secret_value()

    def require_erasure_key(self) -> bytes:
        """Return the secret of erasures, or raise `SettingMissing`."""
        if self.erasure_key is None:
            raise SettingMissing(name="SENTIMENT_ERASURE_KEY", why="erased ids are known by hashes under it")
        return self.erasure_key.get_secret_value().encode()

    def require_mlflow_tracking_uri(self) -> str:
        """Return the MLflow tracking server's address, or raise `SettingMissing`."""
        if self.mlflow_tracking_uri is None:
            raise SettingMissing(name="SENTIMENT_MLFLOW_TRACKING_URI", why="it names the model registry")
        return self.mlflow_tracking_uri

    @field_validator("retrain_schedule")
    @classmethod
    def _none_is_no_schedule(cls, schedule: str | None) -> str | None:
        return None if schedule == "none" else schedule

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://", "postgresql+")):
            raise ValueError("it must start with postgresql://")
        return url


@cache
def settings() -> Settings:
    """Return the settings of this process, read once. Raises `SettingInvalid`."""
    return read_environment(Settings)


def read_environment(cls: type[AnySettings]) -> AnySettings:
    """Return the settings of a class, read from the environment. Raises `SettingInvalid`."""
    try:
        return cls()
    except SettingsError as error:
        raise SettingInvalid(name="SENTIMENT_*", why=f"{error}; lists are written as JSON") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise SettingInvalid(name=f"SENTIMENT_{str(first['loc'][0]).upper()}", why=first["msg"]) from error
