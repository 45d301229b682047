"""Labelled reviews for training and evaluation, read from CSV files and checked before any work is done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.params import DataParams
from sentiment_core.settings import settings

_SHOWN: Final = 5  # unknown labels named in an error


@dataclass(frozen=True, eq=False)
class LabelledReviews:
    """Texts, whether each is positive, and the group of each: groups are never split between folds."""

    texts: Sequence[str]
    positive: NDArray[np.bool_]  # n
    groups: NDArray[np.int64]  # n; texts that are equal are one group when no column names groups

    @property
    def rows(self) -> dict[str, int]:
        """The number of reviews of each label."""
        positives = int(self.positive.sum())
        return {"negative": len(self.texts) - positives, "positive": positives}

    @property
    def sha256(self) -> str:
        """The digest of texts and labels, in their order."""
        digest = sha256()
        for text, positive in zip(self.texts, self.positive.tolist(), strict=True):
            encoded = text.encode("utf-8", "surrogatepass")
            digest.update(b"%d %d " % (positive, len(encoded)))
            digest.update(encoded)
        return digest.hexdigest()


def read_labelled(paths: Sequence[Path], params: DataParams, group_column: str | None = None) -> LabelledReviews:
    """Read CSV files (plain, .gz or .xz) with a text column, a label column and perhaps a column of groups.

    Raises `TrainingDataInvalid`, which names the column and the counts.
    """
    tables = [_read(path, params.label_column, group_column) for path in paths]
    table = pd.concat(tables, ignore_index=True)
    positive = _positive(table["label"], params)
    texts: list[str] = table["text"].tolist()
    _refuse_contradictions(texts, positive)
    groups, _ = pd.factorize(table["group"] if group_column else table["text"])
    return LabelledReviews(texts, positive, groups.astype(np.int64))


def _read(path: Path, label_column: str, group_column: str | None) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise TrainingDataInvalid(why=f"{path} cannot be read as CSV: {error}") from error
    columns = {name.strip().lower(): name for name in reversed(table.columns)}
    wanted = {"text": settings().text_columns, "label": (label_column,)}
    if group_column:
        wanted["group"] = (group_column,)
    chosen = {}
    for role, names in wanted.items():
        found = [columns[name.lower()] for name in names if name.lower() in columns]
        if not found:
            raise TrainingDataInvalid(
                why=f"{path} has no {role} column ({' or '.join(names)}); its columns are {', '.join(table.columns)}"
            )
        chosen[role] = table[found[0]]
    return pd.DataFrame(chosen)


def _positive(labels: "pd.Series[str]", params: DataParams) -> NDArray[np.bool_]:
    counts: Mapping[str, int] = Counter(labels.str.strip().str.lower())
    spellings = {spelling.lower(): label for label, accepted in params.labels.items() for spelling in accepted}
    unknown = [f"{label!r} in {count} rows" for label, count in counts.items() if label not in spellings]
    column = f"label column {params.label_column!r}"
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        known = ", ".join(sorted(spellings))
        raise TrainingDataInvalid(why=f"{column} holds {', '.join(unknown[:_SHOWN])}{more}; known labels are {known}")
    rows = Counter(dict.fromkeys(params.labels, 0))
    for spelling, count in counts.items():
        rows[spellings[spelling]] += count
    if not all(rows.values()):
        found = ", ".join(f"{count} {label}" for label, count in rows.items())
        raise TrainingDataInvalid(why=f"{column} must hold both labels, and holds {found} rows")
    return np.array([spellings[label] == "positive" for label in labels.str.strip().str.lower()])


def _refuse_contradictions(texts: Sequence[str], positive: NDArray[np.bool_]) -> None:
    first: dict[str, bool] = {}
    contradicting = {
        text for text, label in zip(texts, positive.tolist(), strict=True) if first.setdefault(text, label) != label
    }
    if contradicting:
        rows = sum(text in contradicting for text in texts)
        raise TrainingDataInvalid(
            why=f"{len(contradicting)} texts, in {rows} rows, are labelled both negative and positive"
        )
