"""Queries of the analysts' views on generated reviews, compared with bare scans of the stored rows in the same run.

The reviews are short (about 100 bytes), of two years, five sources and 5,000 products. 2 % of the ids occur again in a
later file and supersede the earlier row. They are inserted month by month as a load would leave them, with heads,
superseded rows and rollups, and `sentiment db verify` runs over them (up to five million rows). The indexes are built
at the end, because that is several times as fast as inserting into them. The server does not sync while rows are
generated, and has PostgreSQL's default memory settings.

All times are the server's: planning, execution and conversion of all columns to text, without the client.
"""

import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from benchmarks.harness import argument_parser, report
from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.database.connection import Connection, connect
from sentiment_core.database.planner import without_nested_loops
from sentiment_core.ledger import rollups, source_files, verification

GOALS = {"daily_vs_count": "≤ 0.05", "products_vs_count": "≤ 0.1", "month_vs_scan": "≤ 3"}
ROWS = 2_000_000
VERIFIED_ROWS = 5_000_000
SOURCES = 5
PRODUCTS = 5_000
AUTHORS = 200_000
SUPERSEDED = 0.02
POPULAR = 10_000  # reviews of one more product: as many as each product has among 50 million
FIRST_DAY = date(2024, 12, 1)
DAYS = 730

