"""A database with the example drops, scored by two small models, and with a row of everything else that views show.

The models are fixed, so the answers of queries do not change with the starter model.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from demo.stack import Stack
from sentiment_core.aspects.kept import keep_aspects
from sentiment_core.database.connection import Connection, connect
from sentiment_core.drops.storage import Storage
from sentiment_core.labels import LABELS
from sentiment_core.ledger.models import open_model
from sentiment_core.ledger.source_files import register
from sentiment_core.loading.loader import Loader, load_drop
from sentiment_core.loading.rescoring import Rescorer
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.manifest import Calibration
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import Settings
from sentiment_core.text.specification import identity, token_hash
from tests.starter import starter

POSITIVE = (
    "perfect excellent brilliant beautiful lovely love happy easy quiet quick soft warm smooth worth "
    "thank great good better best well without comfortable fresh treasure favourite gorgeous joy silent "
    "clean delivery years"
)
NEGATIVE = (
    "terrible broke broken cancelled rubber wrong rust disgusting revolting refund never worse worst "
    "awful useless dead gave nobody tastes account support pay money adverts smelled leaks cracked drain "
    "trouble not cannot twice"
)
NEUTRAL = "average fine okay neither usual"

BUCKET = "examples"


class ExampleDatabase(NamedTuple):
    """The URIs of one database: for its owner, and for a user who only has the role `sentiment_reader`."""

    url: str
    reader_url: str


def word_model(folder: Path) -> Bundle:
    """Write and load a model with three labels that knows a few words of the examples."""
    weights = dict.fromkeys(POSITIVE.split(), (-1.5, 0, 1.5)) | dict.fromkeys(NEGATIVE.split(), (1.5, 0, -1.5))
    weights |= dict.fromkeys(NEUTRAL.split(), (0, 2, 0))
    ngrams = {identity(token_hash(word.encode())): each for word, each in weights.items()}
    manifest = starter().manifest
    Bundle.create(
        ngrams=np.array(sorted(ngrams), np.uint64),
        weights=np.array([ngrams[ngram] for ngram in sorted(ngrams)], np.float32).T,
        provenance={"created": "by a test"},
        name="words",
        labels=LABELS,
        languages=("en", "de"),
        experimental_languages=("de",),
        recipe=manifest.recipe.model_copy(update={"longest_ngram": 1}),
        biases=(0.0, 0.3, 0.1),
        calibration=Calibration(slopes=np.eye(3).tolist(), intercepts=(0.0, 0.0, 0.0)),
        thresholds=None,
        snapshot=manifest.snapshot,
        training={},
    ).save(folder)
    return Bundle.load(folder)


def create(
    stack: Stack,
    template: str,
    examples: Path,
    shift_bundle: Callable[[Bundle, Path, float], Bundle],
    folder: Path,
) -> ExampleDatabase:
    """Create the database `examples`, load the drops in the order of their days, and add the other rows."""
    url = stack.postgres.create_database("examples", template=template)
    bundle = word_model(folder / "words")
    settings = Settings(database_url=url, bucket=BUCKET)
    storage = Storage(stack.object_store.client())
    storage.s3.create_bucket(Bucket=BUCKET)
    with connect(url) as connection:
        model = open_model(connection, Scorer(bundle), 1)
        files = sorted((path for path in examples.rglob("*") if path.is_file()), key=lambda path: path.parent.name)
        for path in files:
            key = f"incoming/{path.relative_to(examples).as_posix()}"
            storage.s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
            drop = storage.find(f"s3://{BUCKET}/{key}")
            load_drop(Loader(connection, storage, model, settings, "scheduled__1"), drop, False)
        other = open_model(connection, Scorer(shift_bundle(bundle, folder / "other", 1.5)), 2)
        for number in range(1, len(files) + 1):
            Rescorer(connection, other, settings, "rescore__1").rescore(number, False)
        waiting = drop._replace(key="incoming/web-shop/dt=2026-11-18/waiting.csv")
        with connection, connection.cursor() as cursor:
            register(cursor, [waiting], settings.incoming_prefix)
        _execute(connection, _OTHER_ROWS)
        keep_aspects(connection, model, settings)
    return ExampleDatabase(url, f"postgresql://reader:reader@127.0.0.1:{stack.postgres.port}/examples")


def _execute(connection: Connection, statements: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(statements)


# Times as a nightly run at 02:00 UTC would have left them, and one row of each table that loads do not write.
_OTHER_ROWS = """
UPDATE sentiment.source_file SET
    last_modified = day + time '23:30' AT TIME ZONE 'UTC' + source_file_id * interval '1 second',
    first_seen_at = day + 1 + time '02:00' AT TIME ZONE 'UTC',
    finished_at = CASE WHEN finished_at IS NOT NULL THEN day + 1 + time '02:01' AT TIME ZONE 'UTC' END;
