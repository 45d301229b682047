-- Rollups, the marks of superseded reviews, and the triggers that keep them.

-- Wait for running loads, and block new ones until the commit. Every release holds this lock in its loads.
SELECT pg_advisory_xact_lock(hashtextextended('sentiment.maintenance', 0));
LOCK TABLE sentiment.scoring_batch, sentiment.source_file, sentiment.review_head IN SHARE ROW EXCLUSIVE MODE;

-- Superseded reviews --------------------------------------------------------------------------------------------
-- The views show the rows of live files that do not have this mark. A query of many reviews need not look up the head
-- of each.
ALTER TABLE sentiment.score ADD COLUMN superseded boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN sentiment.score.superseded IS 'Whether another row is the head of the review id, so that the views hide this one. Undefined if the file is not live.';

UPDATE sentiment.score SET superseded = true
FROM sentiment.review row
JOIN sentiment.live_file USING (source_file_id)
LEFT JOIN sentiment.review_head head USING (review_key)
WHERE score.day = row.day AND score.source_file_id = row.source_file_id AND score.line = row.line
    AND row.review_key IS NOT NULL
    AND (head.source_file_id, head.line) IS DISTINCT FROM (row.source_file_id, row.line);

-- The current model of a live file is kept here too, so that a query of scores needs this table alone.
ALTER TABLE sentiment.live_file ADD COLUMN model_id smallint;
UPDATE sentiment.live_file SET model_id = current_model_id FROM sentiment.source_file file
WHERE file.source_file_id = live_file.source_file_id;
ALTER TABLE sentiment.live_file ALTER COLUMN model_id SET NOT NULL;
COMMENT ON COLUMN sentiment.live_file.model_id IS 'Current model of the file, as in source_file.';

CREATE FUNCTION sentiment.set_model_of_live_file() RETURNS trigger
LANGUAGE plpgsql SET search_path = sentiment, pg_temp
AS $$
BEGIN
    NEW.model_id := (SELECT current_model_id FROM sentiment.source_file file
                     WHERE file.source_file_id = NEW.source_file_id);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION sentiment.set_model_of_live_file IS 'Copies the current model of a file that becomes live.';
CREATE TRIGGER set_model_of_live_file BEFORE INSERT ON sentiment.live_file
    FOR EACH ROW EXECUTE FUNCTION sentiment.set_model_of_live_file();

CREATE FUNCTION sentiment.move_model_of_live_file() RETURNS trigger
LANGUAGE plpgsql SET search_path = sentiment, pg_temp
AS $$
BEGIN
    UPDATE sentiment.live_file SET model_id = NEW.current_model_id WHERE source_file_id = NEW.source_file_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sentiment.move_model_of_live_file IS 'Copies the new current model of a live file.';
CREATE TRIGGER move_model_of_live_file AFTER UPDATE OF current_model_id ON sentiment.source_file
    FOR EACH ROW WHEN (OLD.current_model_id IS DISTINCT FROM NEW.current_model_id)
    EXECUTE FUNCTION sentiment.move_model_of_live_file();

-- Rollups -------------------------------------------------------------------------------------------------------
-- Sums are integers, so that additions and subtractions in any order give the same result.
CREATE TABLE sentiment.daily_rollup (
    score_sum   bigint NOT NULL,
    rating_sum  bigint NOT NULL,
    reviews     integer NOT NULL,
    positive    integer NOT NULL,
    neutral     integer NOT NULL,
    negative    integer NOT NULL,
    unfamiliar  integer NOT NULL,
    mixed       integer NOT NULL,
    rated       integer NOT NULL,
    day         date NOT NULL,
    by_written  boolean NOT NULL,
    source      text NOT NULL,
    PRIMARY KEY (by_written, day, source)
);
COMMENT ON TABLE sentiment.daily_rollup IS 'Sums of the live reviews of a day and source. Each commit keeps them exact.';
COMMENT ON COLUMN sentiment.daily_rollup.by_written IS 'Whether day is the day on which the reviews were written, and not the day of their files.';
COMMENT ON COLUMN sentiment.daily_rollup.reviews IS 'Live reviews, at least 1.';
COMMENT ON COLUMN sentiment.daily_rollup.rated IS 'Reviews that have a rating.';
COMMENT ON COLUMN sentiment.daily_rollup.score_sum IS 'Sum of the scores, each in billionths.';
COMMENT ON COLUMN sentiment.daily_rollup.rating_sum IS 'Sum of the ratings, each in millionths. A rating beyond a million counts as a million.';

