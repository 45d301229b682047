"""The manifest of a model bundle: a description of the model, in JSON."""

import json
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sentiment_core.labels import LABELS

FORMAT_VERSION: Final = 2

Standing = Literal["supported", "experimental", "unsupported"]


class Part(BaseModel):
    """A part of a manifest. It is immutable and rejects fields that this release does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @property
    def document(self) -> bytes:
        """The JSON document that is stored and hashed. The same content gives the same bytes."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n").encode()


class TextRecipe(Part):
    """The text recipe: how a text becomes features (`text/specification.py`) and how features become margins."""

    version: Literal[2, 3, 4] = Field(2, description="Version of the text recipe.")
    unicode: str = Field(description="Version of the Unicode tables.")
    shortest_ngram: int = Field(ge=1)
    longest_ngram: int = Field(ge=1)
    negation_reach: int = Field(ge=0, description="Number of tokens after a negation that become negated tokens.")
    weighting: Literal["binary"] = Field(
        "binary", description="Each known n-gram of a text counts once; the text's vector has Euclidean length 1."
    )


class Calibration(Part):
    """Calibration: logits are slopes x margins + intercepts (Platt scaling, or its analogue for three labels).

    A model of two labels has one margin and one logit, the log-odds of positive. A model of three labels has one margin
    and one logit per label. The softmax of the logits gives the labels' probabilities.
    """

    slopes: tuple[tuple[float, ...], ...] = Field(description="One row per logit, one column per margin.")
    intercepts: tuple[float, ...]


class Thresholds(Part):
    """The neutral band: scores from `neutral_low` to `neutral_high`, both inclusive, are labelled neutral."""

    neutral_low: float = Field(ge=0, le=0.5)
    neutral_high: float = Field(ge=0.5, le=1)


class TrainingData(Part):
    """The training data: rows by label, and the digest of the texts, their labels and their order."""

    sha256: str
    rows: dict[str, int]
    unlabelled_sha256: str | None = Field(
        description="Digest of the unlabelled texts used in training; null if there were none."
    )
    unlabelled_rows: int = Field(ge=0)


class ArrayFile(Part):
    """One array of the bundle, stored as `<name>.npy`."""

    size: int = Field(description="Size of the file in bytes.")
    sha256: str


class Manifest(Part):
    """Everything about a model except its arrays, which the manifest lists with their digests."""

    format_version: Literal[2] = 2
    name: str
    labels: (
        tuple[Literal["negative"], Literal["positive"]]
        | tuple[Literal["negative"], Literal["neutral"], Literal["positive"]]
    )
    languages: tuple[str, ...] = Field(description="Languages that the model was trained on.")
    experimental_languages: tuple[str, ...] = Field(
        (),
        exclude_if=lambda languages: not languages,  # the digest of an older bundle stays the same
        description="Those of `languages` in which the model was measured to be below the standard.",
    )
    recipe: TextRecipe
    biases: tuple[float, ...] = Field(description="One per margin.")
    calibration: Calibration
    thresholds: Thresholds | None = Field(description="Null if the model was trained on neutral labels.")
    neutral_ratio: float | None = Field(
        None,
        ge=0,
        exclude_if=lambda ratio: ratio is None,  # the digest of an older bundle stays the same
        description="Of three labels: a text is neutral if P(neutral) exceeds |P(positive) - P(negative)| times this. "
        "Absent: the most probable label.",
    )
    snapshot: TrainingData
    training: dict[str, Any] = Field(description="The training configuration (`params.yaml`).")
    base: str | None = Field(
        None,
        exclude_if=lambda digest: digest is None,
        description="Digest of the model from whose weights the training started. Absent: it started from none.",
    )
    arrays: dict[Literal["ngrams", "weights", "tokens", "canonical"], ArrayFile]

    @property
    def margins(self) -> int:
        """Return the number of margins of a text: one for two labels, one per label for three."""
        return 1 if len(self.labels) == 2 else len(self.labels)

    def standing(self, language: str) -> Standing:
        """Return the standing of a language, which is given by the primary subtag of its tag."""
        if language in self.experimental_languages:
            return "experimental"
        return "supported" if language in self.languages else "unsupported"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        slopes, count = self.calibration.slopes, self.margins
        if not {count} == {len(self.biases), len(self.calibration.intercepts), len(slopes), *map(len, slopes)}:
            raise ValueError(f"{len(self.labels)} labels need {count} biases, slopes and intercepts")
        if (self.thresholds is None) != (len(self.labels) == 3):
            raise ValueError("thresholds belong to a model of two labels, and to no other")
        if self.neutral_ratio is not None and len(self.labels) != len(LABELS):
            raise ValueError("neutral_ratio belongs to a model of three labels, and to no other")
        return self
