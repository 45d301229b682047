-- Loads that never wait for each other's views, replays without the object store, progress, and retention.

-- No release has gone out with 0001 alone, so the column that this replaces goes at once.

-- Live files ----------------------------------------------------------------------------------------------------
-- Whether a file is live is decided by the loads of other files. As a column of source_file it would need the lock that
-- a load of the file itself holds as its claim, for as long as that load takes.
CREATE TABLE sentiment.live_file (
    source_file_id bigint PRIMARY KEY REFERENCES sentiment.source_file (source_file_id)
);
INSERT INTO sentiment.live_file SELECT source_file_id FROM sentiment.source_file WHERE live;
COMMENT ON TABLE sentiment.live_file IS 'Loaded files that the views show: the newest good version of some key has their bytes.';

-- What a replay and an operator need to know --------------------------------------------------------------------
ALTER TABLE sentiment.source_file ADD COLUMN header bytea;
COMMENT ON COLUMN sentiment.source_file.header IS 'First record of the file as it stands there: rejected rows are replayed under it.';
ALTER TABLE sentiment.review ADD COLUMN nulled jsonb;
COMMENT ON COLUMN sentiment.review.nulled IS 'What stood in columns that could not be read and are null for it (SENTIMENT_BAD_VALUES=null).';

ALTER TABLE sentiment.rejected_row ALTER COLUMN raw DROP NOT NULL;
ALTER TABLE sentiment.rejected_row ADD CONSTRAINT only_erased_rows_lose_their_bytes CHECK (raw IS NOT NULL OR code = 'erased');
CREATE INDEX rejected_row_to_replay ON sentiment.rejected_row (source_file_id) WHERE resolved_by IS NULL;

-- PostgreSQL's own compression takes two fifths of the time of a COPY of reviews and saves a tenth of their room. LZ4,
-- where the server was built with it, costs next to nothing; else long texts are stored as they are.
DO $$
DECLARE
    child regclass;
BEGIN
    FOR child IN SELECT 'sentiment.review'::regclass UNION ALL
                 SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'sentiment.review'::regclass LOOP
        BEGIN
            EXECUTE format('ALTER TABLE ONLY %s ALTER COLUMN text SET COMPRESSION lz4', child);
        EXCEPTION WHEN feature_not_supported THEN
            EXECUTE format('ALTER TABLE ONLY %s ALTER COLUMN text SET STORAGE EXTERNAL', child);
        END;
        EXECUTE format('GRANT SELECT ON %s TO sentiment_writer', child);
    END LOOP;
END
$$;

