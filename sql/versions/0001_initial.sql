-- The ledger, the stored reviews, their scores, and what analysts see of them.
--
-- There are no foreign keys on review, score and rejected_row: they cost two to five times the load and forbid
-- dropping a month. Integrity comes from one transaction a file and from `sentiment db verify`.

-- Roles ---------------------------------------------------------------------------------------------------------
-- Roles belong to the whole server, so another database of it may have made them already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sentiment_reader') THEN
        CREATE ROLE sentiment_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sentiment_writer') THEN
        CREATE ROLE sentiment_writer NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- made by a migration of another database in this very moment
END
$$;

-- Models --------------------------------------------------------------------------------------------------------
CREATE TYPE sentiment.label AS ENUM ('negative', 'neutral', 'positive');

CREATE TABLE sentiment.model (
    digest          text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    model_id        smallint GENERATED ALWAYS AS IDENTITY UNIQUE,
    name            text NOT NULL,
    mlflow_versions integer[] NOT NULL DEFAULT '{}',
    first_used_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sentiment.model IS 'Every model that ever scored a row, by the digest of its bundle.';
COMMENT ON COLUMN sentiment.model.digest IS 'SHA-256 of the bundle: the identity of the model.';
COMMENT ON COLUMN sentiment.model.model_id IS 'Short number of the digest, used in score.';
COMMENT ON COLUMN sentiment.model.name IS 'Name that the bundle gives itself.';
COMMENT ON COLUMN sentiment.model.mlflow_versions IS 'Versions of the registered MLflow model that hold this bundle.';
COMMENT ON COLUMN sentiment.model.first_used_at IS 'When the model was first used here.';

CREATE TABLE sentiment.promotion (
    promotion_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alias        text NOT NULL,
    from_digest  text REFERENCES sentiment.model (digest),
    to_digest    text NOT NULL REFERENCES sentiment.model (digest),
    to_version   integer,
    actor        text NOT NULL,
    reason       text NOT NULL,
    verdict      jsonb,
    moved_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sentiment.promotion IS 'Every move of a model alias, with who or what moved it and why.';

-- Ledger --------------------------------------------------------------------------------------------------------
CREATE TABLE sentiment.source_file (
    source_file_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bucket           text NOT NULL,
    key              text NOT NULL,
    version_token    text NOT NULL,
    etag             text NOT NULL,
    version_id       text,
    last_modified    timestamptz NOT NULL,
    size             bigint NOT NULL CHECK (size >= 0),
    source           text NOT NULL,
    day              date NOT NULL,
    status           text NOT NULL DEFAULT 'seen'
        CHECK (status IN ('seen', 'loaded', 'rejected', 'duplicate', 'expired')),
    sha256           bytea CHECK (octet_length(sha256) = 32),
    reject_code      text,
    reject_reason    text,
    duplicate_of     bigint REFERENCES sentiment.source_file (source_file_id),
    live             boolean NOT NULL DEFAULT false,
    current_model_id smallint REFERENCES sentiment.model (model_id),
    rows_removed     bigint NOT NULL DEFAULT 0 CHECK (rows_removed >= 0),
    first_seen_at    timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz,
    UNIQUE (bucket, key, version_token),
    CONSTRAINT rejected_has_reason CHECK ((status = 'rejected') = (reject_code IS NOT NULL)
        AND (reject_code IS NULL) = (reject_reason IS NULL)),
    CONSTRAINT duplicate_names_original CHECK ((status = 'duplicate') = (duplicate_of IS NOT NULL)),
    CONSTRAINT content_is_known CHECK (status IN ('seen', 'rejected') OR sha256 IS NOT NULL),
    CONSTRAINT loaded_has_model CHECK (status <> 'loaded' OR current_model_id IS NOT NULL),
    CONSTRAINT only_loaded_is_live CHECK (NOT live OR status = 'loaded')
);
-- The same bytes are loaded once, whatever their key or day.
CREATE UNIQUE INDEX source_file_content ON sentiment.source_file (sha256) WHERE status = 'loaded';
CREATE INDEX source_file_same_content ON sentiment.source_file (sha256) WHERE status IN ('loaded', 'duplicate');
CREATE INDEX source_file_head ON sentiment.source_file (bucket, key, last_modified, source_file_id)
    WHERE status IN ('loaded', 'duplicate');
CREATE INDEX source_file_day ON sentiment.source_file (day);
CREATE INDEX source_file_to_do ON sentiment.source_file (day) WHERE status = 'seen';
COMMENT ON TABLE sentiment.source_file IS 'The ledger: one row for each version of each object ever seen.';
COMMENT ON COLUMN sentiment.source_file.bucket IS 'S3 bucket; empty for a file of the local disk.';
COMMENT ON COLUMN sentiment.source_file.key IS 'S3 key, or the absolute path of a local file.';
COMMENT ON COLUMN sentiment.source_file.version_token IS 'Version id, or etag and last_modified where the bucket keeps no versions.';
COMMENT ON COLUMN sentiment.source_file.source IS 'Segment of the key after incoming/; empty when there is none.';
COMMENT ON COLUMN sentiment.source_file.day IS 'dt=YYYY-MM-DD of the key, else the UTC day of last_modified; fixed at first sight.';
COMMENT ON COLUMN sentiment.source_file.status IS 'seen: not read yet; loaded; rejected: unreadable as a whole; duplicate: same bytes as duplicate_of; expired: its month was dropped.';
COMMENT ON COLUMN sentiment.source_file.sha256 IS 'Hash of the object as stored.';
COMMENT ON COLUMN sentiment.source_file.live IS 'Whether the newest good version of some key has these bytes; views show live files only.';
COMMENT ON COLUMN sentiment.source_file.current_model_id IS 'The model whose scores the views show for this file.';
COMMENT ON COLUMN sentiment.source_file.rows_removed IS 'Rows erased on request since the load.';

CREATE TABLE sentiment.scoring_run (
    run_id     text PRIMARY KEY,
    day        date NOT NULL,
    model_id   smallint NOT NULL REFERENCES sentiment.model (model_id),
    version    integer NOT NULL,
    champion   boolean NOT NULL,
    replace    boolean NOT NULL,
    planned_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sentiment.scoring_run IS 'The plan of a run: its day and the model that it resolved once.';
COMMENT ON COLUMN sentiment.scoring_run.version IS 'MLflow version that the run fetches its model by.';
COMMENT ON COLUMN sentiment.scoring_run.champion IS 'Whether the model was the champion when the run was planned.';
COMMENT ON COLUMN sentiment.scoring_run.replace IS 'Whether files that this model has scored are read and scored again.';

CREATE TABLE sentiment.planned_file (
    run_id         text NOT NULL REFERENCES sentiment.scoring_run (run_id) ON DELETE CASCADE,
    group_id       integer NOT NULL,
    source_file_id bigint NOT NULL REFERENCES sentiment.source_file (source_file_id),
    PRIMARY KEY (run_id, group_id, source_file_id)
);
COMMENT ON TABLE sentiment.planned_file IS 'The files of a run, in the groups that its mapped tasks take.';

CREATE TABLE sentiment.scoring_batch (
    batch_id       bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    source_file_id bigint NOT NULL REFERENCES sentiment.source_file (source_file_id),
    model_id       smallint NOT NULL REFERENCES sentiment.model (model_id),
    kind           text NOT NULL CHECK (kind IN ('load', 'rescore', 'replace', 'replay')),
    rows_in        bigint NOT NULL,
    rows_scored    bigint NOT NULL CHECK (rows_scored >= 0),
    rows_rejected  bigint NOT NULL CHECK (rows_rejected >= 0),
    rows_duplicate bigint NOT NULL CHECK (rows_duplicate >= 0),
    run_id         text NOT NULL,
    code_version   text NOT NULL,
    started_at     timestamptz NOT NULL,
    finished_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    timings        jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT every_row_has_one_outcome CHECK (rows_in = rows_scored + rows_rejected + rows_duplicate),
    CONSTRAINT rescore_rejects_nothing CHECK (kind <> 'rescore' OR rows_rejected + rows_duplicate = 0)
);
CREATE INDEX scoring_batch_file ON sentiment.scoring_batch (source_file_id, model_id);
COMMENT ON TABLE sentiment.scoring_batch IS 'One commit of one file by one model; its counters never change.';
COMMENT ON COLUMN sentiment.scoring_batch.kind IS 'load; replace: the same file read again; rescore: another model on the stored text; replay: rejected rows taken in.';
COMMENT ON COLUMN sentiment.scoring_batch.run_id IS 'Airflow run, or the command, that made this batch.';
COMMENT ON COLUMN sentiment.scoring_batch.code_version IS 'Git revision of the code.';
COMMENT ON COLUMN sentiment.scoring_batch.timings IS 'Seconds spent in each stage.';

-- Reviews and scores --------------------------------------------------------------------------------------------
CREATE TABLE sentiment.review (
    day            date NOT NULL,
    source_file_id bigint NOT NULL,
    line           integer NOT NULL,
    batch_id       bigint NOT NULL,
    review_key     uuid,
    review_id      text,
    product_id     text,
    author_id      text,
    rating         double precision,
    reviewed_at    timestamptz,
    language       text,
    text           text NOT NULL,
    extra          jsonb,
    PRIMARY KEY (day, source_file_id, line)
) PARTITION BY RANGE (day);
CREATE INDEX review_by_key ON sentiment.review (review_key) WHERE review_key IS NOT NULL;
COMMENT ON TABLE sentiment.review IS 'Every stored review, live or not, whole; partitioned by month of day.';
COMMENT ON COLUMN sentiment.review.line IS 'Physical line of the file on which the record starts; the header is line 1.';
COMMENT ON COLUMN sentiment.review.review_key IS 'First 128 bits of SHA-256 of source, a slash and review_id; null without an id.';
COMMENT ON COLUMN sentiment.review.extra IS 'All other columns of the file, as strings.';

CREATE TABLE sentiment.review_head (
    review_key     uuid PRIMARY KEY,
    day            date NOT NULL,
    source_file_id bigint NOT NULL,
    line           integer NOT NULL,
    last_modified  timestamptz NOT NULL
);
COMMENT ON TABLE sentiment.review_head IS 'For each review id the row that counts: of live files the one with the greatest (last_modified, source_file_id).';

CREATE TABLE sentiment.score (
    day             date NOT NULL,
    source_file_id  bigint NOT NULL,
    line            integer NOT NULL,
    model_id        smallint NOT NULL,
    batch_id        bigint NOT NULL,
    score           real NOT NULL CHECK (score >= 0 AND score <= 1),
    label           sentiment.label NOT NULL,
    out_of_language boolean NOT NULL DEFAULT false,
    PRIMARY KEY (day, source_file_id, line, model_id)
) PARTITION BY RANGE (day);
COMMENT ON TABLE sentiment.score IS 'The score of each stored review by each model that read it; partitioned by month of day.';
COMMENT ON COLUMN sentiment.score.score IS 'Calibrated probability that the review is positive, 0 to 1.';
COMMENT ON COLUMN sentiment.score.out_of_language IS 'The row names a language that the model was not trained on.';

CREATE TABLE sentiment.rejected_row (
    source_file_id bigint NOT NULL,
    line           integer NOT NULL,
    batch_id       bigint NOT NULL,
    code           text NOT NULL,
    reason         text NOT NULL,
    raw            bytea NOT NULL,
    resolved_by    bigint,
    PRIMARY KEY (source_file_id, line)
);
COMMENT ON TABLE sentiment.rejected_row IS 'Quarantine: each row that could not be taken in, with the bytes of its line.';
COMMENT ON COLUMN sentiment.rejected_row.resolved_by IS 'The replay batch that took the row in later.';

CREATE TABLE sentiment.erasure (
    kind       text NOT NULL CHECK (kind IN ('review', 'author')),
    keyed_hash bytea NOT NULL CHECK (octet_length(keyed_hash) = 32),
    erased_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, keyed_hash)
);
COMMENT ON TABLE sentiment.erasure IS 'Keyed hashes of the review and author ids that were erased, so that nothing brings them back.';

CREATE TABLE sentiment.feedback (
    feedback_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text         text NOT NULL,
    label        sentiment.label NOT NULL,
    score        real,
    model_digest text,
    received_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sentiment.feedback IS 'Corrections that users of the service sent.';

CREATE TABLE sentiment.drift_report (
    drift_report_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day             date NOT NULL,
    model_id        smallint NOT NULL REFERENCES sentiment.model (model_id),
    product_id      text,
    measures        jsonb NOT NULL,
    drifted         boolean NOT NULL,
    made_at         timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sentiment.drift_report IS 'How far a day''s reviews are from the data that the model was trained on.';

-- Months are made before a load, in a transaction of their own: CREATE … PARTITION OF would lock the parent against
-- readers, attaching a finished table does not. SECURITY DEFINER, since a writer does not own the parents.
CREATE FUNCTION sentiment.ensure_month(any_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sentiment, pg_temp
AS $$
DECLARE
    first_day date := date_trunc('month', any_day);
    parent    text;
    child     text;
BEGIN
    IF to_regclass(format('sentiment.score_%s', to_char(first_day, 'YYYYMM'))) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('sentiment.ensure_month', 0));
    FOREACH parent IN ARRAY ARRAY['review', 'score'] LOOP
        child := format('%s_%s', parent, to_char(first_day, 'YYYYMM'));
        IF to_regclass(format('sentiment.%I', child)) IS NULL THEN
            EXECUTE format('CREATE TABLE sentiment.%I (LIKE sentiment.%I INCLUDING ALL)', child, parent);
            EXECUTE format('ALTER TABLE sentiment.%I ATTACH PARTITION sentiment.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, child, first_day, first_day + interval '1 month');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION sentiment.ensure_month IS 'Makes the partitions of review and score for the month of a day, if they are not there.';

-- Views ---------------------------------------------------------------------------------------------------------
CREATE VIEW sentiment.scored_reviews AS
SELECT r.day, f.source, r.review_id, r.product_id, r.author_id, r.rating, r.reviewed_at, r.language, r.text, r.extra,
       s.label, s.score, s.out_of_language, m.digest AS model_digest,
       f.bucket, f.key, f.version_token, r.source_file_id, r.line, s.batch_id
FROM sentiment.review r
JOIN sentiment.source_file f ON f.source_file_id = r.source_file_id AND f.live
JOIN sentiment.score s ON s.day = r.day AND s.source_file_id = r.source_file_id AND s.line = r.line
    AND s.model_id = f.current_model_id
JOIN sentiment.model m ON m.model_id = s.model_id
LEFT JOIN sentiment.review_head h ON h.review_key = r.review_key
WHERE r.review_key IS NULL OR (h.source_file_id = r.source_file_id AND h.line = r.line);
COMMENT ON VIEW sentiment.scored_reviews IS 'One row for each live review with its score by the current model of its file.';
COMMENT ON COLUMN sentiment.scored_reviews.day IS 'Day of the file that brought the review.';
COMMENT ON COLUMN sentiment.scored_reviews.source IS 'Where the file came from: the segment after incoming/ in its key.';
COMMENT ON COLUMN sentiment.scored_reviews.review_id IS 'Id that the source gave the review; of several rows the newest counts.';
COMMENT ON COLUMN sentiment.scored_reviews.product_id IS 'Product that the review is about.';
COMMENT ON COLUMN sentiment.scored_reviews.author_id IS 'Who wrote the review.';
COMMENT ON COLUMN sentiment.scored_reviews.rating IS 'Rating as the source gave it.';
COMMENT ON COLUMN sentiment.scored_reviews.reviewed_at IS 'When the review was written; UTC where the source named no zone.';
COMMENT ON COLUMN sentiment.scored_reviews.language IS 'Language as the source named it.';
COMMENT ON COLUMN sentiment.scored_reviews.text IS 'The review, untouched.';
COMMENT ON COLUMN sentiment.scored_reviews.extra IS 'All other columns of the file, as strings.';
COMMENT ON COLUMN sentiment.scored_reviews.label IS 'negative, neutral or positive; neutral where the model abstains.';
COMMENT ON COLUMN sentiment.scored_reviews.score IS 'Calibrated probability that the review is positive, 0 to 1.';
COMMENT ON COLUMN sentiment.scored_reviews.out_of_language IS 'The row names a language that the model was not trained on.';
COMMENT ON COLUMN sentiment.scored_reviews.model_digest IS 'SHA-256 of the model that gave the score.';
COMMENT ON COLUMN sentiment.scored_reviews.bucket IS 'Bucket of the file that brought the review.';
COMMENT ON COLUMN sentiment.scored_reviews.key IS 'Key of the file that brought the review.';
COMMENT ON COLUMN sentiment.scored_reviews.version_token IS 'Version of the object that was read.';
COMMENT ON COLUMN sentiment.scored_reviews.source_file_id IS 'The file in the ledger.';
COMMENT ON COLUMN sentiment.scored_reviews.line IS 'Physical line of the file on which the record starts.';
COMMENT ON COLUMN sentiment.scored_reviews.batch_id IS 'The commit that brought this score.';

CREATE VIEW sentiment.daily_sentiment AS
SELECT day, source,
       count(*) AS reviews,
       count(*) FILTER (WHERE label = 'positive') AS positive,
       count(*) FILTER (WHERE label = 'neutral') AS neutral,
       count(*) FILTER (WHERE label = 'negative') AS negative,
       round(avg(score)::numeric, 4) AS mean_score,
       round(avg(rating)::numeric, 2) AS mean_rating
FROM sentiment.scored_reviews
GROUP BY day, source;
COMMENT ON VIEW sentiment.daily_sentiment IS 'Sentiment by day and source.';
COMMENT ON COLUMN sentiment.daily_sentiment.day IS 'Day of the files.';
COMMENT ON COLUMN sentiment.daily_sentiment.source IS 'Where the files came from.';
COMMENT ON COLUMN sentiment.daily_sentiment.reviews IS 'Live reviews.';
COMMENT ON COLUMN sentiment.daily_sentiment.positive IS 'Reviews labelled positive.';
COMMENT ON COLUMN sentiment.daily_sentiment.neutral IS 'Reviews about which the model abstains.';
COMMENT ON COLUMN sentiment.daily_sentiment.negative IS 'Reviews labelled negative.';
COMMENT ON COLUMN sentiment.daily_sentiment.mean_score IS 'Mean probability of positive.';
COMMENT ON COLUMN sentiment.daily_sentiment.mean_rating IS 'Mean rating of the reviews that have one.';

CREATE VIEW sentiment.product_sentiment AS
SELECT product_id, day,
       count(*) AS reviews,
       count(*) FILTER (WHERE label = 'positive') AS positive,
       count(*) FILTER (WHERE label = 'neutral') AS neutral,
       count(*) FILTER (WHERE label = 'negative') AS negative,
       round(avg(score)::numeric, 4) AS mean_score,
       round(avg(rating)::numeric, 2) AS mean_rating
FROM sentiment.scored_reviews
WHERE product_id IS NOT NULL
GROUP BY product_id, day;
COMMENT ON VIEW sentiment.product_sentiment IS 'Sentiment by product and day.';
COMMENT ON COLUMN sentiment.product_sentiment.product_id IS 'Product that the reviews are about.';
COMMENT ON COLUMN sentiment.product_sentiment.day IS 'Day of the files.';
COMMENT ON COLUMN sentiment.product_sentiment.reviews IS 'Live reviews.';
COMMENT ON COLUMN sentiment.product_sentiment.positive IS 'Reviews labelled positive.';
COMMENT ON COLUMN sentiment.product_sentiment.neutral IS 'Reviews about which the model abstains.';
COMMENT ON COLUMN sentiment.product_sentiment.negative IS 'Reviews labelled negative.';
COMMENT ON COLUMN sentiment.product_sentiment.mean_score IS 'Mean probability of positive.';
COMMENT ON COLUMN sentiment.product_sentiment.mean_rating IS 'Mean rating of the reviews that have one.';

CREATE VIEW sentiment.load_history AS
SELECT f.day, f.source, f.bucket, f.key, f.version_token, f.last_modified, f.size, f.status, f.live,
       f.reject_code, f.reject_reason, o.key AS duplicate_of_key,
       b.kind, b.rows_in, b.rows_scored, b.rows_rejected, b.rows_duplicate,
       m.digest AS model_digest, m.mlflow_versions, b.run_id, b.code_version,
       f.first_seen_at, b.started_at, coalesce(b.finished_at, f.finished_at) AS finished_at,
       f.source_file_id, b.batch_id
FROM sentiment.source_file f
LEFT JOIN sentiment.scoring_batch b USING (source_file_id)
LEFT JOIN sentiment.model m ON m.model_id = b.model_id
LEFT JOIN sentiment.source_file o ON o.source_file_id = f.duplicate_of;
COMMENT ON VIEW sentiment.load_history IS 'Every object ever seen and every commit of its rows; one row without counts where nothing was stored.';
COMMENT ON COLUMN sentiment.load_history.day IS 'Day of the file.';
COMMENT ON COLUMN sentiment.load_history.source IS 'Where the file came from.';
COMMENT ON COLUMN sentiment.load_history.bucket IS 'Bucket of the object.';
COMMENT ON COLUMN sentiment.load_history.key IS 'Key of the object.';
COMMENT ON COLUMN sentiment.load_history.version_token IS 'Version of the object.';
COMMENT ON COLUMN sentiment.load_history.last_modified IS 'When this version was dropped.';
COMMENT ON COLUMN sentiment.load_history.size IS 'Bytes of the object as stored.';
COMMENT ON COLUMN sentiment.load_history.status IS 'seen, loaded, rejected, duplicate or expired.';
COMMENT ON COLUMN sentiment.load_history.live IS 'Whether the views show its rows.';
COMMENT ON COLUMN sentiment.load_history.reject_code IS 'Why the whole file was rejected.';
COMMENT ON COLUMN sentiment.load_history.reject_reason IS 'The same in words.';
COMMENT ON COLUMN sentiment.load_history.duplicate_of_key IS 'Key of the file with the same bytes.';
COMMENT ON COLUMN sentiment.load_history.kind IS 'load, replace, rescore or replay.';
COMMENT ON COLUMN sentiment.load_history.rows_in IS 'Rows read by this commit.';
COMMENT ON COLUMN sentiment.load_history.rows_scored IS 'Rows scored by this commit.';
COMMENT ON COLUMN sentiment.load_history.rows_rejected IS 'Rows put into quarantine by this commit.';
COMMENT ON COLUMN sentiment.load_history.rows_duplicate IS 'Rows that repeat another row of the same file.';
COMMENT ON COLUMN sentiment.load_history.model_digest IS 'SHA-256 of the model that scored.';
COMMENT ON COLUMN sentiment.load_history.mlflow_versions IS 'MLflow versions of that model.';
COMMENT ON COLUMN sentiment.load_history.run_id IS 'Airflow run, or the command, that made the commit.';
COMMENT ON COLUMN sentiment.load_history.code_version IS 'Git revision of the code.';
COMMENT ON COLUMN sentiment.load_history.first_seen_at IS 'When the object was first listed.';
COMMENT ON COLUMN sentiment.load_history.started_at IS 'When the commit''s work began.';
COMMENT ON COLUMN sentiment.load_history.finished_at IS 'When the commit, or the file''s verdict, was written.';
COMMENT ON COLUMN sentiment.load_history.source_file_id IS 'The file in the ledger.';
COMMENT ON COLUMN sentiment.load_history.batch_id IS 'The commit.';

CREATE VIEW sentiment.quarantine AS
SELECT f.day, f.source, f.bucket, f.key, q.line, q.code, q.reason, q.raw, q.resolved_by IS NOT NULL AS resolved,
       f.source_file_id, f.version_token
FROM sentiment.rejected_row q
JOIN sentiment.source_file f USING (source_file_id)
UNION ALL
SELECT f.day, f.source, f.bucket, f.key, NULL, f.reject_code, f.reject_reason, NULL, false,
       f.source_file_id, f.version_token
FROM sentiment.source_file f
WHERE f.status = 'rejected';
COMMENT ON VIEW sentiment.quarantine IS 'Rejected rows, and files that were rejected as a whole (line is null).';
COMMENT ON COLUMN sentiment.quarantine.day IS 'Day of the file.';
COMMENT ON COLUMN sentiment.quarantine.source IS 'Where the file came from.';
COMMENT ON COLUMN sentiment.quarantine.bucket IS 'Bucket of the object.';
COMMENT ON COLUMN sentiment.quarantine.key IS 'Key of the object.';
COMMENT ON COLUMN sentiment.quarantine.line IS 'Physical line on which the row starts; null for a whole file.';
COMMENT ON COLUMN sentiment.quarantine.code IS 'Reject code.';
COMMENT ON COLUMN sentiment.quarantine.reason IS 'The same in words.';
COMMENT ON COLUMN sentiment.quarantine.raw IS 'Bytes of the row as they stand in the file.';
COMMENT ON COLUMN sentiment.quarantine.resolved IS 'Whether a replay has taken the row in.';
COMMENT ON COLUMN sentiment.quarantine.source_file_id IS 'The file in the ledger.';
COMMENT ON COLUMN sentiment.quarantine.version_token IS 'Version of the object.';

CREATE VIEW sentiment.model_history AS
SELECT p.moved_at, p.alias, p.to_version, p.to_digest, p.from_digest, p.actor, p.reason, p.verdict
FROM sentiment.promotion p;
COMMENT ON VIEW sentiment.model_history IS 'Which model served under which alias since when, and why.';
COMMENT ON COLUMN sentiment.model_history.moved_at IS 'When the alias moved.';
COMMENT ON COLUMN sentiment.model_history.alias IS 'champion or challenger.';
COMMENT ON COLUMN sentiment.model_history.to_version IS 'MLflow version that the alias names since then.';
COMMENT ON COLUMN sentiment.model_history.to_digest IS 'SHA-256 of that version''s bundle.';
COMMENT ON COLUMN sentiment.model_history.from_digest IS 'SHA-256 of the bundle that it named before.';
COMMENT ON COLUMN sentiment.model_history.actor IS 'Person, run or command that moved it.';
COMMENT ON COLUMN sentiment.model_history.reason IS 'Why it was moved.';
COMMENT ON COLUMN sentiment.model_history.verdict IS 'Checks of the promotion gate with their figures.';

-- Rights --------------------------------------------------------------------------------------------------------
REVOKE ALL ON FUNCTION sentiment.ensure_month FROM PUBLIC;
GRANT USAGE ON SCHEMA sentiment TO sentiment_reader, sentiment_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA sentiment TO sentiment_reader, sentiment_writer;
REVOKE SELECT ON sentiment.erasure FROM sentiment_reader;
GRANT INSERT, UPDATE, DELETE ON sentiment.model, sentiment.promotion, sentiment.source_file, sentiment.scoring_run,
    sentiment.planned_file, sentiment.scoring_batch, sentiment.review, sentiment.review_head, sentiment.score,
    sentiment.rejected_row, sentiment.erasure, sentiment.feedback, sentiment.drift_report TO sentiment_writer;
-- A batch takes its number before its row is written; identity columns need no such grant.
GRANT USAGE ON SEQUENCE sentiment.scoring_batch_batch_id_seq TO sentiment_writer;
GRANT EXECUTE ON FUNCTION sentiment.ensure_month TO sentiment_writer;
