"""Run steps concurrently when they do not depend on each other."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple, Protocol

from demo.processes import Stopping, Supervisor


class Step(NamedTuple):
    """An action that runs once the steps that it needs are done. `run` returns the message to display."""

    name: str
    needs: tuple[str, ...]
    run: Callable[[], str]


class Listener(Protocol):
    """Receives notifications about the steps, from several threads."""

    def begun(self, name: str) -> None:
        """Handle the start of a step."""

    def done(self, name: str, note: str) -> None:
        """Handle the end of a step."""


class Silent:
    """A listener that ignores all notifications."""

    def begun(self, name: str) -> None:
        """Ignore the notification."""

    def done(self, name: str, note: str) -> None:
        """Ignore the notification."""


def run_all(steps: Iterable[Step], supervisor: Supervisor, listener: Listener) -> None:
    """Run all steps and return when they are done.

    When a step fails, the supervisor ends its programs. This also ends the waits of the other steps. Then the error is
    raised.
    """
    every = list(steps)
    done = {step.name: threading.Event() for step in every}

    def do(step: Step) -> None:
        for needed in step.needs:
            while not done[needed].is_set():
                supervisor.pause(0.02)
        listener.begun(step.name)
        note = step.run()
        listener.done(step.name, note)
        done[step.name].set()

    with ThreadPoolExecutor(max_workers=len(every)) as threads:
        try:
            _finish([threads.submit(do, step) for step in every])
        except Exception:
            # The failure of a part explains more than the error of a step that got no answer from it, perhaps a moment
            # earlier.
            for _ in range(10):
                supervisor.check()
                time.sleep(0.1)
            raise
        finally:
            if any(not event.is_set() for event in done.values()):
                supervisor.stop()


def _finish(starts: list[Future[None]]) -> None:
    """Wait for all steps. Raise the first error, not the `Stopping` errors that it causes in the other steps."""
    wait(starts, return_when="FIRST_EXCEPTION")
    errors = [error for start in starts if start.done() and (error := start.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, Stopping)):
        raise error
