"""The statistics of the partitioned tables are refreshed by a writer, who does not own them."""

from sentiment_core.ledger.statistics import refresh_statistics

STATISTICS = """
SELECT count(*) FROM pg_stats
WHERE schemaname = 'sentiment' AND tablename IN ('review', 'score') AND attname = 'day' AND inherited
"""


def test_the_planner_knows_the_reviews_of_all_months_after_a_refresh(drops, query) -> None:
    for day in ("2026-10-15", "2026-11-15"):
        drops.drop(f"shop/dt={day}/r.csv", "review,product_id\nfine,kettle\nbroken,kettle\n")
    assert query(STATISTICS) == [(0,)]
    refresh_statistics(drops.connection)
    assert query(STATISTICS) == [(2,)]
