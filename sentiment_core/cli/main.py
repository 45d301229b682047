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
    "db": "sentiment_core.cli.db:db",
    "demo": "demo.command:demo",
    "drift": "sentiment_core.cli.drift:drift",
    "erase": "sentiment_core.cli.retention:erase",
    "evaluate": "sentiment_core.cli.model:evaluate",
    "experiment": "sentiment_core.cli.experiment:experiment",
    "expire": "sentiment_core.cli.retention:expire",
    "label": "sentiment_core.cli.label:label",
    "load": "sentiment_core.cli.load:load",
    "predict": "sentiment_core.cli.model:predict",
    "quarantine": "sentiment_core.cli.quarantine:quarantine",
    "registry": "sentiment_core.cli.registry:registry",
    "rescore": "sentiment_core.cli.rescore:rescore",
    "score": "sentiment_core.cli.score:score",
    "snapshot": "sentiment_core.cli.snapshot:snapshot",
    "train": "sentiment_core.cli.model:train",
    "validate": "sentiment_core.cli.validate:validate",
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
