-- Duplicates by content within one source, the day on which a review was written, and how a file was read.

-- Content -------------------------------------------------------------------------------------------------------
-- The same bytes in another source are other reviews.
DROP INDEX sentiment.source_file_content;
CREATE UNIQUE INDEX source_file_content ON sentiment.source_file (source, sha256) WHERE status = 'loaded';

COMMENT ON COLUMN sentiment.source_file.sha256 IS 'SHA-256 of the object as stored. A source loads the same bytes once.';
COMMENT ON COLUMN sentiment.source_file.duplicate_of IS 'Loaded file with the same bytes. Of the same source, unless release 0.2.0 or earlier found the duplicate.';
COMMENT ON TABLE sentiment.live_file IS 'Loaded files that the views show: the newest good version of some key is the file, or a duplicate of it.';

-- Release 0.2.0 takes a loaded file for live while any key's head has its bytes, in any source. During a rolling upgrade
-- and after a rollback it can therefore keep or make live a file that a newer version of its key has superseded. This
-- trigger corrects that before the commit. It changes nothing in loads by this release. A later release drops it.
CREATE FUNCTION sentiment.hide_superseded_files() RETURNS trigger
LANGUAGE plpgsql SET search_path = sentiment, pg_temp
AS $$
DECLARE
    hidden bigint[];
BEGIN
    WITH deleted AS (
        DELETE FROM sentiment.live_file live
        USING sentiment.source_file version, sentiment.source_file file
        WHERE version.bucket = NEW.bucket AND version.key = NEW.key AND version.status IN ('loaded', 'duplicate')
            AND file.sha256 = version.sha256 AND file.status = 'loaded'
            AND live.source_file_id = file.source_file_id
            AND NOT EXISTS (
                SELECT FROM sentiment.source_file head
                WHERE head.sha256 = file.sha256 AND head.status IN ('loaded', 'duplicate', 'expired')
                    AND file.source_file_id IN (head.source_file_id, head.duplicate_of)
                    AND NOT EXISTS (
                        SELECT FROM sentiment.source_file newer
                        WHERE newer.bucket = head.bucket AND newer.key = head.key
                            AND newer.status IN ('loaded', 'duplicate', 'expired')
                            AND (newer.last_modified, newer.source_file_id)
                                > (head.last_modified, head.source_file_id)))
        RETURNING live.source_file_id)
    SELECT array_agg(source_file_id) INTO hidden FROM deleted;
    IF hidden IS NULL THEN
        RETURN NULL;
    END IF;
    WITH stale AS (
        DELETE FROM sentiment.review_head head
        USING sentiment.review row, sentiment.source_file file
        WHERE file.source_file_id = ANY (hidden) AND row.day = file.day AND row.source_file_id = file.source_file_id
            AND head.review_key = row.review_key AND head.source_file_id = row.source_file_id
        RETURNING head.review_key)
    INSERT INTO sentiment.review_head (review_key, day, source_file_id, line, last_modified)
    SELECT DISTINCT ON (row.review_key) row.review_key, row.day, row.source_file_id, row.line, file.last_modified
    FROM stale
    JOIN sentiment.review row USING (review_key)
    JOIN sentiment.live_file live ON live.source_file_id = row.source_file_id
    JOIN sentiment.source_file file ON file.source_file_id = row.source_file_id
    ORDER BY row.review_key, file.last_modified DESC, file.source_file_id DESC;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sentiment.hide_superseded_files IS 'Hides files that release 0.2.0 shows although a newer version of their key superseded them.';
REVOKE ALL ON FUNCTION sentiment.hide_superseded_files FROM PUBLIC;
CREATE CONSTRAINT TRIGGER hide_superseded_files AFTER INSERT OR UPDATE OF status ON sentiment.source_file
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status IN ('loaded', 'duplicate'))
    EXECUTE FUNCTION sentiment.hide_superseded_files();

-- How a file was read -------------------------------------------------------------------------------------------
ALTER TABLE sentiment.scoring_batch
    ADD COLUMN reading jsonb,
    ADD COLUMN warnings text[];
COMMENT ON COLUMN sentiment.scoring_batch.reading IS 'How the file was read: its form, encoding, delimiter, quoting and columns. Null for a rescore, and for batches of release 0.2.0 and earlier.';
COMMENT ON COLUMN sentiment.scoring_batch.warnings IS 'Warnings about the file, such as a column that looks like a known one and is not used. Null where reading is null.';

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
           WHEN 'expired' THEN 'its month was dropped for its age' END AS why,
       b.reading, b.warnings
