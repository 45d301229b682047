"""The manifest of a model bundle: what the model is, in JSON."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT_VERSION: Final = 1


class Part(BaseModel):
    """A part of a manifest: immutable, and without fields that this release does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Recipe(Part):
    """How a text becomes features (`text.py`) and features become a margin."""

    version: Literal[1] = Field(1, description="Version of the text recipe.")
    unicode: str = Field(description="Version of the Unicode tables.")
    shortest_ngram: int = Field(ge=1)
    longest_ngram: int = Field(ge=1)
    weighting: Literal["binary"] = Field(
        "binary", description="Each known n-gram of a text counts once; the text's vector has Euclidean length 1."
    )


class Calibration(Part):
    """The logit of a score is slope x margin + intercept (Platt scaling)."""

    method: Literal["platt"] = "platt"
    slope: float = Field(gt=0)
    intercept: float


class Thresholds(Part):
    """Scores from `neutral_low` to `neutral_high`, both included, are labelled neutral."""

    neutral_low: float = Field(ge=0, le=0.5)
    neutral_high: float = Field(ge=0.5, le=1)


class Snapshot(Part):
    """The training data: rows by label, and the digest of texts, labels and order."""

    sha256: str
    rows: dict[str, int]


class ArrayFile(Part):
    """One array of the bundle, stored as `<name>.npy`."""

    size: int = Field(description="Bytes of the file.")
    sha256: str


class Manifest(Part):
    """Everything about a model but its arrays, which it names with their digests."""

    format_version: Literal[1] = 1
    name: str
    labels: tuple[Literal["negative"], Literal["positive"]] = ("negative", "positive")
    languages: tuple[str, ...]
    recipe: Recipe
    bias: float
    calibration: Calibration
    thresholds: Thresholds
    snapshot: Snapshot
    training: dict[str, Any] = Field(description="The training configuration, as `params.yaml` gave it.")
    arrays: dict[Literal["hashes", "weights"], ArrayFile]
