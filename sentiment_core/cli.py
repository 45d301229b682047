"""The command line: `sentiment VERB`. Exit code 0, 1 failed, 2 bad usage."""

import importlib
import logging
import sys
from typing import Any

import click

from sentiment_core import __version__
from sentiment_core.errors import SentimentError

# Verb -> module and attribute; imported only when the verb is used, so that `sentiment --help` is quick and a verb
# needs only its own extra to be installed.
VERBS = {
    "db": "sentiment_core.db_commands:db",
    "demo": "demo.command:demo",
    "drift": "sentiment_core.drift_command:drift",
    "erase": "sentiment_core.retention_commands:erase",
    "evaluate": "sentiment_core.model_commands:evaluate",
    "experiment": "sentiment_core.experiment_command:experiment",
    "expire": "sentiment_core.retention_commands:expire",
    "label": "sentiment_core.label_commands:label",
    "load": "sentiment_core.load_commands:load",
    "predict": "sentiment_core.model_commands:predict",
    "quarantine": "sentiment_core.quarantine_commands:quarantine",
    "registry": "sentiment_core.registry_commands:registry",
    "rescore": "sentiment_core.rescore_command:rescore",
    "score": "sentiment_core.score_command:score",
    "snapshot": "sentiment_core.snapshot_commands:snapshot",
    "train": "sentiment_core.model_commands:train",
    "validate": "sentiment_core.validate_command:validate",
}


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs whose extras are installed; asking for another one tells what it needs."""
        del ctx
        return [verb for verb in sorted(VERBS) if _is_installed(verb)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a verb's command."""
        del ctx
        if cmd_name not in VERBS:
            return None
        try:
            return _command(cmd_name)
        except ModuleNotFoundError as error:
            raise click.ClickException(f"`sentiment {cmd_name}` needs {error.name}, which is not installed") from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; the project's own errors become a sentence and exit code 1."""
        try:
            return super().invoke(ctx)
        except SentimentError as error:
            raise click.ClickException(str(error)) from error


def _command(verb: str) -> click.Command:
    module, _, attribute = VERBS[verb].partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


def _is_installed(verb: str) -> bool:
    try:
        _command(verb)
    except ModuleNotFoundError:
        return False
    return True


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Know what your customers say: score reviews, load them into PostgreSQL, train and serve models."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