FROM sentiment.source_file f
LEFT JOIN sentiment.live_file l USING (source_file_id)
LEFT JOIN sentiment.load_progress p USING (source_file_id)
LEFT JOIN sentiment.scoring_batch b USING (source_file_id)
LEFT JOIN sentiment.model m ON m.model_id = b.model_id
LEFT JOIN sentiment.source_file o ON o.source_file_id = f.duplicate_of;
COMMENT ON COLUMN sentiment.load_history.reading IS 'How the file was read: its form, encoding, delimiter, quoting and columns. Null if the batch read no file.';
COMMENT ON COLUMN sentiment.load_history.warnings IS 'Warnings about the file, such as a column that looks like a known one and is not used.';

-- The day on which a review was written -------------------------------------------------------------------------
CREATE OR REPLACE VIEW sentiment.scored_reviews AS
SELECT r.day, f.source, r.review_id, r.product_id, r.author_id, r.rating, r.reviewed_at, r.language, r.text, r.extra,
       s.label, s.score, s.out_of_language, m.digest AS model_digest,
       f.bucket, f.key, f.version_token, r.source_file_id, r.line, s.batch_id, r.nulled,
       coalesce((r.reviewed_at AT TIME ZONE 'UTC')::date, r.day) AS written_day
FROM sentiment.review r
JOIN sentiment.live_file USING (source_file_id)
JOIN sentiment.source_file f USING (source_file_id)
JOIN sentiment.score s ON s.day = r.day AND s.source_file_id = r.source_file_id AND s.line = r.line
    AND s.model_id = f.current_model_id
JOIN sentiment.model m ON m.model_id = s.model_id
LEFT JOIN sentiment.review_head h ON h.review_key = r.review_key
WHERE r.review_key IS NULL OR (h.source_file_id = r.source_file_id AND h.line = r.line);
COMMENT ON COLUMN sentiment.scored_reviews.written_day IS 'UTC day of reviewed_at. The day of the file if the review has no reviewed_at.';

CREATE VIEW sentiment.daily_sentiment_by_written_day AS
SELECT written_day, source,
       count(*) AS reviews,
       count(*) FILTER (WHERE label = 'positive') AS positive,
       count(*) FILTER (WHERE label = 'neutral') AS neutral,
       count(*) FILTER (WHERE label = 'negative') AS negative,
       round(avg(score)::numeric, 4) AS mean_score,
       round(avg(rating)::numeric, 2) AS mean_rating
FROM sentiment.scored_reviews
GROUP BY written_day, source;
COMMENT ON VIEW sentiment.daily_sentiment_by_written_day IS 'Sentiment by the day on which the reviews were written, and source.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.written_day IS 'UTC day of reviewed_at. The day of the file for reviews without reviewed_at.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.source IS 'Source of the files.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.reviews IS 'Live reviews.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.positive IS 'Reviews labelled positive.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.neutral IS 'Reviews labelled neutral, because the model abstains.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.negative IS 'Reviews labelled negative.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.mean_score IS 'Mean probability that a review is positive.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.mean_rating IS 'Mean rating of the reviews that have a rating.';

CREATE VIEW sentiment.product_sentiment_by_written_day AS
SELECT product_id, written_day,
       count(*) AS reviews,
       count(*) FILTER (WHERE label = 'positive') AS positive,
       count(*) FILTER (WHERE label = 'neutral') AS neutral,
       count(*) FILTER (WHERE label = 'negative') AS negative,
       round(avg(score)::numeric, 4) AS mean_score,
       round(avg(rating)::numeric, 2) AS mean_rating
FROM sentiment.scored_reviews
WHERE product_id IS NOT NULL
GROUP BY product_id, written_day;
COMMENT ON VIEW sentiment.product_sentiment_by_written_day IS 'Sentiment by product and the day on which the reviews were written.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.product_id IS 'Product that the reviews are about.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.written_day IS 'UTC day of reviewed_at. The day of the file for reviews without reviewed_at.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.reviews IS 'Live reviews.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.positive IS 'Reviews labelled positive.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.neutral IS 'Reviews labelled neutral, because the model abstains.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.negative IS 'Reviews labelled negative.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.mean_score IS 'Mean probability that a review is positive.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.mean_rating IS 'Mean rating of the reviews that have a rating.';

-- Rights --------------------------------------------------------------------------------------------------------
GRANT SELECT ON sentiment.daily_sentiment_by_written_day, sentiment.product_sentiment_by_written_day
    TO sentiment_reader, sentiment_writer;
