"""The gate's verdict: each check with its figure and bound, and whether the challenger may become the champion."""

import json
import math
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

# Maximum bytes of a tag value that MLflow guarantees for every backend store.
MAX_TAG_BYTES = 5_000


class GateCheck(BaseModel):
    """One check. `passed` is None for a skipped check, and `detail` gives the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    passed: bool | None
    figure: float | None = None
    bound: float | None = None
    detail: str

    @classmethod
    def at_least(cls, name: str, figure: float, bound: float, detail: str) -> Self:
        """Return a check that passes if the figure is at least the bound."""
        return cls(name=name, passed=figure >= bound, figure=_finite(figure), bound=bound, detail=detail)

    @classmethod
    def at_most(cls, name: str, figure: float, bound: float, detail: str) -> Self:
        """Return a check that passes if the figure is at most the bound."""
        return cls(name=name, passed=figure <= bound, figure=_finite(figure), bound=bound, detail=detail)

    @classmethod
    def above(cls, name: str, figure: float, bound: float, detail: str) -> Self:
        """Return a check that passes if the figure is above the bound."""
        return cls(name=name, passed=figure > bound, figure=_finite(figure), bound=bound, detail=detail)

    @classmethod
    def failed(cls, name: str, why: str) -> Self:
        """Return a failed check, for a check that could not be evaluated."""
        return cls(name=name, passed=False, detail=why)

    @classmethod
    def skipped(cls, name: str, why: str) -> Self:
        """Return a skipped check, for a check that does not apply."""
        return cls(name=name, passed=None, detail=why)

    @property
    def outcome(self) -> str:
        """The outcome: passed, failed or skipped."""
        return {True: "passed", False: "failed", None: "skipped"}[self.passed]


class Verdict(BaseModel):
    """The gate's verdict on one challenger, with the rows and the champion that it is based on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    challenger: str  # digest
    champion: str | None  # digest; None without a champion
    policy: str
    rows_given: int
    rows: int  # rows that neither model was trained on, each text once
    rows_sha256: str | None  # digest of those rows and their labels
    checks: tuple[GateCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether the challenger may become the champion: at least one check passed, and none failed."""
        return any(check.passed for check in self.checks) and not self.failures

    @property
    def failures(self) -> tuple[GateCheck, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.passed is False)

    @property
    def why(self) -> str:
        """The failed checks as text, or 'every check passed'."""
        return "; ".join(f"{check.name}: {check.detail}" for check in self.failures) or "every check passed"

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as a JSON-serializable dictionary, including `passed`."""
        return {"passed": self.passed} | self.model_dump(mode="json")

    def tag(self) -> str:
        """Return the verdict as JSON that fits into an MLflow tag (`MAX_TAG_BYTES`)."""
        short: dict[str, Any] = {
            "passed": self.passed,
            "champion": self.champion and self.champion[:12],
            "policy": self.policy,
            "rows": self.rows,
            "checks": {check.name: [check.outcome, check.figure, check.bound] for check in self.checks},
        }
        if len(json.dumps(short).encode()) > MAX_TAG_BYTES:
            short["checks"] = {check.name: check.outcome for check in self.failures[:20]}
        return json.dumps(short)


def _finite(figure: float) -> float | None:
    """Return the figure, or None if it is infinite or NaN, which JSON cannot represent."""
    return figure if math.isfinite(figure) else None
