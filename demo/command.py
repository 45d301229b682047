"""`sentiment demo`: the whole system on this machine."""

import errno
import os
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import click

from demo.card import STATE, Card, lines
from demo.display import Display
from demo.errors import DiskFull
from demo.processes import NEEDED_MB, free_mb
from demo.stack import Stack
from demo.tour import TITLES, Tour
from sentiment_core.errors import SentimentError

INTERRUPTED = 130


def port(name: str, what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the command-line option that sets the port of a part."""
    return click.option(
        f"--{name}-port", f"{name}_port", type=click.IntRange(1, 65535), help=f"Port of {what}; else a free one."
    )


@click.group(invoke_without_command=True)
@click.option("--exit", "exits", is_flag=True, help="End after the walk; exit code 1 when something went wrong.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=STATE,
    show_default=".demo in the checkout",
    help="Folder that keeps everything between starts.",
)
@port("postgres", "PostgreSQL")
@port("s3", "the S3 endpoint")
@port("mlflow", "MLflow")
@port("airflow", "Airflow")
@port("api", "the API")
@port("insights", "the insights page")
@click.pass_context
def demo(context: click.Context, /, exits: bool, state: Path, **ports: int | None) -> None:
    """Start PostgreSQL, S3, MLflow, Airflow, the API and the insights page here, and walk through examples.

    Everything is made and scored live. It stays up until Ctrl-C, which stops all that it started.
    """
    context.obj = state
    if context.invoked_subcommand is None:
        asked = {name.removesuffix("_port"): number for name, number in ports.items() if number is not None}
        sys.exit(walk(state, asked, exits=exits))


@demo.command("drop")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def drop_file(state: Path, file: Path) -> None:
    """Drop a CSV file of your own into the running demo, and have Airflow score it."""
    from demo.drop import drop  # noqa: PLC0415 — it takes boto3, which the demo itself imports anyway

    try:
        loaded = drop(Card.read(state), file)
    except SentimentError as error:
        raise _told(error) from error
    sys.exit(0 if loaded else 1)


@demo.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def run_command(state: Path, command: tuple[str, ...]) -> None:
    """Run a command that uses the running demo: its database, S3 and MLflow.

    It gets the demo's settings and credentials in its environment.
    """
    try:
        card = Card.read(state)
    except SentimentError as error:
        raise _told(error) from error
    try:
        path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        # S606: it is the command that the user gave.
        os.execvpe(command[0], command, os.environ | card.environment | {"PATH": path})  # noqa: S606
    except OSError as error:
        raise click.ClickException(f"{command[0]} cannot be started: {error.strerror}") from error


def walk(state: Path, ports: dict[str, int], *, exits: bool) -> int:
    """Start the stack, run the tour, and keep running until interrupted. Return the exit code."""
    display = Display(TITLES)
    try:
        stack = Stack(state, ports=ports)
        try:
            return _walk(stack, display, exits=exits)
        finally:
            display.say("Stopping what was started.")
            stack.stop()
    except KeyboardInterrupt:
        return INTERRUPTED
    except SentimentError as error:
        raise _told(error) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _told(DiskFull(path=state, free_mb=free_mb(state), needed_mb=NEEDED_MB)) from error


def _walk(stack: Stack, display: Display, *, exits: bool) -> int:
    tour = Tour(stack, display)
    with display:
        stack.start(tour.steps(), display)
    tour.show()
    Card.of(stack).write(stack.state)
    display.card("Everything is running.", lines(stack))
    if exits:
        return 0
    display.say("Ctrl-C stops it; `make demo` starts it again with what it has; `make demo-clean` forgets it.")
    try:
        stack.watch()
    except KeyboardInterrupt:
        return 0


def _told(error: SentimentError) -> click.ClickException:
    return click.ClickException("\n".join([str(error), *getattr(error, "__notes__", [])]))
