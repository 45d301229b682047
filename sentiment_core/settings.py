"""All settings of the project, read from environment variables `SENTIMENT_*` (docs/configuration.md lists them)."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from sentiment_core.errors import SettingInvalid, SettingMissing

# A version's number, or an alias.
ModelReference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=200)]

# A word that means a missing value: short ASCII, which compiled code compares as one number.
NullWord = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,16}$")]

# A channel of alerts: where they go, and the causes that are sent there, or all.
AlertChannel = Annotated[
    str,
    StringConstraints(
        pattern=r"^(slack|pagerduty|sns|smtp):\S+( (failure|late|rejects|drift|promotion))*$", max_length=500
    ),
]

AnySettings = TypeVar("AnySettings", bound="Settings")

ImportPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", max_length=200)]


def is_postgresql(url: SecretStr | None) -> SecretStr | None:
    """Return a PostgreSQL URI unchanged. Raises `ValueError` for any other text."""
    if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://", "postgresql+")):
        raise ValueError("it must start with postgresql://")
    return url


class Settings(BaseSettings):
    """The settings. Each field's description is its documentation in docs/configuration.md."""

    model_config = SettingsConfigDict(env_prefix="SENTIMENT_", env_ignore_empty=True, frozen=True)

    database_url: Annotated[SecretStr | None, AfterValidator(is_postgresql)] = Field(
        None, description="PostgreSQL URI of the database with the schema `sentiment`."
    )
    lock_timeout_s: float = Field(
        60, gt=0, description="Maximum seconds to wait for a lock, such as another worker's claim on a file."
    )

    erasure_key: SecretStr | None = Field(
        None, description="Secret key for the hashes of erased ids. It must never change after the first erasure."
    )

    bucket: str = Field("reviews", description="S3 bucket into which files of reviews are dropped.")
    incoming_prefix: str = Field("incoming/", description="Key prefix of drops in the bucket.")
    training_prefix: str = Field(
        "training/",
        description="Key prefix of labelled reviews in the bucket. Snapshots are stored below it in `snapshots/`.",
    )
    max_training_rows: int = Field(5_000_000, gt=0, description="Maximum rows of a snapshot, which is held in memory.")
    training_memory_mb: int = Field(
        4096,
        ge=512,
        description="Maximum memory in MB (2^20 bytes) of a training. One that would need more fails before it starts.",
    )
    s3_endpoint_url: str | None = Field(None, description="S3 endpoint URL; needed only if the store is not AWS.")

    text_columns: tuple[str, ...] = Field(
        (
            *("review", "review_text", "review_body", "review_content", "review_comment", "review_comments"),
            *("reviews_text", "review_description", "review_message", "review_detail", "review_details"),
            *("text_review", "full_review", "verified_reviews", "reviewer_review", "reviewer_comments"),
            *("customer_review", "user_review", "your_review", "customer_comment", "customer_comments"),
            *("user_comment", "user_comments", "buyer_comment", "customer_feedback", "user_feedback"),
            *("text", "body", "content", "comment", "comments", "feedback", "feedback_text", "comment_text"),
            *("verbatim", "kommentar", "kommentare", "bewertungstext", "rezension", "rezensionen"),
            *("kundenmeinung", "commentaire", "commentaires", "avis", "avis_client", "comentario", "comentarios"),
            *("comentários", "comentário", "opinion", "opinión", "opinie", "opinia", "reseña", "resena", "texto"),
            *("texte", "testo", "recensione", "recensie", "recension", "yorum", "отзыв", "текст_отзыва"),
            *("комментарий", "текст", "评论", "评论内容", "评价内容", "レビュー", "レビュー本文", "口コミ"),
            *("コメント", "리뷰", "후기", "message"),
        ),
        description="Accepted names of the text column, in order of preference (JSON list). Case, spaces, dots, "
        "dashes and underscores do not matter.",
    )
    null_words: tuple[NullWord, ...] = Field(
        (
            *("NULL", "\\N", "NaN", "NaT", "<NA>", "#N/A", "N/A", "None", "-", "NA", "N.A.", "(null)", "[null]"),
            *("<null>", "nil", "undefined", "(none)", "(blank)", "(empty)", "1.#QNAN", "-nan", "-1.#IND"),
            *("#NULL!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#DIV/0!"),
        ),
        description="Words that mean a missing value in every column (JSON list of up to 16 ASCII characters each). "
        "Case does not matter.",
    )
    max_text_bytes: int = Field(
        1_000_000, gt=0, description="Maximum bytes of a text. A row with a longer text is rejected."
    )
    bad_values: Literal["reject", "null"] = Field(
        "reject",
        description="Handling of an unreadable `rating` or `reviewed_at`: `reject` the row, or store `null`.",
    )
    max_rejected_ratio: float = Field(
        1,
        ge=0,
        le=1,
        description="Maximum ratio of rejected rows. A file above it is rejected as a whole.",
    )
    on_bad_file: Literal["continue", "fail"] = Field(
        "continue",
        description="Result of a run with rejected files: `continue` succeeds; `fail` fails after loading the others.",
    )
    max_record_bytes: int = Field(
        16_000_000, gt=0, description="Maximum bytes of a record. A file with a longer record is rejected."
    )
    max_expanded_bytes: int = Field(
        100_000_000_000, gt=0, description="Maximum decompressed bytes of a file. A larger file is rejected."
    )
    max_workbook_bytes: int = Field(
        1_000_000_000,
        ge=100_000_000,
        description="Maximum memory in bytes of the process that reads a workbook. A larger workbook is rejected.",
    )
    max_row_group_bytes: int = Field(
        2_000_000_000,
        gt=0,
        description="Maximum decompressed bytes of a row group of a Parquet file. A larger one rejects the file.",
    )
    block_bytes: int = Field(4_000_000, gt=0, description="Size in bytes of the blocks in which a file is processed.")
    group_bytes: int = Field(256_000_000, gt=0, description="Approximate bytes of files per mapped Airflow task.")
    max_groups: int = Field(
        200,
        gt=0,
        le=1000,
        description="Maximum mapped tasks per run. Beyond it, groups exceed `SENTIMENT_GROUP_BYTES`.",
    )

    arrivals_queue: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        max_length=1000,
        description="URL of an SQS queue with the bucket's event notifications. A message starts the DAG "
        "`score_arrivals`. Needs Airflow's triggerer.",
    )
    arrivals_every_s: int = Field(
        0,
        description="Seconds between two polls of the bucket by the DAG `score_arrivals`, 10 to 86400. 0: no poll. "
        "Without a poll and a queue the DAG has no schedule.",
    )

    retrain_schedule: str | None = Field(
        "0 4 * * 0", description="Schedule of the DAG `retrain` (cron, UTC). `none`: only manually and on drift."
    )
    retrain_stars: bool = Field(
        False,
        description="Whether runs of the DAG `retrain` also learn from rated reviews, unless a run's param differs.",
    )
    rescore_promoted_days: int = Field(
        0,
        ge=0,
        description="Past days whose stored reviews the DAG `rescore` scores with a model that the DAG `retrain` "
        "promoted. 0: none.",
    )

    mlflow_tracking_uri: str | None = Field(
        None, description="URI of the MLflow tracking server. Without it no model registry is used."
    )
    model_name: str = Field("sentiment", description="Name of the registered model in MLflow.")
    model_cache: Path = Field(
        Path("~/.cache/sentiment/models"), description="Folder that caches downloaded bundles by digest."
    )

    suite: str | None = Field(
        None,
        description="Folder or `s3://bucket/prefix` of labelled sets with a `corpora.tsv`. The DAG `retrain` measures "
        "models over it, and the gate has a floor for each of its languages and domains.",
    )
    model_contact: str = Field("not stated", description="Contact shown on the model card.")
    model_licence: str = Field("not stated", description="Licence shown on the model card.")

    bundle: Path | None = Field(
        None,
        description="Bundle that the API serves in place of the champion. Commands use it without a registry.",
    )

    drift_psi: float = Field(
        0.2,
        gt=0,
        description="Population stability index of scores, labels or lengths, compared with the model's reference, at "
        "or above which a day has drifted.",
    )
    drift_unknown: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Increase of the mean ratio of unknown n-grams at or above which a day has drifted.",
    )
    drift_rejected_ratio: float = Field(
        0.05, gt=0, le=1, description="Rejected-row ratio at or above which the day is reported."
    )
    drift_least_rows: int = Field(
        1_000, gt=0, description="Minimum rows of a day, or of a product on a day, for a drift verdict."
    )
    drift_sample_rows: int = Field(
        10_000, gt=0, le=100_000, description="Number of texts per day that are sampled for lengths and n-grams."
    )
    drift_retrain_every_d: int = Field(
        7, gt=0, description="Days after a drift-triggered `retrain` during which drift does not trigger another."
    )
    pool: str = Field(
        "default_pool",
        min_length=1,
        description="Airflow pool of the tasks that load files. It must exist. Its slots limit concurrent loads.",
    )

    drift_callback: ImportPath | None = Field(
        None,
        description="Airflow callback for drift alerts: `MODULE:NAME` of a callable or notifier on the Python path of "
        "the tasks.",
    )

    alerts: tuple[AlertChannel, ...] = Field(
        (),
        description="Channels of alerts to people (JSON list of `KIND:TARGET`, optionally with causes). "
        "docs/notifications.md lists kinds and causes.",
    )

    announce_moves: bool = Field(
        False,
        description="Whether the DAG `announce_moves` looks every 10 minutes for moves of the champion outside of "
        "Airflow. If a channel of `SENTIMENT_ALERTS` gets promotions, it does so in any case.",
    )

    drivers_least_reviews: int = Field(
        500,
        ge=0,
        description="Minimum live reviews of a source or product, in each of the last two weeks, of which the nightly "
        "run keeps the drivers (view `sentiment_drivers`). 0 switches this off.",
    )
    aspects: Path | None = Field(
        None, description="YAML file of the aspects, in place of the shipped ones (docs/drivers.md)."
    )
    aspects_days: int = Field(
        60,
        ge=0,
        description="Number of the newest days with reviews of which the nightly run keeps the aspects (view "
        "`aspect_sentiment`). 0 switches this off.",
    )

    code_version: str = Field("unknown", description="Git revision of the code, recorded in the ledger.")

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

    @field_validator("arrivals_every_s")
    @classmethod
    def _a_poll_is_not_too_frequent(cls, seconds: int) -> int:
        if seconds and not 10 <= seconds <= 86_400:
            raise ValueError("it must be 0, or from 10 to 86400")
        return seconds

    @field_validator("retrain_schedule")
    @classmethod
    def _none_is_no_schedule(cls, schedule: str | None) -> str | None:
        return None if schedule == "none" else schedule


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
