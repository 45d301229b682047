"""What a task read and wrote, for Airflow's OpenLineage provider. Without that provider nothing uses it.

Names of datasets follow https://openlineage.io/docs/spec/naming.
"""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sentiment_core.database.connection import Connection

MOST_INPUTS = 1_000  # of an event, which is sent as one request
TABLE = "sentiment.scored_reviews"


class Lineage(NamedTuple):
    """Files that a task read, and the table that it added rows to."""

    files: list[str]  # URIs s3://bucket/key
    database: str  # postgres://host:port
    table: str  # database.schema.table
    rows: int

    @classmethod
    def of(cls, connection: Connection, files: list[str], rows: int) -> "Lineage":
        """Return the lineage of a task that stored rows of these files through a connection."""
        place = connection.get_dsn_parameters()
        database = f"postgres://{place.get('host', 'localhost')}:{place.get('port', '5432')}"
        return cls(files[:MOST_INPUTS], database, f"{place['dbname']}.{TABLE}", rows)

    def operator_lineage(self) -> Any:
        """Return it as the provider's type. Only the provider calls this, so its packages are installed."""
        from airflow.providers.openlineage.extractors import OperatorLineage  # noqa: PLC0415
        from openlineage.client.event_v2 import InputDataset, OutputDataset  # noqa: PLC0415
        from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics  # noqa: PLC0415

        parts = (urlsplit(file) for file in self.files)
        inputs = [InputDataset(f"s3://{part.netloc}", part.path.removeprefix("/")) for part in parts]
        count = statistics.OutputStatisticsOutputDatasetFacet(rowCount=self.rows)
        output = OutputDataset(self.database, self.table, outputFacets={"outputStatistics": count})
        return OperatorLineage(inputs=inputs, outputs=[output])