CREATE TABLE sentiment.language_rollup (
    score_sum   bigint NOT NULL,
    rating_sum  bigint NOT NULL,
    reviews     integer NOT NULL,
    positive    integer NOT NULL,
    neutral     integer NOT NULL,
    negative    integer NOT NULL,
    unfamiliar  integer NOT NULL,
    mixed       integer NOT NULL,
    rated       integer NOT NULL,
    day         date NOT NULL,
    model_id    smallint NOT NULL,
    by_written  boolean NOT NULL,
    source      text NOT NULL,
    language    text NOT NULL,
    PRIMARY KEY (by_written, day, source, language, model_id)
);
COMMENT ON TABLE sentiment.language_rollup IS 'Sums of the live reviews of a day, source, language and model. Each commit keeps them exact.';
COMMENT ON COLUMN sentiment.language_rollup.by_written IS 'Whether day is the day on which the reviews were written, and not the day of their files.';
COMMENT ON COLUMN sentiment.language_rollup.language IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Empty if neither is known.';
COMMENT ON COLUMN sentiment.language_rollup.reviews IS 'Live reviews, at least 1.';
COMMENT ON COLUMN sentiment.language_rollup.rated IS 'Reviews that have a rating.';
COMMENT ON COLUMN sentiment.language_rollup.score_sum IS 'Sum of the scores, each in billionths.';
COMMENT ON COLUMN sentiment.language_rollup.rating_sum IS 'Sum of the ratings, each in millionths. A rating beyond a million counts as a million.';

CREATE TABLE sentiment.product_rollup (
    score_sum   bigint NOT NULL,
    rating_sum  bigint NOT NULL,
    reviews     integer NOT NULL,
    positive    integer NOT NULL,
    neutral     integer NOT NULL,
    negative    integer NOT NULL,
    unfamiliar  integer NOT NULL,
    mixed       integer NOT NULL,
    rated       integer NOT NULL,
    day         date NOT NULL,
    by_written  boolean NOT NULL,
    product_id  text NOT NULL,
    PRIMARY KEY (by_written, day, product_id)
);
CREATE INDEX product_rollup_by_product ON sentiment.product_rollup (product_id, by_written, day);
COMMENT ON TABLE sentiment.product_rollup IS 'Sums of the live reviews of a day and product. Each commit keeps them exact.';
COMMENT ON COLUMN sentiment.product_rollup.by_written IS 'Whether day is the day on which the reviews were written, and not the day of their files.';
COMMENT ON COLUMN sentiment.product_rollup.reviews IS 'Live reviews, at least 1.';
COMMENT ON COLUMN sentiment.product_rollup.rated IS 'Reviews that have a rating.';
COMMENT ON COLUMN sentiment.product_rollup.score_sum IS 'Sum of the scores, each in billionths.';
COMMENT ON COLUMN sentiment.product_rollup.rating_sum IS 'Sum of the ratings, each in millionths. A rating beyond a million counts as a million.';

CREATE TABLE sentiment.rollup_state (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    stale_since timestamptz
);
COMMENT ON TABLE sentiment.rollup_state IS 'Whether the rollups are exact. One row.';
COMMENT ON COLUMN sentiment.rollup_state.stale_since IS 'Time of the first change since the last rebuild that the rollups do not have. Null if they are exact.';
INSERT INTO sentiment.rollup_state (stale_since)
SELECT CASE WHEN EXISTS (SELECT FROM sentiment.live_file) THEN now() END;

CREATE FUNCTION sentiment.language_key(written text, detected text) RETURNS text
LANGUAGE sql IMMUTABLE
    RETURN left(coalesce(lower(split_part(replace(written, '_', '-'), '-', 1)), detected, ''), 35);
COMMENT ON FUNCTION sentiment.language_key IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Empty if neither is known.';

CREATE VIEW sentiment.counted_review AS
SELECT row.day, row.source_file_id, row.line, row.batch_id,
       coalesce((row.reviewed_at AT TIME ZONE 'UTC')::date, row.day) AS written_day,
       file.source, sentiment.language_key(row.language, row.language_detected) AS language, score.model_id,
       row.product_id,
       1 AS reviews,
       (score.label = 'positive')::integer AS positive,
       (score.label = 'neutral')::integer AS neutral,
       (score.label = 'negative')::integer AS negative,
       coalesce(score.unfamiliar, false)::integer AS unfamiliar,
       coalesce(score.mixed, false)::integer AS mixed,
       (row.rating IS NOT NULL)::integer AS rated,
       (score.score::double precision * 1e9)::bigint AS score_sum,
       -- greatest() ignores null.
       CASE WHEN row.rating IS NULL THEN 0 ELSE (least(greatest(row.rating, -1e6), 1e6) * 1e6)::bigint END AS rating_sum,
       score.superseded
