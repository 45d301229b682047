"""The statistics of the partitioned tables are refreshed by a writer, who does not own them."""

from sentiment_core.ledger.statistics import refresh_statistics

STATISTICS = """
SELECT n_distinct, coalesce(cardinality(most_common_freqs), 0) <= 1 FROM pg_stats
WHERE schemaname = 'sentiment' AND tablename IN ('review', 'score') AND attname = 'day' AND inherited
"""
JOIN = """
EXPLAIN (FORMAT JSON) SELECT FROM sentiment.score s JOIN sentiment.review r USING (day, source_file_id, line)
"""


def test_the_planner_knows_the_reviews_of_all_months_after_a_refresh(drops, query) -> None:
    for day in ("2026-10-15", "2026-11-15"):
        drops.drop(f"shop/dt={day}/r.csv", "review,product_id\nfine,kettle\nbroken,kettle\n")
    assert query(STATISTICS) == []
    refresh_statistics(drops.connection)
    assert query(STATISTICS) == [(2, True), (2, True)]


def test_the_planner_expects_about_as_many_joined_rows_as_there_are(drops, query) -> None:
    """The day is the same for all rows of a file. Days that are common in both tables must not count twice."""
    for day in range(1, 13):
        rows = "\n".join(f"fine {line}" for line in range(40 if day <= 2 else 5))
        drops.drop(f"shop/dt=2026-11-{day:02}/r.csv", f"review\n{rows}\n")
    refresh_statistics(drops.connection)
    with drops.connection.cursor() as cursor:
        cursor.execute("ANALYZE sentiment.review, sentiment.score")
        cursor.execute("SET LOCAL enable_partitionwise_join = off")
        cursor.execute(JOIN)
        (((plan,),),) = cursor.fetchall()
    rows = 2 * 40 + 10 * 5
    assert rows / 5 <= plan["Plan"]["Plan Rows"] <= rows * 5