-- Progress ------------------------------------------------------------------------------------------------------
-- Written by a second connection of the load, since nobody sees what its transaction does. Lost with a crash, as the load
-- is.
CREATE UNLOGGED TABLE sentiment.load_progress (
    source_file_id bigint PRIMARY KEY,
    run_id         text NOT NULL,
    worker         text NOT NULL,
    bytes_read     bigint NOT NULL,
    rows_written   bigint NOT NULL,
    started_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE sentiment.load_progress IS 'How far the loads that are under way have come; a row of a killed one stays until the file is loaded.';
COMMENT ON COLUMN sentiment.load_progress.worker IS 'Host and process id of the load.';
COMMENT ON COLUMN sentiment.load_progress.bytes_read IS 'Bytes of the object as stored that were read.';

-- Retention -----------------------------------------------------------------------------------------------------
CREATE TABLE sentiment.expired_month (
    month      date PRIMARY KEY CHECK (extract(day FROM month) = 1),
    files      bigint NOT NULL,
    rows       bigint NOT NULL,
    expired_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sentiment.expired_month IS 'Months whose reviews were dropped for their age; files of their days are no longer taken.';

-- The key that made the hashes is told by a hash, so that a load with another key does not bring back what was erased.
ALTER TABLE sentiment.erasure ADD COLUMN key_check bytea NOT NULL CHECK (octet_length(key_check) = 8);
COMMENT ON COLUMN sentiment.erasure.keyed_hash IS 'HMAC-SHA256 of source and id under SENTIMENT_ERASURE_KEY.';
COMMENT ON COLUMN sentiment.erasure.key_check IS 'First bytes of a hash of the key.';

DROP FUNCTION sentiment.ensure_month(date);
CREATE FUNCTION sentiment.ensure_month(any_day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sentiment, pg_temp
AS $$
DECLARE
    first_day date := date_trunc('month', any_day);
    parent    text;
    child     text;
BEGIN
    IF to_regclass(format('sentiment.score_%s', to_char(first_day, 'YYYYMM'))) IS NOT NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('sentiment.ensure_month', 0));
    IF first_day <= (SELECT max(month) FROM sentiment.expired_month) THEN
        RETURN false;
    END IF;
    FOREACH parent IN ARRAY ARRAY['review', 'score'] LOOP
        child := format('%s_%s', parent, to_char(first_day, 'YYYYMM'));
        IF to_regclass(format('sentiment.%I', child)) IS NULL THEN
            EXECUTE format('CREATE TABLE sentiment.%I (LIKE sentiment.%I INCLUDING ALL)', child, parent);
            EXECUTE format('ALTER TABLE sentiment.%I ATTACH PARTITION sentiment.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, child, first_day, first_day + interval '1 month');
            -- A load looks repeated ids up in the month's own table.
            EXECUTE format('GRANT SELECT ON sentiment.%I TO sentiment_writer', child);
        END IF;
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION sentiment.ensure_month IS 'Makes the partitions of review and score for the month of a day, if they are not there; false for a month that has expired, and for those before it.';
REVOKE ALL ON FUNCTION sentiment.ensure_month FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sentiment.ensure_month TO sentiment_writer;

-- An expired version of a key still hides the versions before it, and its bytes are still known.
DROP INDEX sentiment.source_file_same_content, sentiment.source_file_head;
CREATE INDEX source_file_same_content ON sentiment.source_file (sha256)
    WHERE status IN ('loaded', 'duplicate', 'expired');
CREATE INDEX source_file_head ON sentiment.source_file (bucket, key, last_modified, source_file_id)
    WHERE status IN ('loaded', 'duplicate', 'expired');

-- Views ---------------------------------------------------------------------------------------------------------
CREATE OR REPLACE VIEW sentiment.scored_reviews AS
SELECT r.day, f.source, r.review_id, r.product_id, r.author_id, r.rating, r.reviewed_at, r.language, r.text, r.extra,
       s.label, s.score, s.out_of_language, m.digest AS model_digest,
       f.bucket, f.key, f.version_token, r.source_file_id, r.line, s.batch_id, r.nulled
FROM sentiment.review r
JOIN sentiment.live_file USING (source_file_id)
JOIN sentiment.source_file f USING (source_file_id)
JOIN sentiment.score s ON s.day = r.day AND s.source_file_id = r.source_file_id AND s.line = r.line
    AND s.model_id = f.current_model_id
JOIN sentiment.model m ON m.model_id = s.model_id
LEFT JOIN sentiment.review_head h ON h.review_key = r.review_key
WHERE r.review_key IS NULL OR (h.source_file_id = r.source_file_id AND h.line = r.line);
COMMENT ON COLUMN sentiment.scored_reviews.nulled IS 'What stood in rating or reviewed_at where it could not be read and is null for it.';

CREATE OR REPLACE VIEW sentiment.load_history AS
SELECT f.day, f.source, f.bucket, f.key, f.version_token, f.last_modified, f.size, f.status,
       l.source_file_id IS NOT NULL AS live, f.reject_code, f.reject_reason, o.key AS duplicate_of_key,
       b.kind, b.rows_in, b.rows_scored, b.rows_rejected, b.rows_duplicate,
       m.digest AS model_digest, m.mlflow_versions, b.run_id, b.code_version,
       f.first_seen_at, b.started_at, coalesce(b.finished_at, f.finished_at) AS finished_at,
       f.source_file_id, b.batch_id,
       CASE f.status
           WHEN 'seen' THEN CASE
               WHEN p.source_file_id IS NOT NULL THEN format('a load is under way: %s %% read, %s rows',
                   round(100.0 * p.bytes_read / nullif(f.size, 0)), p.rows_written)
               WHEN f.day >= (now() AT TIME ZONE 'UTC')::date THEN 'its day is not over: the night after it takes it'
               ELSE 'the next nightly run takes it' END
           WHEN 'loaded' THEN CASE
               WHEN l.source_file_id IS NOT NULL THEN 'the views show it'
               ELSE 'a newer version of its key took its place' END
           WHEN 'duplicate' THEN 'the same bytes were loaded from ' || o.key
           WHEN 'rejected' THEN f.reject_reason
           WHEN 'expired' THEN 'its month was dropped for its age' END AS why
FROM sentiment.source_file f
LEFT JOIN sentiment.live_file l USING (source_file_id)
LEFT JOIN sentiment.load_progress p USING (source_file_id)
LEFT JOIN sentiment.scoring_batch b USING (source_file_id)
LEFT JOIN sentiment.model m ON m.model_id = b.model_id
LEFT JOIN sentiment.source_file o ON o.source_file_id = f.duplicate_of;
COMMENT ON COLUMN sentiment.load_history.why IS 'Why the object is in this state, in words.';

CREATE VIEW sentiment.loads_under_way AS
SELECT f.day, f.source, f.bucket, f.key, f.size, p.bytes_read,
       round(100.0 * p.bytes_read / nullif(f.size, 0), 1) AS percent, p.rows_written,
       p.run_id, p.worker, p.started_at, p.updated_at, p.source_file_id
FROM sentiment.load_progress p
JOIN sentiment.source_file f USING (source_file_id);
COMMENT ON VIEW sentiment.loads_under_way IS 'Loads that take longer than a moment, and how far they are; one whose updated_at stands still was killed.';
COMMENT ON COLUMN sentiment.loads_under_way.day IS 'Day of the file.';
COMMENT ON COLUMN sentiment.loads_under_way.source IS 'Where the file came from.';
COMMENT ON COLUMN sentiment.loads_under_way.bucket IS 'Bucket of the object.';
COMMENT ON COLUMN sentiment.loads_under_way.key IS 'Key of the object.';
COMMENT ON COLUMN sentiment.loads_under_way.size IS 'Bytes of the object as stored.';
COMMENT ON COLUMN sentiment.loads_under_way.bytes_read IS 'Bytes of it that were read.';
COMMENT ON COLUMN sentiment.loads_under_way.percent IS 'Share of the object that was read.';
COMMENT ON COLUMN sentiment.loads_under_way.rows_written IS 'Rows written so far, of whatever outcome; not committed yet.';
COMMENT ON COLUMN sentiment.loads_under_way.run_id IS 'Airflow run, or the command, that loads.';
COMMENT ON COLUMN sentiment.loads_under_way.worker IS 'Host and process id of the load.';
COMMENT ON COLUMN sentiment.loads_under_way.started_at IS 'When the load began.';
COMMENT ON COLUMN sentiment.loads_under_way.updated_at IS 'When it last told of its progress.';
COMMENT ON COLUMN sentiment.loads_under_way.source_file_id IS 'The file in the ledger.';

CREATE OR REPLACE VIEW sentiment.quarantine AS
SELECT f.day, f.source, f.bucket, f.key, q.line, q.code, q.reason, q.raw, q.resolved_by IS NOT NULL AS resolved,
       f.source_file_id, f.version_token, q.resolved_by
FROM sentiment.rejected_row q
JOIN sentiment.source_file f USING (source_file_id)
UNION ALL
SELECT f.day, f.source, f.bucket, f.key, NULL, f.reject_code, f.reject_reason, NULL, false,
       f.source_file_id, f.version_token, NULL
FROM sentiment.source_file f
WHERE f.status = 'rejected';
COMMENT ON COLUMN sentiment.quarantine.raw IS 'Bytes of the row as they stand in the file; null for a whole file, and for a row that was erased.';
COMMENT ON COLUMN sentiment.quarantine.resolved_by IS 'The replay batch that took the row in: its rows have this batch_id.';

ALTER TABLE sentiment.source_file DROP COLUMN live;

-- Rights --------------------------------------------------------------------------------------------------------
GRANT SELECT ON sentiment.live_file, sentiment.load_progress, sentiment.expired_month, sentiment.loads_under_way
    TO sentiment_reader, sentiment_writer;
GRANT INSERT, UPDATE, DELETE ON sentiment.live_file, sentiment.load_progress TO sentiment_writer;