# Each number of a review determines all its values. `draw(n, s)` is a hash, uniform in [0, 1).
PREPARE = """
    CREATE FUNCTION draw(n bigint, salt bigint) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN (hashint8extended(n, salt) & 1073741823) / 1073741824.0;
    CREATE FUNCTION resent(n bigint, distance bigint) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN n >= distance AND draw(n, 1) < %(superseded)s;
    CREATE FUNCTION key_of(source text, id text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN encode(substring(sha256(convert_to(source || '/' || id, 'UTF8')) FOR 16), 'hex')::uuid;
    INSERT INTO sentiment.model (digest, name, labels, languages, experimental_languages)
        VALUES (repeat('a', 64), 'generated', '{negative,neutral,positive}', '{en,de,fr}', '{nl}');
    INSERT INTO sentiment.source_file (bucket, key, version_token, etag, last_modified, size, source, day, status,
            sha256, current_model_id, header, finished_at)
        SELECT 'reviews', format('incoming/%%s/dt=%%s/reviews.csv', source, day), '1', '1', day + interval '25 hours',
            %(rows)s * 130, source, day, 'loaded', sha256(convert_to(source || day, 'UTF8')), 1, 'review',
            day + interval '26 hours'
        FROM (SELECT 'shop-' || shop AS source, %(first)s + number AS day
              FROM generate_series(0, %(days)s - 1) number, generate_series(1, %(sources)s) shop ORDER BY day, source);
    INSERT INTO sentiment.live_file SELECT source_file_id FROM sentiment.source_file;
    INSERT INTO sentiment.scoring_batch (source_file_id, model_id, kind, rows_in, rows_scored, rows_rejected,
            rows_duplicate, run_id, code_version, started_at)
        SELECT source_file_id, 1, 'load', %(rows)s, %(rows)s, 0, 0, 'generated', 'generated', finished_at
        FROM sentiment.source_file ORDER BY source_file_id;
    SELECT count(sentiment.ensure_month(month::date))
        FROM generate_series(%(first)s::timestamp, %(first)s::timestamp + %(days)s * interval '1 day', '1 month') month;
"""
# Each review in the three tables. `shown` has those that are the heads of their ids.
INSERT = """
    WITH number AS MATERIALIZED (
        SELECT n, day, source_file_id, line, key_of(source, id) AS review_key, id, last_modified, score, superseded,
            CASE WHEN score < 0.4 THEN 'negative' WHEN score < 0.6 THEN 'neutral' ELSE 'positive' END AS label
        FROM (
            SELECT n, day, source, source_file_id, line, last_modified,
                'r' || CASE WHEN resent(n, %(distance)s) THEN n - %(distance)s ELSE n END AS id,
                draw(n, 2)::real AS score,
                NOT resent(n, %(distance)s) AND n + %(distance)s < %(rows)s * %(days)s * %(sources)s
                    AND resent(n + %(distance)s, %(distance)s) AS superseded
            FROM sentiment.source_file
            CROSS JOIN LATERAL (
                SELECT (source_file_id - 1) * %(rows)s + row AS n, row::integer + 2 AS line
                FROM generate_series(0, %(rows)s - 1) row) rows
            WHERE day >= %(since)s AND day < %(until)s
            ORDER BY n) numbered),  -- a load stores the rows of a file next to each other
    reviews AS (
        INSERT INTO sentiment.review (day, source_file_id, line, batch_id, review_key, review_id, product_id, author_id,
            rating, reviewed_at, text, language_detected, language_certainty)
        SELECT day, source_file_id, line, source_file_id, review_key, id,
            CASE WHEN draw(n, 13) < %(popular)s THEN 'popular' ELSE 'p' || floor(draw(n, 3) * %(products)s) END,
            'u' || floor(draw(n, 4) * %(authors)s),
            1 + floor(draw(n, 5) * 5), day + (draw(n, 6) * 1.3 - 0.3) * interval '1 day',
            format('%%s The %%s arrived on day %%s and I have used it for %%s weeks, order number %%s.',
                CASE label WHEN 'positive' THEN 'Works well.' WHEN 'neutral' THEN 'It is fine.' ELSE 'Broke early.' END,
                (ARRAY['kettle', 'lamp', 'charger', 'backpack', 'blender'])[1 + floor(draw(n, 7) * 5)::integer],
                floor(draw(n, 8) * 30), floor(draw(n, 9) * 50), n),
            (ARRAY['en', 'en', 'en', 'de', 'fr', 'nl'])[1 + floor(draw(n, 10) * 6)::integer], 0.9
        FROM number),
    scores AS (
        INSERT INTO sentiment.score (day, source_file_id, line, model_id, batch_id, score, label, neutral, unfamiliar,
            mixed, superseded)
        SELECT day, source_file_id, line, 1, source_file_id, score, label::sentiment.label, least(score, 1 - score),
            draw(n, 11) < 0.01, draw(n, 12) < 0.05, superseded
        FROM number)
    INSERT INTO sentiment.review_head (review_key, day, source_file_id, line, last_modified)
    SELECT review_key, day, source_file_id, line, last_modified FROM number WHERE NOT superseded
"""
OF_MONTH = """
    SELECT * FROM sentiment.counted_review WHERE day >= %(since)s AND day < %(until)s AND NOT superseded
"""
INDEXES = """
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
        format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = ANY (%(tables)s::regclass[]) AND contype = 'p'
    UNION ALL
    SELECT format('DROP INDEX %%s', indexrelid::regclass), replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
    FROM pg_index WHERE indrelid = ANY (%(tables)s::regclass[]) AND NOT indisprimary
"""
TABLES = ["sentiment.review", "sentiment.score", "sentiment.review_head"]
# For the generation only. Building an index of a month sorts it in this memory.
SETTINGS = f"SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'; SET {rollups.KEPT} = 'kept'"


def generate(connection: Connection, rows: int) -> int:
    """Insert about the given number of reviews in a new schema, and return their exact number."""
    rows_of_file = max(1, round(rows / DAYS / SOURCES))
    values: dict[str, Any] = {
        "rows": rows_of_file,
        "first": FIRST_DAY,
        "days": DAYS,
        "sources": SOURCES,
        "products": PRODUCTS,
        "authors": AUTHORS,
        "superseded": SUPERSEDED,
        "popular": POPULAR / rows,
        "distance": 30 * SOURCES * rows_of_file,  # the file of the same source 30 days earlier
    }
    with connection, connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        cursor.execute(PREPARE, values)
        cursor.execute(INDEXES, {"tables": TABLES})
        drop, create = zip(*cursor.fetchall(), strict=True)
        cursor.execute("; ".join(drop))
    for month in months():
        with connection, connection.cursor() as cursor:
            insert(cursor, values | {"since": month, "until": next_month(month)})
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in (*create, "VACUUM ANALYZE", "RESET ALL"):
            cursor.execute(statement)
    connection.autocommit = False
    return rows_of_file * DAYS * SOURCES