FROM sentiment.review row
JOIN sentiment.live_file live USING (source_file_id)
JOIN sentiment.source_file file USING (source_file_id)
JOIN sentiment.score ON score.day = row.day AND score.source_file_id = row.source_file_id AND score.line = row.line
    AND score.model_id = live.model_id;
COMMENT ON VIEW sentiment.counted_review IS 'What each row of a live file adds to the rollups unless it is superseded.';
COMMENT ON COLUMN sentiment.counted_review.day IS 'Day of the file.';
COMMENT ON COLUMN sentiment.counted_review.source_file_id IS 'File in the ledger.';
COMMENT ON COLUMN sentiment.counted_review.line IS 'Line of the file on which the record starts.';
COMMENT ON COLUMN sentiment.counted_review.batch_id IS 'Batch that stored the row.';
COMMENT ON COLUMN sentiment.counted_review.written_day IS 'UTC day of reviewed_at. The day of the file if the review has no reviewed_at.';
COMMENT ON COLUMN sentiment.counted_review.source IS 'Source of the file.';
COMMENT ON COLUMN sentiment.counted_review.language IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Empty if neither is known.';
COMMENT ON COLUMN sentiment.counted_review.model_id IS 'Current model of the file.';
COMMENT ON COLUMN sentiment.counted_review.product_id IS 'Product that the review is about.';
COMMENT ON COLUMN sentiment.counted_review.reviews IS '1.';
COMMENT ON COLUMN sentiment.counted_review.positive IS '1 if the review is labelled positive, else 0.';
COMMENT ON COLUMN sentiment.counted_review.neutral IS '1 if the review is labelled neutral, else 0.';
COMMENT ON COLUMN sentiment.counted_review.negative IS '1 if the review is labelled negative, else 0.';
COMMENT ON COLUMN sentiment.counted_review.unfamiliar IS '1 if the model knows hardly any n-gram of the text, else 0.';
COMMENT ON COLUMN sentiment.counted_review.mixed IS '1 if one part of the review is clearly positive and another clearly negative, else 0.';
COMMENT ON COLUMN sentiment.counted_review.rated IS '1 if the review has a rating, else 0.';
COMMENT ON COLUMN sentiment.counted_review.score_sum IS 'Score in billionths.';
COMMENT ON COLUMN sentiment.counted_review.rating_sum IS 'Rating in millionths, 0 without a rating. A rating beyond a million is a million.';
COMMENT ON COLUMN sentiment.counted_review.superseded IS 'Whether the views hide the row, because another row is the head of its review id.';

-- The rollups as the reviews give them: for a rebuild, for the views while the rollups are stale, and to verify them.
-- Without statistics of new rows, a nested loop would read all scores of a file for each of its reviews.
CREATE FUNCTION sentiment.daily_recount() RETURNS SETOF sentiment.daily_rollup
LANGUAGE plpgsql STABLE ROWS 1 SET search_path = sentiment, pg_temp SET enable_nestloop = off
AS $$
BEGIN
    RETURN QUERY
    SELECT sum(score_sum)::bigint, sum(rating_sum)::bigint, sum(reviews)::integer, sum(positive)::integer,
        sum(neutral)::integer, sum(negative)::integer, sum(unfamiliar)::integer, sum(mixed)::integer,
        sum(rated)::integer, CASE WHEN kind.by_written THEN written_day ELSE row.day END AS its_day,
        kind.by_written, row.source
    FROM sentiment.counted_review row CROSS JOIN (VALUES (false), (true)) AS kind (by_written)
    WHERE NOT superseded
    GROUP BY kind.by_written, its_day, row.source;
END
$$;
COMMENT ON FUNCTION sentiment.daily_recount IS 'What daily_rollup must contain, computed from the reviews.';

