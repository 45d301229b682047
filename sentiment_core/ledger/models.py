"""The model of a run: its scorer, and the short number that the database stores instead of its digest."""

from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.database.connection import Connection
from sentiment_core.drops.contract import primary_language
from sentiment_core.model.scorer import Scorer


class ScoringModel(NamedTuple):
    """A scorer, and the number of its digest in the database."""

    model_id: int
    scorer: Scorer

    def out_of_language(self, language: str | None) -> bool:
        """Return whether the row has a language that the model was not trained on. `en-GB` counts as `en`."""
        return language is not None and primary_language(language) not in self.scorer.bundle.manifest.languages


def ensure_model(connection: Connection, digest: str, name: str, version: int | None = None) -> int:
    """Return the number of a digest. Insert the digest, and add its MLflow version, if they are new."""
    with connection, connection.cursor() as cursor:
        return ensure_digest(cursor, digest, name, version)


def ensure_digest(cursor: Cursor, digest: str, name: str, version: int | None = None) -> int:
    """Do the same as `ensure_model`, in the caller's transaction."""
    # Look up first, because an insert that hits a conflict would use up one of 32,767 numbers.
    cursor.execute("LOCK TABLE sentiment.model IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute("SELECT model_id FROM sentiment.model WHERE digest = %s", (digest,))
    found = cursor.fetchone()
    if found is None:
        cursor.execute("INSERT INTO sentiment.model (digest, name) VALUES (%s, %s) RETURNING model_id", (digest, name))
        found = cursor.fetchone()
    if version is not None:
        cursor.execute(
            "UPDATE sentiment.model SET mlflow_versions = mlflow_versions || %s"
            " WHERE digest = %s AND NOT %s = ANY (mlflow_versions)",
            (version, digest, version),
        )
    return int(found[0])  # type: ignore[index]


def open_model(connection: Connection, scorer: Scorer, version: int | None = None) -> ScoringModel:
    """Return a scorer with the number of its bundle's digest in the database.

    The database gets to know the model's labels and languages, which the views show.
    """
    bundle, manifest = scorer.bundle, scorer.bundle.manifest
    with connection, connection.cursor() as cursor:
        model_id = ensure_digest(cursor, bundle.digest, manifest.name, version)
        cursor.execute(
            "UPDATE sentiment.model SET labels = %s, languages = %s, experimental_languages = %s"
            " WHERE digest = %s AND labels IS NULL",
            (list(manifest.labels), list(manifest.languages), list(manifest.experimental_languages), bundle.digest),
        )
    return ScoringModel(model_id, scorer)