def insert(cursor: Cursor, values: Mapping[str, object]) -> None:
    """Insert the reviews of a month, and count them in the rollups."""
    source_files.block_loads(cursor, 60)
    cursor.execute(INSERT, values)
    with without_nested_loops(cursor):
        cursor.execute("SELECT sentiment.count_reviews(1, %s)", (cursor.mogrify(OF_MONTH, values).decode(),))


def months() -> list[date]:
    """Return the first days of the months of the generated reviews."""
    days = (FIRST_DAY + timedelta(days=number) for number in range(DAYS))
    return sorted({day.replace(day=1) for day in days})


def next_month(month: date) -> date:
    """Return the first day of the month after a first day of a month."""
    return (month + timedelta(days=31)).replace(day=1)


def queries() -> dict[str, str]:
    """Return the measured queries, by name."""
    last = FIRST_DAY + timedelta(days=DAYS - 1)
    month = months()[-3]
    in_month = f"day >= '{month}' AND day < '{next_month(month)}'"
    newest = "ORDER BY written_day DESC LIMIT 100"
    month_before = f"day > '{last - timedelta(days=30)}'"
    return {
        "count": "SELECT count(*) FROM sentiment.review",
        "daily": "SELECT * FROM sentiment.daily_sentiment",
        "products, all rows": f"SELECT * FROM sentiment.product_sentiment WHERE {month_before}",
        "products": (
            "SELECT product_id, sum(negative) FROM sentiment.product_sentiment"
            f" WHERE {month_before} GROUP BY product_id ORDER BY 2 DESC LIMIT 20"
        ),
        "scan": f"SELECT count(text) FROM sentiment.review_{month:%Y%m}",
        "month": f"SELECT count(*), avg(score) FROM sentiment.scored_reviews WHERE {in_month}",
        "month by product": (
            "SELECT product_id, count(*), avg(score) FROM sentiment.scored_reviews"
            f" WHERE {in_month} GROUP BY product_id"
        ),
        "newest of a product": f"SELECT * FROM sentiment.scored_reviews WHERE product_id = 'popular' {newest}",
        "newest of an author": f"SELECT * FROM sentiment.scored_reviews WHERE author_id = 'u77' {newest}",
        "newest of a day": f"SELECT * FROM sentiment.scored_reviews WHERE day = '{last}' {newest}",
        "trend of a product": "SELECT * FROM sentiment.product_sentiment WHERE product_id = 'p77'",
    }


def server_time(connection: Connection, query: str) -> float:
    """Run a query, and return the milliseconds that the server needs to plan it, to execute it and to convert rows."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, SERIALIZE TEXT, FORMAT JSON) {query}")
        ((plans,),) = cursor.fetchall()
    (plan,) = plans
    return float(plan["Planning Time"] + plan["Execution Time"])


def measure(connection: Connection, rounds: int) -> dict[str, float]:
    """Return the best time of each query in milliseconds. The queries take turns."""
    taken: dict[str, list[float]] = {name: [] for name in queries()}
    for _ in range(rounds):
        for name, query in queries().items():
            taken[name].append(server_time(connection, query))
    return {name: min(each) for name, each in taken.items()}


def main() -> None:
    """Run the benchmark and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"number of reviews (default {ROWS:,})")
    options = parser.parse_args()
    rows = 20_000 if options.quick else options.rows
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), ("postgres",), durable=False) as stack:
        migrations.upgrade(stack.postgres.url())
        with connect(stack.postgres.url("sentiment", "postgres")) as connection:
            rows = generate(connection, rows)
            if rows <= VERIFIED_ROWS:
                assert verification.verify(connection) == []
            times = measure(connection, 2 if options.quick else 7)
    figures: dict[str, Any] = {"reviews": "generated", "rows": rows}
    figures |= {f"{name} (ms)": each for name, each in times.items()}
    ratios = {
        "daily_vs_count": times["daily"] / times["count"],
        "products_vs_count": times["products"] / times["count"],
        "month_vs_scan": times["month"] / times["scan"],
    }
    report(figures, ratios, GOALS, options.json)


if __name__ == "__main__":
    main()
