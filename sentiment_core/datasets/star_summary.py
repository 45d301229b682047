"""What a snapshot's manifest says about starred rows: the reading of each source's ratings, and counts by outcome."""

from datetime import date
from typing import Any, Self

from pydantic import Field, model_validator

from sentiment_core.model.manifest import Part


class StarSource(Part):
    """The rated reviews of one source that were read by one rule. Each row is counted once."""

    source: str
    declared: bool = Field(description="Whether a contract declared the scale when the rows were loaded.")
    scales: tuple[str, ...] = Field(description="Scales that the stored ratings can be on.")
    rows: int = Field(description="Stored reviews with a rating.")
    unreadable: int = Field(description="Further reviews, whose rating could not be parsed.")
    taken: int
    suspicious: int = Field(description="Rows of `taken` with a lower weight: the model strongly disagrees.")
    left_out: dict[str, int] = Field(description="Rows that were left out, by reason.")
    agreement: float | None = Field(
        description="How often the model agrees with the stars: the mean of both polar labels. Null for few rows."
    )
    refused: str | None = Field(description="Code of the reason for refusing all rows.")
    why: str

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.refused:
            if self.taken or self.left_out:
                raise ValueError(f"source {self.source!r} was refused and has rows")
        elif self.rows != self.taken + sum(self.left_out.values()):
            raise ValueError(f"the counts of rated reviews of source {self.source!r} do not add up to {self.rows}")
        return self


class Stars(Part):
    """The rated reviews that were used as weak labels, or the reasons for leaving them out."""

    since: date | None = Field(description="First day of the reviews. None means no limit.")
    until: date | None
    settings: dict[str, Any] = Field(description="Section `stars` of the training configuration.")
    judge: str | None = Field(description="Digest of the model that marked suspicious rows.")
    sources: tuple[StarSource, ...]

    @property
    def taken(self) -> int:
        """The number of starred rows in the snapshot."""
        return sum(source.taken for source in self.sources)

    @property
    def outcome(self) -> str:
        """Return why there are no starred rows, as the end of a sentence that lists where no rows are."""
        reasons = [f"{each.source!r}: {each.why or ', '.join(each.left_out)}" for each in self.sources]
        return f" or in the rated reviews ({'; '.join(reasons) or 'no stored review of these days has a rating'})"
