"""The sample of stored reviews that champion and challenger both label in the shadow check.

It shows how many labels a promotion would change for analysts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sentiment_core.database.connection import Connection
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.labels import LABELS
from sentiment_core.promotion.policy import ShadowPolicy

# A deterministic sample: the same rows for the same data, regardless of their order on disk. Only days with loaded
# files count, so a week without files does not empty the sample.
_RECENT: Final = """
    WITH recent AS (
        SELECT DISTINCT day FROM sentiment.source_file WHERE status = 'loaded' ORDER BY day DESC LIMIT %(days)s
    )
    SELECT text, label::text, rating, coalesce(product_id, nullif(source, ''), 'none')
    FROM sentiment.scored_reviews
    WHERE day >= (SELECT min(day) FROM recent) AND NOT out_of_language
    ORDER BY hashint8extended(source_file_id, line), source_file_id, line
    LIMIT %(rows)s
"""


@dataclass(frozen=True, eq=False)
class StoredComparison:
    """Stored reviews of the newest days with the labels of the model that scored them, or the reason for none."""

    reviews: LabelledReviews | None
    why_none: str = ""


def stored_reviews(connection: Connection, policy: ShadowPolicy) -> StoredComparison:
    """Read a sample of the reviews of the newest days with loaded files, grouped by product (or source if none)."""
    with connection, connection.cursor() as cursor:
        cursor.execute(_RECENT, {"days": policy.days, "rows": policy.most_rows})
        rows = cursor.fetchall()
    if len(rows) < policy.least_rows:
        found = f"the newest {policy.days} days have {len(rows)} stored reviews"
        why = f"{found}, and the policy requires {policy.least_rows}"
        return StoredComparison(None, why)
    texts, labels, ratings, groups = (list(column) for column in zip(*rows, strict=True))
    return StoredComparison(
        LabelledReviews(
            texts,
            np.array([LABELS.index(label) for label in labels], np.int8),
            groups,
            np.array([np.nan if rating is None else rating for rating in ratings], np.float64),
        )
    )
