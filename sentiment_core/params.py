"""The typed training configuration. `params.yaml` contains the defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sentiment_core.errors import ParamsInvalid
from sentiment_core.labels import LABELS

DEFAULTS: Final = Path(__file__).with_name("params.yaml")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SetParams(_Section):
    """The weights of the rows of several training sets (`datasets/training_sets.py`)."""

    exponent: float = Field(0.5, ge=0, le=1)
    factors: dict[str, float] = {}
    label_exponents: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}  # by language; 0 for the others


class DataParams(_Section):
    """The label column, the accepted spellings of labels, and the percentage of held-out test data."""

    label_column: str
    labels: dict[str, tuple[str, ...]]
    test_size: int = Field(ge=0, le=99)
    sets: SetParams | None = Field(None, exclude_if=lambda sets: sets is None)

    @property
    def spellings(self) -> dict[str, str]:
        """The label of each accepted spelling. Spellings are in lower case and stripped of surrounding spaces."""
        return {each.strip().lower(): label for label, accepted in self.labels.items() for each in accepted}

    def with_every_label(self) -> Self:
        """Return a copy that also accepts the name of each label that has no spelling, for evaluation."""
        named = {label: self.labels.get(label, () if label in self.spellings else (label,)) for label in LABELS}
        return self.model_copy(update={"labels": named})

    @model_validator(mode="after")
    def _known_labels(self) -> Self:
        if set(self.labels) not in ({"negative", "positive"}, set(LABELS)):
            raise ValueError("labels must be negative and positive, or negative, neutral and positive")
        spellings = [spelling.strip().lower() for accepted in self.labels.values() for spelling in accepted]
        twice = sorted({spelling for spelling in spellings if spellings.count(spelling) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is listed more than once")
        return self


class ModelParams(_Section):
    """The model's name, languages and hyperparameters."""

    name: str
    languages: tuple[str, ...]
    shortest_ngram: int = Field(ge=1)
    longest_ngram: int = Field(ge=1, le=8)
    min_texts: int = Field(ge=1)
    negation_reach: int = Field(ge=0)
    stop_words: bool
    lemmatize: bool
    smoothing: float = Field(gt=0)
    power: float = Field(ge=0)
    features: int = Field(ge=1)
    C: float = Field(gt=0)
    tolerance: float = Field(gt=0)
    iterations: int = Field(ge=1)
    unlabelled_weight: float = Field(ge=0)
    base: Literal["none", "starter"] = Field("none", exclude_if=lambda base: base == "none")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.shortest_ngram > self.longest_ngram:
            raise ValueError("shortest_ngram must not be above longest_ngram")
        return self


class CalibrationParams(_Section):
    """How scores are calibrated, and how the neutral band is chosen, on held-out folds."""

    folds: int = Field(ge=2)
    neutral_accuracy: float = Field(ge=0.5, le=1)
    neutral_most: float = Field(ge=0, le=1)


class SnapshotParams(_Section):
    """How snapshots are split. The snapshot records these values itself, so a model's manifest does not."""

    group_column: str = Field("product_id", min_length=1)
    test_size: int = Field(20, ge=0, le=99)


class CheckParams(_Section):
    """Limits that training data must meet. A model's manifest does not record them."""

    least_rows: int = Field(100, ge=1)
    least_label_share: float = Field(0.1, ge=0, le=0.5)
    most_contradicting: float = Field(0.02, ge=0, le=1)
    short_characters: int = Field(10, ge=0)
    most_short: float = Field(0.1, ge=0, le=1)
    long_characters: int = Field(20_000, ge=1)
    most_long: float = Field(0.1, ge=0, le=1)
    most_other_languages: float = Field(0.05, ge=0, le=1)
    most_rejected: float = Field(0.1, ge=0, le=1)
    most_rejected_files: float = Field(0.5, ge=0, le=1)


class StarParams(_Section):
    """How rated reviews become weak labels. Ratings count in stars, 1 to 5. A model's manifest does not record them."""

    enabled: bool = False
    days: int | None = Field(90, ge=1)
    negative_at_most: float = Field(2, ge=1, le=5)
    neutral: float = Field(3, ge=1, le=5)
    positive_at_least: float = Field(4, ge=1, le=5)
    scales: dict[str, tuple[float, float]] = {}
    weight: float = Field(0.5, gt=0, le=1)
    suspicious_probability: float = Field(0.95, ge=0.5, le=1)
    suspicious_weight: float = Field(0.1, gt=0, le=1)
    least_agreement: float = Field(0.5, ge=0, le=1)
    least_ratings: int = Field(20, ge=1)
    least_characters: int = Field(10, ge=1)
    most_per_product: int = Field(100, ge=1)
    most_per_author: int = Field(10, ge=1)
    most_rows: int = Field(20_000, ge=1)
    least_human_test: int = Field(200, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.negative_at_most < self.neutral < self.positive_at_least:
            raise ValueError("neutral must be above negative_at_most and below positive_at_least")
        if same := [source for source, (worst, best) in self.scales.items() if worst == best]:
            raise ValueError(f"the scale of {same[0]} must have two different ends: [worst, best]")
        return self


class Params(_Section):
    """All parameters of a training run: everything that determines the model except its data."""

    data: DataParams
    model: ModelParams
    calibration: CalibrationParams
    snapshot: SnapshotParams = SnapshotParams()
    checks: CheckParams = CheckParams()
    stars: StarParams = StarParams()

    def recorded(self) -> dict[str, Any]:
        """Return the sections that a model's manifest records. `snapshot`, `checks` and `stars` are left out."""
        return self.model_dump(mode="json", exclude={"snapshot", "checks", "stars"})

    def with_test_size(self, test_size: int) -> Self:
        """Return a copy with another test size (percent)."""
        return self.model_copy(update={"data": self.data.model_copy(update={"test_size": test_size})})

    def with_stars(self, enabled: bool | None) -> Self:
        """Return a copy that uses or ignores stars. None keeps the setting."""
        stars = self.stars if enabled is None else self.stars.model_copy(update={"enabled": enabled})
        return self.model_copy(update={"stars": stars})

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with changed values, by section and name. Raises `ParamsInvalid` when a value is invalid."""
        values = self.model_dump()
        for section, named in changes.items():
            known = values.get(section)
            values[section] = known | named if isinstance(known, dict) and isinstance(named, dict) else named
        return self._validated(values, "of the run")

    @classmethod
    def load(cls, path: Path = DEFAULTS) -> Self:
        """Read parameters from a YAML file. Raises `ParamsInvalid` when the file is invalid."""
        try:
            return cls._validated(yaml.safe_load(path.read_text("utf-8")), path)
        except OSError as error:
            raise ParamsInvalid(path=path, why=error.strerror or str(error)) from error
        except yaml.YAMLError as error:
            raise ParamsInvalid(path=path, why=f"it is not YAML: {error}") from error

    @classmethod
    def _validated(cls, values: object, where: Path | str) -> Self:
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            fault = error.errors()[0]
            why = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            raise ParamsInvalid(path=where, why=why) from error
