"""The typed configuration of the promotion gate; `gate.yaml` holds the defaults."""

from pathlib import Path
from typing import Final, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sentiment_core.errors import PolicyInvalid

DEFAULT_POLICY: Final = Path(__file__).with_name("gate.yaml")

MetricName = Literal["accuracy", "precision", "recall", "f1", "auc", "brier", "ece", "coverage"]
SMALLER_IS_BETTER: Final = frozenset({"brier", "ece"})

PolicyModel = TypeVar("PolicyModel", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MetricBounds(_Section):
    """The bounds of one metric of the challenger, with the field names of MLflow's `MetricThreshold`.

    `threshold` is absolute. The changes compare with the champion. For metrics where smaller is better, the
    direction of all bounds is reversed.
    """

    threshold: float | None = Field(None, ge=0, le=2)
    min_absolute_change: float | None = Field(None, gt=0, le=1)
    min_relative_change: float | None = Field(None, gt=0, le=1)

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.threshold is self.min_absolute_change is self.min_relative_change is None:
            raise ValueError("set threshold, min_absolute_change or min_relative_change")
        return self


class ComparisonPolicy(_Section):
    """How the two accuracies are compared, based on the paired confidence interval of their difference."""

    policy: Literal["better", "not_worse"]
    min_absolute_change: float = Field(ge=0, le=1)
    margin: float = Field(gt=0, le=1)
    confidence: float = Field(ge=0.5, lt=1)

    @property
    def bound(self) -> float:
        """The value that the interval's lower bound must exceed."""
        return self.min_absolute_change if self.policy == "better" else -self.margin


class SlicePolicy(_Section):
    """When a slice counts as a regression."""

    least_rows: int = Field(ge=30)
    most_worse: float = Field(ge=0, le=1)


class LatencyPolicy(_Section):
    """Limits on the challenger's scoring time."""

    most_us_per_text: float = Field(gt=0)
    most_ratio: float = Field(gt=0)


class SizePolicy(_Section):
    """Limits on the size of the challenger's arrays."""

    most_bytes: int = Field(gt=0)
    most_ratio: float = Field(gt=0)


class BehaviourPolicy(_Section):
    """The behavioural cases to run, and the fraction that must hold."""

    cases: Path | None
    least_share: float = Field(gt=0, le=1)


class LabelPolicy(_Section):
    """The limit on the loss of macro-F1 over the labels that users get, on rows with neutral ones."""

    most_macro_f1_lost: float = Field(0.02, ge=0, le=1)


class SuitePolicy(_Section):
    """A suite of labelled sets, and how much a supported language or domain may lose against the champion."""

    location: str | None = Field(None, min_length=1)
    most_lost: float = Field(0.02, ge=0, le=1)
    least_rows: int = Field(200, ge=1)
    supported: float = Field(0.75, ge=0.5, le=1)


class ShadowPolicy(_Section):
    """The stored reviews that both models score again, and the fraction of labels that may change."""

    days: int = Field(ge=1, le=366)
    most_rows: int = Field(ge=1, le=100_000)
    least_rows: int = Field(ge=1)
    most_changed: float = Field(ge=0, le=1)
    most_changed_slice: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.least_rows > self.most_rows:
            raise ValueError("least_rows must not be above most_rows")
        return self


class GatePolicy(_Section):
    """All requirements that a challenger must meet before it becomes the champion."""

    least_rows: int = Field(ge=2)
    metrics: dict[MetricName, MetricBounds] = Field(min_length=1)
    comparison: ComparisonPolicy
    slices: SlicePolicy
    latency: LatencyPolicy
    size: SizePolicy
    behaviour: BehaviourPolicy
    labels: LabelPolicy = LabelPolicy()
    shadow: ShadowPolicy
    suite: SuitePolicy = SuitePolicy()

    @classmethod
    def load(cls, path: Path = DEFAULT_POLICY) -> Self:
        """Read a policy from a YAML file. Raises `PolicyInvalid` when the file is invalid."""
        return read_yaml(path, cls)

    def not_worse(self) -> Self:
        """Return the policy for retraining on drift, where the challenger must only not be worse than the champion."""
        return self.model_copy(update={"comparison": self.comparison.model_copy(update={"policy": "not_worse"})})


def read_yaml(path: Path, model: type[PolicyModel]) -> PolicyModel:
    """Read a YAML file of the gate. Raises `PolicyInvalid` when it is invalid; the error names the invalid field."""
    try:
        return model.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise PolicyInvalid(path=path, why=error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyInvalid(path=path, why=f"it is not YAML: {error}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"])) or "the file"
        raise PolicyInvalid(path=path, why=f"{place}: {fault['msg']}") from error
