"""The job for `spark-submit`: score a folder of Parquet, or a table, into a folder of Parquet."""

import json
import logging
from pathlib import Path

import click

from sentiment_core.errors import SentimentError
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.spark.lake import LakeJob, score_lake
from sentiment_core.spark.scoring import Answers


def _names(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(name.strip() for name in value.split(",") if name.strip())


@click.command
@click.option(
    "--input", "folder", metavar="URI", help="Folder of Parquet files, with or without `column=value` folders."
)
@click.option("--table", metavar="NAME", help="Table of a catalog, instead of a folder.")
@click.option("--output", metavar="URI", required=True, help="Folder for the tables `scores` and `batches`.")
@click.option("--text-column", metavar="NAME", default="text", show_default=True)
@click.option("--partition-by", metavar="NAMES", callback=_names, help="Columns whose values are scored one by one.")
@click.option("--keep", metavar="NAMES", callback=_names, help="Columns to keep.  [default: all]")
@click.option(
    "--model",
    type=click.Path(path_type=Path, file_okay=False),
    default=STARTER,
    help="Bundle to score with.  [default: the starter model]",
)
@click.option("--language", is_flag=True, help="Add the detected language.")
@click.option(
    "--explain",
    metavar="N",
    type=click.IntRange(0),
    default=0,
    help="Add the N n-grams that contributed most to each score.",
)
def main(
    folder: str | None,
    table: str | None,
    output: str,
    text_column: str,
    partition_by: tuple[str, ...] | None,
    keep: tuple[str, ...] | None,
    model: Path,
    language: bool,
    explain: int,
) -> None:
    """Score the partitions of a lake that the model has not scored in their present state.

    The last line of the output is JSON: the counts of the run and the model's digest.
    """
    from pyspark.errors import AnalysisException  # noqa: PLC0415 -- `--help` works without Spark
    from pyspark.sql import SparkSession  # noqa: PLC0415

    if (folder is None) == (table is None):
        raise click.UsageError("Give either --input or --table.")
    logging.basicConfig(format="%(levelname)s %(message)s")
    logging.getLogger("sentiment_core").setLevel(logging.INFO)  # Spark's own messages would hide ours
    job = LakeJob(text_column, partition_by or (), output.rstrip("/"), Answers(language, explain), keep)
    spark = SparkSession.builder.appName("sentiment").getOrCreate()
    try:
        bundle = Bundle.load(model)
        source = spark.table(table) if table else spark.read.parquet(folder)
        summary = score_lake(source, bundle, job)
    except SentimentError as error:
        raise click.ClickException(str(error)) from error
    except AnalysisException as error:  # no such path, table or column; a plan follows the first line
        raise click.ClickException(str(error).partition("\n")[0]) from error
    finally:
        spark.stop()
    click.echo(json.dumps(summary.counts | {"digest": bundle.digest}))


if __name__ == "__main__":
    main()
