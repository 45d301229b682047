"""What the gate found: each check with its figure and bound, and whether the challenger may become the champion."""

import json
import math
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

# MLflow promises room for so many bytes in a tag, whatever its store.
MOST_TAG_BYTES = 5_000


class GateCheck(BaseModel):
    """One check. `passed` is None for one that was skipped, which `detail` then explains."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    passed: bool | None
    figure: float | None = None
    bound: float | None = None
    detail: str

    @classmethod
    def at_least(cls, name: str, figure: float, bound: float, detail: str) -> Self:
        """Return a check of a figure that must not be below its bound."""
        return cls(name=name, passed=figure >= bound, figure=_finite(figure), bound=bound, detail=detail)

    @classmethod
    def at_most(cls, name: str, figure: float, bound: float, detail: str) -> Self:
        """Return a check of a figure that must not be above its bound."""
        return cls(name=name, passed=figure <= bound, figure=_finite(figure), bound=bound, detail=detail)

    @classmethod
    def above(cls, name: str, figure: float, bound: float, detail: str) -> Self:
        """Return a check of a figure that must be above its bound."""
        return cls(name=name, passed=figure > bound, figure=_finite(figure), bound=bound, detail=detail)

    @classmethod
    def failed(cls, name: str, why: str) -> Self:
        """Return a check that could not be evaluated, and so failed."""
        return cls(name=name, passed=False, detail=why)

    @classmethod
    def skipped(cls, name: str, why: str) -> Self:
        """Return a check that there was nothing to do for."""
        return cls(name=name, passed=None, detail=why)

    @property
    def outcome(self) -> str:
        """The outcome in a word."""
        return {True: "passed", False: "failed", None: "skipped"}[self.passed]


class Verdict(BaseModel):
    """The gate's answer about one challenger, and on what rows and against which champion it was found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    challenger: str  # digest
    champion: str | None  # digest; None where there was no champion
    policy: str
    rows_given: int
    rows: int  # that neither model was trained on, each text once
    rows_sha256: str | None  # digest of those rows and their labels
    checks: tuple[GateCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether the challenger may become the champion: some check passed, and none failed."""
        return any(check.passed for check in self.checks) and not self.failures

    @property
    def failures(self) -> tuple[GateCheck, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.passed is False)

    @property
    def why(self) -> str:
        """Return the failed checks in words."""
        return "; ".join(f"{check.name}: {check.detail}" for check in self.failures) or "every check passed"

    def as_json(self) -> dict[str, Any]:
        """Return the verdict for storing, `passed` included."""
        return {"passed": self.passed} | self.model_dump(mode="json")

    def tag(self) -> str:
        """Return the verdict as JSON that is short enough for a tag in MLflow."""
        short: dict[str, Any] = {
            "passed": self.passed,
            "champion": self.champion and self.champion[:12],
            "policy": self.policy,
            "rows": self.rows,
            "checks": {check.name: [check.outcome, check.figure, check.bound] for check in self.checks},
        }
        if len(json.dumps(short).encode()) > MOST_TAG_BYTES:
            short["checks"] = {check.name: check.outcome for check in self.failures[:20]}
        return json.dumps(short)


def _finite(figure: float) -> float | None:
    """Return the figure; None for one that JSON has no number for."""
    return figure if math.isfinite(figure) else None