UPDATE sentiment.scoring_batch b SET started_at = f.day + 1 + time '02:00' AT TIME ZONE 'UTC',
    finished_at = f.day + 1 + time '02:00' AT TIME ZONE 'UTC' + f.source_file_id * interval '2 seconds'
FROM sentiment.source_file f WHERE f.source_file_id = b.source_file_id;
UPDATE sentiment.scoring_batch SET warnings = '{column id looks like review_id and is not used as such}'
WHERE batch_id = 1;
UPDATE sentiment.model SET first_used_at = '2026-11-17 02:00Z',
    name = CASE model_id WHEN 1 THEN 'words' ELSE 'shifted words' END;
INSERT INTO sentiment.scoring_run (run_id, day, model_id, version, champion, replace, planned_at)
SELECT 'scheduled__' || number, date '2026-11-15' + number, 1, 1, true, false,
    date '2026-11-16' + number + time '02:00' AT TIME ZONE 'UTC'
FROM generate_series(1, 3) number;
INSERT INTO sentiment.feedback (feedback_key, text, label, score, model_digest, received_at)
SELECT md5(number::text)::uuid, 'text ' || number,
    CASE WHEN number < 3 THEN 'positive' ELSE 'negative' END::sentiment.label, 0.9, digest, '2026-11-18 12:00Z'
FROM sentiment.model, generate_series(1, 3) number WHERE model_id = 1;
INSERT INTO sentiment.drift_report (day, model_id, product_id, measures, drifted, made_at)
SELECT date '2026-11-15' + number, 1, NULL, jsonb_build_object('state', 'measured', 'rows', 64, 'causes', '[]'::jsonb,
    'score', jsonb_build_object('effect', number * 0.02), 'labels', jsonb_build_object('effect', number * 0.01),
    'length', jsonb_build_object('effect', 0.01), 'unknown', jsonb_build_object('effect', 0.01, 'mean', 0.2)), false,
    date '2026-11-16' + number + time '03:00' AT TIME ZONE 'UTC'
FROM generate_series(1, 3) number;
INSERT INTO sentiment.promotion (alias, kind, state, to_version, to_digest, actor, reason, verdict, moved_at)
SELECT 'champion', 'promote', 'moved', 1, digest, 'ann', 'the first', '{"passed": true, "checks": []}',
    '2026-11-16 12:00Z'
FROM sentiment.model WHERE model_id = 1;
INSERT INTO sentiment.driver_comparison (source, product_id, first_then, last_then, first_now, last_now, model_id,
    reviews_then, reviews_now, mean_then, mean_now, change, change_low, change_high, rest)
VALUES ('web-shop', NULL, '2026-11-05', '2026-11-11', '2026-11-12', '2026-11-18', 1, 9, 9, 0.5, 0.25, -0.25, -0.5, 0,
    0.05);
INSERT INTO sentiment.driver (comparison_id, rank, phrase, movement, explained, reviews_then, reviews_now, ratio_change,
    ratio_low, ratio_high)
SELECT comparison_id, 1, 'broke', -0.3, 1.2, 0, 3, 0.3, 0.1, 0.6 FROM sentiment.driver_comparison;
INSERT INTO sentiment.driver_example (comparison_id, rank, day, source_file_id, line)
SELECT comparison_id, rank, day, source_file_id, line FROM sentiment.driver, sentiment.scored_reviews
WHERE source = 'web-shop' AND text LIKE '%broke%' ORDER BY day, source_file_id, line LIMIT 1;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN
        CREATE ROLE reader LOGIN PASSWORD 'reader' IN ROLE sentiment_reader;
    END IF;
END $$;
"""


def recent_copy(stack: Stack, name: str) -> ExampleDatabase:
    """Create a copy whose ledger says that the newest day is the day before yesterday.

    The rows keep their days, so the ledger and the stored rows disagree.
    """
    url = stack.postgres.create_database(name, template="examples")
    with connect(url) as connection:
        _execute(connection, _RECENT)
    return ExampleDatabase(url, f"postgresql://reader:reader@127.0.0.1:{stack.postgres.port}/{name}")


_RECENT = """
CREATE FUNCTION pg_temp.days() RETURNS integer LANGUAGE sql AS $$
    SELECT (now() AT TIME ZONE 'UTC')::date - 2 - date '2026-11-18' $$;
CREATE FUNCTION pg_temp.shift() RETURNS interval LANGUAGE sql AS $$ SELECT pg_temp.days() * interval '1 day' $$;
UPDATE sentiment.source_file SET day = day + pg_temp.days(), last_modified = last_modified + pg_temp.shift(),
    finished_at = finished_at + pg_temp.shift();
UPDATE sentiment.scoring_batch SET started_at = started_at + pg_temp.shift(),
    finished_at = finished_at + pg_temp.shift();
UPDATE sentiment.scoring_run SET day = day + pg_temp.days();
UPDATE sentiment.drift_report SET day = day + pg_temp.days();
"""