CREATE FUNCTION sentiment.language_recount() RETURNS SETOF sentiment.language_rollup
LANGUAGE plpgsql STABLE ROWS 1 SET search_path = sentiment, pg_temp SET enable_nestloop = off
AS $$
BEGIN
    RETURN QUERY
    SELECT sum(score_sum)::bigint, sum(rating_sum)::bigint, sum(reviews)::integer, sum(positive)::integer,
        sum(neutral)::integer, sum(negative)::integer, sum(unfamiliar)::integer, sum(mixed)::integer,
        sum(rated)::integer, CASE WHEN kind.by_written THEN written_day ELSE row.day END AS its_day,
        row.model_id, kind.by_written, row.source, row.language
    FROM sentiment.counted_review row CROSS JOIN (VALUES (false), (true)) AS kind (by_written)
    WHERE NOT superseded
    GROUP BY kind.by_written, its_day, row.source, row.language, row.model_id;
END
$$;
COMMENT ON FUNCTION sentiment.language_recount IS 'What language_rollup must contain, computed from the reviews.';

CREATE FUNCTION sentiment.product_recount() RETURNS SETOF sentiment.product_rollup
LANGUAGE plpgsql STABLE ROWS 1 SET search_path = sentiment, pg_temp SET enable_nestloop = off
AS $$
BEGIN
    RETURN QUERY
    SELECT sum(score_sum)::bigint, sum(rating_sum)::bigint, sum(reviews)::integer, sum(positive)::integer,
        sum(neutral)::integer, sum(negative)::integer, sum(unfamiliar)::integer, sum(mixed)::integer,
        sum(rated)::integer, CASE WHEN kind.by_written THEN written_day ELSE row.day END AS its_day,
        kind.by_written, row.product_id
    FROM sentiment.counted_review row CROSS JOIN (VALUES (false), (true)) AS kind (by_written)
    WHERE NOT superseded AND row.product_id IS NOT NULL
    GROUP BY kind.by_written, its_day, row.product_id;
END
$$;
COMMENT ON FUNCTION sentiment.product_recount IS 'What product_rollup must contain, computed from the reviews.';

