"""Steps that are done at once where they do not need each other."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple, Protocol

from demo.processes import Stopping, Supervisor


class Step(NamedTuple):
    """Something to do when the steps that it needs are done; `run` returns what to say of it."""

    name: str
    needs: tuple[str, ...]
    run: Callable[[], str]


class Listener(Protocol):
    """Is told of the steps, from several threads."""

    def begun(self, name: str) -> None:
        """Learn that a step is being done."""

    def done(self, name: str, note: str) -> None:
        """Learn that a step is done."""


class Silent:
    """Listens and says nothing."""

    def begun(self, name: str) -> None:
        """Ignore it."""

    def done(self, name: str, note: str) -> None:
        """Ignore it."""


def run_all(steps: Iterable[Step], supervisor: Supervisor, listener: Listener) -> None:
    """Do all steps and return when they are done.

    When one fails, the supervisor ends its programs and with them the other steps' waits, and the error is raised.
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
            # A part that dies explains more than the step that got no answer from it, perhaps a moment before its end.
            for _ in range(10):
                supervisor.check()
                time.sleep(0.1)
            raise
        finally:
            if any(not event.is_set() for event in done.values()):
                supervisor.stop()


def _finish(starts: list[Future[None]]) -> None:
    """Wait for all; raise the first error, not the `Stopping` that follows from it in the others."""
    wait(starts, return_when="FIRST_EXCEPTION")
    errors = [error for start in starts if start.done() and (error := start.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, Stopping)):
        raise error
