"""The shadow: a second model that scores answered texts in a thread; its scores only feed metrics."""

import logging
import time
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

from api.models.registry_role import RegistryRole
from api.models.served_model import ServedModel
from api.observability.metrics import ServiceMetrics
from sentiment_core.model.scorer import LABELS

log = logging.getLogger(__name__)

MOST_TEXTS, MOST_CHARACTERS = 4_000, 8_000_000
_TEXTS_AT_ONCE, _CHARACTERS_AT_ONCE = 256, 200_000
# Texts are gathered for this time: waking the thread for each costs the event loop more than scoring does.
_PAUSE_S = 0.02


class _Answered(NamedTuple):
    text: str
    score: float
    label: str


class Shadow:
    """A model of the registry, a queue of answered texts, and the thread that scores them.

    Only the event loop calls `put`. It never waits: when the queue is full, the text is counted as dropped.
    """

    def __init__(self, followed: RegistryRole, metrics: ServiceMetrics) -> None:
        self.followed = followed
        self._metrics = metrics
        self._full = metrics.shadow_dropped.labels("full")
        self._failed = metrics.shadow_dropped.labels("failed")
        self._queue: SimpleQueue[_Answered | None] = SimpleQueue()
        # Each is written by one thread only, so that neither waits for a lock.
        self._characters_put = 0
        self._characters_taken = 0
        self._stopped = False
        self._thread = Thread(target=self._run, name="shadow", daemon=True)

    def start(self) -> None:
        """Start to score."""
        self._thread.start()

    def stop(self) -> None:
        """Drop the queue, and return when the thread has ended."""
        self._stopped = True
        self._queue.put(None)
        self._thread.join()

    def put(self, text: str, score: float, label: str) -> None:
        """Queue an answered text, unless the queue is full or the model is not loaded."""
        if self.followed.current is None:
            return
        waiting = self._characters_put - self._characters_taken
        if self._queue.qsize() >= MOST_TEXTS or waiting + len(text) > MOST_CHARACTERS:
            self._full.inc()
            return
        self._characters_put += len(text)
        self._queue.put(_Answered(text, score, label))

    def _run(self) -> None:
        while (answers := self._take()) and not self._stopped:
            model = self.followed.current
            try:
                if model is not None:  # always so after the first `put`
                    self._compare(model, answers)
            except Exception:  # no error of the shadow may affect answers
                log.exception("the shadow could not score")
                self._failed.inc(len(answers))

    def _take(self) -> list[_Answered]:
        """Wait for answered texts and return some of them, or none to stop."""
        answers: list[_Answered] = []
        characters = 0
        while len(answers) < _TEXTS_AT_ONCE and characters < _CHARACTERS_AT_ONCE:
            try:
                answer = self._queue.get_nowait() if answers else self._first()
            except Empty:
                break
            if answer is None:
                return []
            answers.append(answer)
            characters += len(answer.text)
        self._characters_taken += characters
        return answers

    def _first(self) -> _Answered | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            first = self._queue.get()
            time.sleep(_PAUSE_S)
            return first

    def _compare(self, model: ServedModel, answers: list[_Answered]) -> None:
        scores = model.scorer.score_texts([answer.text for answer in answers])
        version = str(model.identity["version"])
        difference = self._metrics.shadow_difference.labels(version)
        same = 0
        for answer, score, label in zip(answers, scores.score.tolist(), scores.label.tolist(), strict=True):
            difference.observe(abs(score - answer.score))
            same += LABELS[label] == answer.label
        self._metrics.shadow_texts.labels(version, "same_label").inc(same)
        self._metrics.shadow_texts.labels(version, "other_label").inc(len(answers) - same)