CREATE FUNCTION sentiment.rollup_statement(rows text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = sentiment, pg_temp
AS $function$
    SELECT format($statement$
        WITH counted AS MATERIALIZED (
            SELECT day, written_day, source, language, model_id, product_id, %2$s
            FROM (%1$s) row
            GROUP BY day, written_day, source, language, model_id, product_id),
        by_language AS MATERIALIZED (
            SELECT by_written, CASE WHEN by_written THEN written_day ELSE day END AS its_day,
                source, language, model_id, %2$s
            FROM counted CROSS JOIN (VALUES (false), (true)) AS kind (by_written)
            GROUP BY by_written, its_day, source, language, model_id),
        of_languages AS (
            INSERT INTO sentiment.language_rollup AS total (by_written, day, source, language, model_id, %3$s)
            SELECT by_written, its_day, source, language, model_id, %4$s FROM by_language
            ON CONFLICT (by_written, day, source, language, model_id) DO UPDATE SET %5$s),
        of_days AS (
            INSERT INTO sentiment.daily_rollup AS total (by_written, day, source, %3$s)
            SELECT by_written, its_day, source, %6$s FROM by_language GROUP BY by_written, its_day, source
            ON CONFLICT (by_written, day, source) DO UPDATE SET %5$s)
        INSERT INTO sentiment.product_rollup AS total (by_written, day, product_id, %3$s)
        SELECT by_written, CASE WHEN by_written THEN written_day ELSE day END AS its_day, product_id, %6$s
        FROM counted CROSS JOIN (VALUES (false), (true)) AS kind (by_written)
        WHERE product_id IS NOT NULL
        GROUP BY by_written, its_day, product_id
        ORDER BY by_written, its_day, product_id
        ON CONFLICT (by_written, day, product_id) DO UPDATE SET %5$s
        $statement$,
        rows,
        string_agg(format('sum(%1$s)::bigint AS %1$s', name), ', '),
        string_agg(name, ', '),
        string_agg(format('$1 * %s', name), ', '),
        string_agg(format('%1$s = total.%1$s + excluded.%1$s', name), ', '),
        string_agg(format('$1 * sum(%s)::bigint', name), ', '))
    FROM unnest(ARRAY['reviews', 'positive', 'neutral', 'negative', 'unfamiliar', 'mixed', 'rated', 'score_sum',
        'rating_sum']) AS name
$function$;
COMMENT ON FUNCTION sentiment.rollup_statement IS 'The statement that adds rows of counted_review, times its parameter $1, to the rollups.';

CREATE FUNCTION sentiment.count_reviews(sign integer, rows text) RETURNS void
LANGUAGE plpgsql SET search_path = sentiment, pg_temp
AS $$
BEGIN
    EXECUTE sentiment.rollup_statement(rows) USING sign;
END
$$;
COMMENT ON FUNCTION sentiment.count_reviews IS 'Adds (sign 1) or subtracts (sign -1) the result of a query of counted_review in the rollups. The caller holds the lock of the heads.';

CREATE FUNCTION sentiment.drop_empty_sum() RETURNS trigger
LANGUAGE plpgsql SET search_path = sentiment, pg_temp
AS $$
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'daily_rollup' THEN DELETE FROM sentiment.daily_rollup
            WHERE (by_written, day, source) = (NEW.by_written, NEW.day, NEW.source);
        WHEN 'language_rollup' THEN DELETE FROM sentiment.language_rollup
            WHERE (by_written, day, source, language, model_id)
                = (NEW.by_written, NEW.day, NEW.source, NEW.language, NEW.model_id);
        WHEN 'product_rollup' THEN DELETE FROM sentiment.product_rollup
            WHERE (by_written, day, product_id) = (NEW.by_written, NEW.day, NEW.product_id);
    END CASE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sentiment.drop_empty_sum IS 'Deletes the row of a rollup that no longer has reviews.';
CREATE TRIGGER drop_empty_sum AFTER UPDATE ON sentiment.daily_rollup
    FOR EACH ROW WHEN (NEW.reviews = 0) EXECUTE FUNCTION sentiment.drop_empty_sum();
CREATE TRIGGER drop_empty_sum AFTER UPDATE ON sentiment.language_rollup
    FOR EACH ROW WHEN (NEW.reviews = 0) EXECUTE FUNCTION sentiment.drop_empty_sum();
CREATE TRIGGER drop_empty_sum AFTER UPDATE ON sentiment.product_rollup
    FOR EACH ROW WHEN (NEW.reviews = 0) EXECUTE FUNCTION sentiment.drop_empty_sum();

-- A row that becomes superseded, or ceases to be ------------------------------------------------------------------
CREATE FUNCTION sentiment.count_superseded() RETURNS trigger
LANGUAGE plpgsql SET search_path = sentiment, pg_temp
AS $$
DECLARE
    now_superseded boolean;
BEGIN
    FOR now_superseded IN
        SELECT DISTINCT changed.superseded FROM changed JOIN former USING (day, source_file_id, line, model_id)
        WHERE changed.superseded <> former.superseded
    LOOP
        EXECUTE sentiment.rollup_statement(format(
                'SELECT row.* FROM changed JOIN former USING (day, source_file_id, line, model_id)'
                ' JOIN sentiment.counted_review row USING (day, source_file_id, line, model_id)'
                ' WHERE changed.superseded = %1$L AND former.superseded <> %1$L', now_superseded))
            USING CASE WHEN now_superseded THEN -1 ELSE 1 END;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sentiment.count_superseded IS 'Subtracts rows of live files that have become superseded from the rollups, and adds rows that are no longer superseded.';
CREATE TRIGGER count_superseded AFTER UPDATE ON sentiment.score
    REFERENCING OLD TABLE AS former NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sentiment.count_superseded();

CREATE FUNCTION sentiment.supersede_statement(places text, superseded boolean) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = sentiment, pg_temp
AS $function$
    SELECT format($statement$
        UPDATE sentiment.score SET superseded = %2$L
        FROM (
            SELECT score.day, score.source_file_id, score.line, score.model_id
            FROM %1$s AS place JOIN sentiment.score USING (day, source_file_id, line)
            WHERE score.superseded <> %2$L
            FOR UPDATE OF score NOWAIT
        ) AS row
        WHERE score.day = row.day AND score.source_file_id = row.source_file_id AND score.line = row.line
            AND score.model_id = row.model_id
        $statement$, places, superseded)
$function$;
COMMENT ON FUNCTION sentiment.supersede_statement IS 'The statement that sets or clears the mark of the scores in some places. It fails if a replacement of their file holds them: that one will need the lock of the heads, which the caller holds.';

CREATE FUNCTION sentiment.supersede_reviews() RETURNS trigger
LANGUAGE plpgsql SET search_path = sentiment, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        EXECUTE sentiment.supersede_statement('head', false);
        EXECUTE sentiment.supersede_statement('(SELECT day, source_file_id, line FROM former_head'
            ' EXCEPT SELECT day, source_file_id, line FROM head)', true);
    ELSIF current_setting('sentiment.rollups', true) IS DISTINCT FROM 'kept' THEN
        -- A load by this release shows such rows itself, because hardly any of its new heads are marked.
        EXECUTE sentiment.supersede_statement('head', false);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sentiment.supersede_reviews IS 'Marks rows that were the heads of their review ids, and clears the marks of rows that are.';
CREATE TRIGGER supersede_reviews AFTER UPDATE ON sentiment.review_head
    REFERENCING OLD TABLE AS former_head NEW TABLE AS head
    FOR EACH STATEMENT EXECUTE FUNCTION sentiment.supersede_reviews();
CREATE TRIGGER show_reviews AFTER INSERT ON sentiment.review_head
    REFERENCING NEW TABLE AS head FOR EACH STATEMENT EXECUTE FUNCTION sentiment.supersede_reviews();

CREATE FUNCTION sentiment.supersede_reviews_of(file bigint) RETURNS void
-- Statistics do not cover a new file. A nested loop would read all its scores for each of its rows.
LANGUAGE plpgsql SET search_path = sentiment, pg_temp SET enable_nestloop = off
AS $$
DECLARE
    file_day date := (SELECT day FROM sentiment.source_file WHERE source_file_id = file);
BEGIN
    UPDATE sentiment.score SET superseded = row.superseded
    FROM (
        SELECT review.line, review.review_key IS NOT NULL AND (
            SELECT head.source_file_id = review.source_file_id AND head.line = review.line
            FROM sentiment.review_head head WHERE head.review_key = review.review_key) IS NOT TRUE AS superseded
        FROM sentiment.review WHERE review.day = file_day AND review.source_file_id = file
    ) AS row
    WHERE score.day = file_day AND score.source_file_id = file AND score.line = row.line
        AND score.superseded <> row.superseded;
END
$$;
COMMENT ON FUNCTION sentiment.supersede_reviews_of IS 'Sets the marks of one live file whose heads have been decided.';

-- The previous release ------------------------------------------------------------------------------------------
-- It changes rows and heads, and does not count files. During a rolling upgrade and after a rollback these triggers
-- complete the marks of superseded rows and mark the rollups as stale. The views then aggregate the rows. A later release drops
-- them. This release sets sentiment.rollups in each of its transactions that change what the views show.
CREATE FUNCTION sentiment.follow_previous_release() RETURNS trigger
LANGUAGE plpgsql SET search_path = sentiment, pg_temp
AS $$
BEGIN
    UPDATE sentiment.rollup_state SET stale_since = now() WHERE stale_since IS NULL;
    IF TG_TABLE_NAME = 'scoring_batch' THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('sentiment.heads', 0));
        PERFORM sentiment.supersede_reviews_of(NEW.source_file_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sentiment.follow_previous_release IS 'Marks the rollups as stale after a change by a release that does not keep them.';
CREATE CONSTRAINT TRIGGER follow_previous_release AFTER INSERT ON sentiment.scoring_batch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (current_setting('sentiment.rollups', true) IS DISTINCT FROM 'kept')
    EXECUTE FUNCTION sentiment.follow_previous_release();
CREATE TRIGGER follow_previous_release
    AFTER UPDATE OF status, current_model_id, rows_removed ON sentiment.source_file
    FOR EACH ROW WHEN (current_setting('sentiment.rollups', true) IS DISTINCT FROM 'kept')
    EXECUTE FUNCTION sentiment.follow_previous_release();

-- Rights --------------------------------------------------------------------------------------------------------
REVOKE ALL ON FUNCTION sentiment.count_reviews, sentiment.rollup_statement, sentiment.count_superseded,
    sentiment.supersede_statement, sentiment.supersede_reviews, sentiment.supersede_reviews_of,
    sentiment.follow_previous_release, sentiment.set_model_of_live_file, sentiment.move_model_of_live_file,
    sentiment.drop_empty_sum, sentiment.daily_recount, sentiment.language_recount, sentiment.product_recount
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sentiment.daily_recount, sentiment.language_recount, sentiment.product_recount
    TO sentiment_reader, sentiment_writer;
GRANT EXECUTE ON FUNCTION sentiment.count_reviews, sentiment.rollup_statement, sentiment.supersede_statement,
    sentiment.supersede_reviews_of TO sentiment_writer;
GRANT SELECT ON sentiment.daily_rollup, sentiment.language_rollup, sentiment.product_rollup, sentiment.rollup_state,
    sentiment.counted_review TO sentiment_reader, sentiment_writer;
GRANT INSERT, UPDATE, DELETE ON sentiment.daily_rollup, sentiment.language_rollup, sentiment.product_rollup,
    sentiment.rollup_state TO sentiment_writer;
