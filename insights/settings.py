"""The settings of the insights page."""

from functools import cache
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from sentiment_core.api_keys import KeySettings
from sentiment_core.errors import SettingMissing
from sentiment_core.settings import is_postgresql, read_environment


class InsightsSettings(KeySettings):
    """The settings of one process; the description of a field is its documentation."""

    insights_database_url: Annotated[SecretStr | None, AfterValidator(is_postgresql)] = Field(
        None,
        description="PostgreSQL URI that the insights page reads, of a user with the role `sentiment_reader` only.",
    )
    insights_host: str = Field("127.0.0.1", description="Address that the insights page listens on.")
    insights_port: int = Field(
        8090, ge=0, le=65535, description="Port that the insights page listens on; 0 chooses a free port."
    )
    insights_statement_timeout_s: float = Field(
        5, gt=0, description="Maximum seconds of one query of the insights page. The database cancels a longer one."
    )
    insights_connections: int = Field(
        4, gt=0, description="Maximum database connections of one process of the insights page."
    )

    def require_insights_database_url(self) -> str:
        """Return the URI of the database that the page reads, or raise `SettingMissing`."""
        if self.insights_database_url is None:
            raise SettingMissing(name="SENTIMENT_INSIGHTS_DATABASE_URL", why="it names the database to read")
        return self.insights_database_url.get_secret_value()


@cache
def settings() -> InsightsSettings:
    """Return the settings of this process, read once. Raises `SettingInvalid`."""
    return read_environment(InsightsSettings)
