"""The versions of the model: from the registry, or from the database while the registry is unavailable."""

import logging
from datetime import UTC, date, datetime
from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.drift.tracked_days import plots_of_days
from sentiment_core.errors import RegistryRefused, RegistryUnavailable, SettingMissing
from sentiment_core.registry.names import CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel, registered_model
from sentiment_core.settings import settings

log = logging.getLogger(__name__)


class Version(NamedTuple):
    """A version. The registry alone knows `created`."""

    number: int
    digest: str
    aliases: tuple[str, ...]
    created: datetime | None

    @property
    def is_champion(self) -> bool:
        """Whether the version is the champion."""
        return CHAMPION in self.aliases


class Versions(NamedTuple):
    """The versions, newest first, and why the registry could not list them, if so."""

    all: tuple[Version, ...]
    problem: str | None

    @property
    def champion(self) -> Version | None:
        """The champion, or None."""
        return next((version for version in self.all if version.is_champion), None)

    def find(self, number: int) -> Version | None:
        """Return a version, or None if it is not listed."""
        return next((version for version in self.all if version.number == number), None)


def registry() -> RegisteredModel | str:
    """Return the registry, or why there is none."""
    try:
        return registered_model()
    except SettingMissing as error:
        return str(error)


def drift_plots(digest: str) -> dict[date, str]:
    """Return the URL of the plots of a model's measured days, newest first. Without the registry there are none."""
    uri = settings().mlflow_tracking_uri
    if uri is None:
        return {}
    try:
        return plots_of_days(str(uri), digest)
    except (RegistryUnavailable, RegistryRefused) as error:
        log.warning("No links to the plots of drift: %s", error)
        return {}


def versions(cursor: Cursor) -> Versions:
    """List the versions. Without the registry, those that runs have used, and the champion of the history."""
    found = registry()
    if isinstance(found, str):
        return Versions(_known(cursor), found)
    try:
        listed = found.versions()
    except (RegistryUnavailable, RegistryRefused) as error:
        return Versions(_known(cursor), str(error))
    made = (datetime.fromtimestamp(version.created_ms / 1000, UTC) for version in listed)
    return Versions(
        tuple(Version(each.version, each.digest, each.aliases, at) for each, at in zip(listed, made, strict=True)), None
    )


def _known(cursor: Cursor) -> tuple[Version, ...]:
    cursor.execute(
        "SELECT number, digest, coalesce((SELECT array_agg(alias ORDER BY alias) FROM sentiment.model_history"
        " WHERE serves AND to_version = number), '{}')"
        " FROM sentiment.model, unnest(mlflow_versions) AS number ORDER BY number DESC"
    )
    return tuple(Version(number, digest, tuple(aliases), None) for number, digest, aliases in cursor)
