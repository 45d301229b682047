--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: sentiment; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA sentiment;

--
-- Name: label; Type: TYPE; Schema: sentiment; Owner: -
--

CREATE TYPE sentiment.label AS ENUM (
    'negative',
    'neutral',
    'positive'
);

--
-- Name: count_reviews(integer, text); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.count_reviews(sign integer, rows text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'sentiment', 'pg_temp'
    AS $$
BEGIN
    EXECUTE sentiment.rollup_statement(rows) USING sign;
END
$$;

--
-- Name: FUNCTION count_reviews(sign integer, rows text); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.count_reviews(sign integer, rows text) IS 'Adds (sign 1) or subtracts (sign -1) the result of a query of counted_review in the rollups. The caller holds the lock of the heads.';

--
-- Name: count_superseded(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.count_superseded() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'sentiment', 'pg_temp'
    AS $_$
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
$_$;

--
-- Name: FUNCTION count_superseded(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.count_superseded() IS 'Subtracts rows of live files that have become superseded from the rollups, and adds rows that are no longer superseded.';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: daily_rollup; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.daily_rollup (
    score_sum bigint NOT NULL,
    rating_sum bigint NOT NULL,
    reviews integer NOT NULL,
    positive integer NOT NULL,
    neutral integer NOT NULL,
    negative integer NOT NULL,
    unfamiliar integer NOT NULL,
    mixed integer NOT NULL,
    rated integer NOT NULL,
    day date NOT NULL,
    by_written boolean NOT NULL,
    source text NOT NULL
);

--
-- Name: TABLE daily_rollup; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.daily_rollup IS 'Sums of the live reviews of a day and source. Each commit keeps them exact.';

--
-- Name: COLUMN daily_rollup.score_sum; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_rollup.score_sum IS 'Sum of the scores, each in billionths.';

--
-- Name: COLUMN daily_rollup.rating_sum; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_rollup.rating_sum IS 'Sum of the ratings, each in millionths. A rating beyond a million counts as a million.';

--
-- Name: COLUMN daily_rollup.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_rollup.reviews IS 'Live reviews, at least 1.';

--
-- Name: COLUMN daily_rollup.rated; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_rollup.rated IS 'Reviews that have a rating.';

--
-- Name: COLUMN daily_rollup.by_written; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_rollup.by_written IS 'Whether day is the day on which the reviews were written, and not the day of their files.';

--
-- Name: daily_recount(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.daily_recount() RETURNS SETOF sentiment.daily_rollup
    LANGUAGE plpgsql STABLE ROWS 1
    SET search_path TO 'sentiment', 'pg_temp'
    SET enable_nestloop TO 'off'
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

--
-- Name: FUNCTION daily_recount(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.daily_recount() IS 'What daily_rollup must contain, computed from the reviews.';

--
-- Name: drop_empty_sum(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.drop_empty_sum() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'sentiment', 'pg_temp'
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

--
-- Name: FUNCTION drop_empty_sum(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.drop_empty_sum() IS 'Deletes the row of a rollup that no longer has reviews.';

--
-- Name: ensure_month(date); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.ensure_month(any_day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'sentiment', 'pg_temp'
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

--
-- Name: FUNCTION ensure_month(any_day date); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.ensure_month(any_day date) IS 'Creates the partitions of review and score for the month of a day, if they do not exist. Returns false if that month or a later one has expired.';

--
-- Name: follow_previous_release(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.follow_previous_release() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'sentiment', 'pg_temp'
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

--
-- Name: FUNCTION follow_previous_release(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.follow_previous_release() IS 'Marks the rollups as stale after a change by a release that does not keep them.';

--
-- Name: hide_superseded_files(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.hide_superseded_files() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'sentiment', 'pg_temp'
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

--
-- Name: FUNCTION hide_superseded_files(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.hide_superseded_files() IS 'Hides files that release 0.2.0 shows although a newer version of their key superseded them.';

--
-- Name: language_key(text, text); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.language_key(written text, detected text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN "left"(COALESCE(lower(split_part(replace(written, '_'::text, '-'::text), '-'::text, 1)), detected, ''::text), 35);

--
-- Name: FUNCTION language_key(written text, detected text); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.language_key(written text, detected text) IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Empty if neither is known.';

--
-- Name: language_rollup; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.language_rollup (
    score_sum bigint NOT NULL,
    rating_sum bigint NOT NULL,
    reviews integer NOT NULL,
    positive integer NOT NULL,
    neutral integer NOT NULL,
    negative integer NOT NULL,
    unfamiliar integer NOT NULL,
    mixed integer NOT NULL,
    rated integer NOT NULL,
    day date NOT NULL,
    model_id smallint NOT NULL,
    by_written boolean NOT NULL,
    source text NOT NULL,
    language text NOT NULL
);

--
-- Name: TABLE language_rollup; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.language_rollup IS 'Sums of the live reviews of a day, source, language and model. Each commit keeps them exact.';

--
-- Name: COLUMN language_rollup.score_sum; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.language_rollup.score_sum IS 'Sum of the scores, each in billionths.';

--
-- Name: COLUMN language_rollup.rating_sum; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.language_rollup.rating_sum IS 'Sum of the ratings, each in millionths. A rating beyond a million counts as a million.';

--
-- Name: COLUMN language_rollup.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.language_rollup.reviews IS 'Live reviews, at least 1.';

--
-- Name: COLUMN language_rollup.rated; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.language_rollup.rated IS 'Reviews that have a rating.';

--
-- Name: COLUMN language_rollup.by_written; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.language_rollup.by_written IS 'Whether day is the day on which the reviews were written, and not the day of their files.';

--
-- Name: COLUMN language_rollup.language; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.language_rollup.language IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Empty if neither is known.';

--
-- Name: language_recount(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.language_recount() RETURNS SETOF sentiment.language_rollup
    LANGUAGE plpgsql STABLE ROWS 1
    SET search_path TO 'sentiment', 'pg_temp'
    SET enable_nestloop TO 'off'
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

--
-- Name: FUNCTION language_recount(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.language_recount() IS 'What language_rollup must contain, computed from the reviews.';

--
-- Name: move_model_of_live_file(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.move_model_of_live_file() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'sentiment', 'pg_temp'
    AS $$
BEGIN
    UPDATE sentiment.live_file SET model_id = NEW.current_model_id WHERE source_file_id = NEW.source_file_id;
    RETURN NULL;
END
$$;

--
-- Name: FUNCTION move_model_of_live_file(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.move_model_of_live_file() IS 'Copies the new current model of a live file.';

--
-- Name: product_rollup; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.product_rollup (
    score_sum bigint NOT NULL,
    rating_sum bigint NOT NULL,
    reviews integer NOT NULL,
    positive integer NOT NULL,
    neutral integer NOT NULL,
    negative integer NOT NULL,
    unfamiliar integer NOT NULL,
    mixed integer NOT NULL,
    rated integer NOT NULL,
    day date NOT NULL,
    by_written boolean NOT NULL,
    product_id text NOT NULL
)
WITH (fillfactor='70');

--
-- Name: TABLE product_rollup; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.product_rollup IS 'Sums of the live reviews of a day and product. Each commit keeps them exact.';

--
-- Name: COLUMN product_rollup.score_sum; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_rollup.score_sum IS 'Sum of the scores, each in billionths.';

--
-- Name: COLUMN product_rollup.rating_sum; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_rollup.rating_sum IS 'Sum of the ratings, each in millionths. A rating beyond a million counts as a million.';

--
-- Name: COLUMN product_rollup.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_rollup.reviews IS 'Live reviews, at least 1.';

--
-- Name: COLUMN product_rollup.rated; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_rollup.rated IS 'Reviews that have a rating.';

--
-- Name: COLUMN product_rollup.by_written; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_rollup.by_written IS 'Whether day is the day on which the reviews were written, and not the day of their files.';

--
-- Name: product_recount(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.product_recount() RETURNS SETOF sentiment.product_rollup
    LANGUAGE plpgsql STABLE ROWS 1
    SET search_path TO 'sentiment', 'pg_temp'
    SET enable_nestloop TO 'off'
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

--
-- Name: FUNCTION product_recount(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.product_recount() IS 'What product_rollup must contain, computed from the reviews.';

--
-- Name: refresh_statistics(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.refresh_statistics() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'sentiment', 'pg_temp'
    AS $$
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        EXECUTE 'ANALYZE ONLY sentiment.review, ONLY sentiment.score';
    ELSE
        -- Older servers also analyze each partition.
        EXECUTE 'ANALYZE sentiment.review, sentiment.score';
    END IF;
END
$$;

--
-- Name: FUNCTION refresh_statistics(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.refresh_statistics() IS 'Refreshes the planner statistics of review and score over all months, which autovacuum does not.';

--
-- Name: rollup_statement(text); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.rollup_statement(rows text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'sentiment', 'pg_temp'
    AS $_$
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
$_$;

--
-- Name: FUNCTION rollup_statement(rows text); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.rollup_statement(rows text) IS 'The statement that adds rows of counted_review, times its parameter $1, to the rollups.';

--
-- Name: set_model_of_live_file(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.set_model_of_live_file() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'sentiment', 'pg_temp'
    AS $$
BEGIN
    NEW.model_id := (SELECT current_model_id FROM sentiment.source_file file
                     WHERE file.source_file_id = NEW.source_file_id);
    RETURN NEW;
END
$$;

--
-- Name: FUNCTION set_model_of_live_file(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.set_model_of_live_file() IS 'Copies the current model of a file that becomes live.';

--
-- Name: supersede_reviews(); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.supersede_reviews() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'sentiment', 'pg_temp'
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

--
-- Name: FUNCTION supersede_reviews(); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.supersede_reviews() IS 'Marks rows that were the heads of their review ids, and clears the marks of rows that are.';

--
-- Name: supersede_reviews_of(bigint); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.supersede_reviews_of(file bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'sentiment', 'pg_temp'
    SET enable_nestloop TO 'off'
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

--
-- Name: FUNCTION supersede_reviews_of(file bigint); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.supersede_reviews_of(file bigint) IS 'Sets the marks of one live file whose heads have been decided.';

--
-- Name: supersede_statement(text, boolean); Type: FUNCTION; Schema: sentiment; Owner: -
--

CREATE FUNCTION sentiment.supersede_statement(places text, superseded boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'sentiment', 'pg_temp'
    AS $_$
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
$_$;

--
-- Name: FUNCTION supersede_statement(places text, superseded boolean); Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON FUNCTION sentiment.supersede_statement(places text, superseded boolean) IS 'The statement that sets or clears the mark of the scores in some places. It fails if a replacement of their file holds them: that one will need the lock of the heads, which the caller holds.';

--
-- Name: aspect_day; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.aspect_day (
    day date NOT NULL,
    model_id smallint NOT NULL,
    aspects text NOT NULL,
    reviews numeric NOT NULL,
    computed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

--
-- Name: TABLE aspect_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.aspect_day IS 'Days of which the aspects are kept, and what they were computed of.';

--
-- Name: COLUMN aspect_day.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_day.day IS 'Day of the files.';

--
-- Name: COLUMN aspect_day.model_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_day.model_id IS 'Model whose contributions were summed: the champion of the run.';

--
-- Name: COLUMN aspect_day.aspects; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_day.aspects IS 'SHA-256 of the names and words of the aspects.';

--
-- Name: COLUMN aspect_day.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_day.reviews IS 'Hash of the sums of the day''s live reviews. If the sums have another one, the next run computes the day again.';

--
-- Name: COLUMN aspect_day.computed_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_day.computed_at IS 'Time at which the aspects of the day were stored.';

--
-- Name: aspect_total; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.aspect_total (
    day date NOT NULL,
    source text NOT NULL,
    product_id text,
    aspect text NOT NULL,
    reviews integer NOT NULL,
    positive integer NOT NULL,
    negative integer NOT NULL,
    log_odds double precision NOT NULL,
    CONSTRAINT aspect_total_reviews_check CHECK ((reviews > 0))
);

--
-- Name: TABLE aspect_total; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.aspect_total IS 'Reviews of a day, source and product that mention an aspect.';

--
-- Name: COLUMN aspect_total.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_total.day IS 'Day of the files.';

--
-- Name: COLUMN aspect_total.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_total.source IS 'Source of the reviews.';

--
-- Name: COLUMN aspect_total.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_total.product_id IS 'Product of the reviews; null for reviews without one.';

--
-- Name: COLUMN aspect_total.aspect; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_total.aspect IS 'Name of the aspect.';

--
-- Name: COLUMN aspect_total.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_total.reviews IS 'Live reviews that mention it.';

--
-- Name: COLUMN aspect_total.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_total.positive IS 'Reviews whose clauses that mention it raise the log-odds by at least 0.1.';

--
-- Name: COLUMN aspect_total.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_total.negative IS 'Reviews whose clauses that mention it lower the log-odds by at least 0.1.';

--
-- Name: COLUMN aspect_total.log_odds; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_total.log_odds IS 'Sum of what these clauses add to the log-odds of positive.';

--
-- Name: model; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.model (
    digest text NOT NULL,
    model_id smallint NOT NULL,
    name text NOT NULL,
    mlflow_versions integer[] DEFAULT '{}'::integer[] NOT NULL,
    first_used_at timestamp with time zone DEFAULT now() NOT NULL,
    labels text[],
    languages text[],
    experimental_languages text[],
    CONSTRAINT model_digest_check CHECK ((digest ~ '^[0-9a-f]{64}$'::text))
);

--
-- Name: TABLE model; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.model IS 'Models that have scored rows, by the digest of their bundle.';

--
-- Name: COLUMN model.digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model.digest IS 'SHA-256 that identifies the bundle.';

--
-- Name: COLUMN model.model_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model.model_id IS 'Short id of the digest, used in score.';

--
-- Name: COLUMN model.name; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model.name IS 'Name in the bundle.';

--
-- Name: COLUMN model.mlflow_versions; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model.mlflow_versions IS 'Versions of the registered MLflow model that contain this bundle.';

--
-- Name: COLUMN model.first_used_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model.first_used_at IS 'Time of the first use in this database.';

--
-- Name: COLUMN model.labels; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model.labels IS 'Labels of the model. Null until release 0.3.0 or later opens the model.';

--
-- Name: COLUMN model.languages; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model.languages IS 'Languages that the model was trained on. Null until release 0.3.0 or later opens the model.';

--
-- Name: COLUMN model.experimental_languages; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model.experimental_languages IS 'Those of languages in which the model was measured to be below the standard.';

--
-- Name: aspect_sentiment; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.aspect_sentiment AS
 SELECT t.day,
    t.source,
    t.product_id,
    t.aspect,
    t.reviews,
    t.positive,
    t.negative,
    (t.log_odds / (t.reviews)::double precision) AS mean_log_odds,
    ((t.positive)::double precision / (t.reviews)::double precision) AS positive_ratio,
    ((t.negative)::double precision / (t.reviews)::double precision) AS negative_ratio,
    m.digest AS model_digest,
    d.computed_at
   FROM ((sentiment.aspect_total t
     JOIN sentiment.aspect_day d USING (day))
     JOIN sentiment.model m USING (model_id));

--
-- Name: VIEW aspect_sentiment; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.aspect_sentiment IS 'What reviews say about each aspect, such as the price, by day, source and product.';

--
-- Name: COLUMN aspect_sentiment.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.day IS 'Day of the files.';

--
-- Name: COLUMN aspect_sentiment.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.source IS 'Source of the reviews.';

--
-- Name: COLUMN aspect_sentiment.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.product_id IS 'Product of the reviews; null for reviews without one.';

--
-- Name: COLUMN aspect_sentiment.aspect; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.aspect IS 'Name of the aspect.';

--
-- Name: COLUMN aspect_sentiment.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.reviews IS 'Live reviews that mention it.';

--
-- Name: COLUMN aspect_sentiment.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.positive IS 'Reviews whose clauses that mention it raise the log-odds of positive by at least 0.1.';

--
-- Name: COLUMN aspect_sentiment.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.negative IS 'Reviews whose clauses that mention it lower the log-odds of positive by at least 0.1.';

--
-- Name: COLUMN aspect_sentiment.mean_log_odds; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.mean_log_odds IS 'Mean of what the clauses that mention it add to the log-odds of positive of their review.';

--
-- Name: COLUMN aspect_sentiment.positive_ratio; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.positive_ratio IS 'Ratio of positive to reviews, 0 to 1.';

--
-- Name: COLUMN aspect_sentiment.negative_ratio; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.negative_ratio IS 'Ratio of negative to reviews, 0 to 1.';

--
-- Name: COLUMN aspect_sentiment.model_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.model_digest IS 'SHA-256 of the model whose contributions were summed.';

--
-- Name: COLUMN aspect_sentiment.computed_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.aspect_sentiment.computed_at IS 'Time at which the aspects of the day were stored.';

--
-- Name: complete_day; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.complete_day (
    day date NOT NULL,
    completed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

--
-- Name: TABLE complete_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.complete_day IS 'Days that a nightly run has completed: it listed the bucket after the day and processed every file.';

--
-- Name: COLUMN complete_day.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.complete_day.day IS 'The day, in UTC.';

--
-- Name: COLUMN complete_day.completed_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.complete_day.completed_at IS 'Last time at which a run completed the day.';

--
-- Name: live_file; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.live_file (
    source_file_id bigint NOT NULL,
    model_id smallint NOT NULL
);

--
-- Name: TABLE live_file; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.live_file IS 'Loaded files that the views show: the newest good version of some key is the file, or a duplicate of it.';

--
-- Name: COLUMN live_file.model_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.live_file.model_id IS 'Current model of the file, as in source_file.';

--
-- Name: review; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.review (
    day date NOT NULL,
    source_file_id bigint NOT NULL,
    line integer NOT NULL,
    batch_id bigint NOT NULL,
    review_key uuid,
    review_id text,
    product_id text,
    author_id text,
    rating double precision,
    reviewed_at timestamp with time zone,
    language text,
    text text NOT NULL,
    extra jsonb,
    nulled jsonb,
    language_detected text,
    language_certainty real
)
PARTITION BY RANGE (day);
ALTER TABLE ONLY sentiment.review ALTER COLUMN day SET STATISTICS 1;
ALTER TABLE ONLY sentiment.review ALTER COLUMN day SET (n_distinct_inherited=2);
ALTER TABLE ONLY sentiment.review ALTER COLUMN text SET STORAGE EXTERNAL;

--
-- Name: TABLE review; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.review IS 'All stored reviews, live or not, with their full text. Partitioned by month of day.';

--
-- Name: COLUMN review.line; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.review.line IS 'Physical line of the file on which the record starts. The header is line 1.';

--
-- Name: COLUMN review.review_key; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.review.review_key IS 'First 128 bits of SHA-256 of source, a slash and review_id. Null without an id.';

--
-- Name: COLUMN review.extra; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.review.extra IS 'All other columns of the file, as strings.';

--
-- Name: COLUMN review.nulled; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.review.nulled IS 'Original values of rating and reviewed_at that could not be parsed and became null (SENTIMENT_BAD_VALUES=null).';

--
-- Name: COLUMN review.language_detected; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.review.language_detected IS 'Language identified from the text: an ISO 639 code. Null if undetermined, and for rows of release 0.2.0 and earlier.';

--
-- Name: COLUMN review.language_certainty; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.review.language_certainty IS 'Estimated probability that language_detected is right, 0 to 1.';

--
-- Name: score; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.score (
    day date NOT NULL,
    source_file_id bigint NOT NULL,
    line integer NOT NULL,
    model_id smallint NOT NULL,
    batch_id bigint NOT NULL,
    score real NOT NULL,
    label sentiment.label NOT NULL,
    out_of_language boolean DEFAULT false NOT NULL,
    neutral real,
    unfamiliar boolean,
    mixed boolean,
    superseded boolean DEFAULT false NOT NULL,
    CONSTRAINT score_score_check CHECK (((score >= (0)::double precision) AND (score <= (1)::double precision)))
)
PARTITION BY RANGE (day);
ALTER TABLE ONLY sentiment.score ALTER COLUMN day SET STATISTICS 1;
ALTER TABLE ONLY sentiment.score ALTER COLUMN day SET (n_distinct_inherited=2);

--
-- Name: TABLE score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.score IS 'Scores of stored reviews, one row per review and model. Partitioned by month of day.';

--
-- Name: COLUMN score.score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.score.score IS 'How positive the review is, 0 to 1. P(positive) of a model with two labels; P(positive) + P(neutral) / 2 of a model with three.';

--
-- Name: COLUMN score.out_of_language; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.score.out_of_language IS 'Whether the row has a language that the model was not trained on.';

--
-- Name: COLUMN score.neutral; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.score.neutral IS 'P(neutral), calibrated. Null if the model has two labels. Null for scores of release 0.2.0 and earlier, whose score is P(positive).';

--
-- Name: COLUMN score.unfamiliar; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.score.unfamiliar IS 'Whether the model knows hardly any n-gram of the text. Null for scores of release 0.2.0 and earlier.';

--
-- Name: COLUMN score.mixed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.score.mixed IS 'Whether one part of the review is clearly positive and another clearly negative. Null for scores of release 0.2.0 and earlier.';

--
-- Name: COLUMN score.superseded; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.score.superseded IS 'Whether another row is the head of the review id, so that the views hide this one. Undefined if the file is not live.';

--
-- Name: source_file; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.source_file (
    source_file_id bigint NOT NULL,
    bucket text NOT NULL,
    key text NOT NULL,
    version_token text NOT NULL,
    etag text NOT NULL,
    version_id text,
    last_modified timestamp with time zone NOT NULL,
    size bigint NOT NULL,
    source text NOT NULL,
    day date NOT NULL,
    status text DEFAULT 'seen'::text NOT NULL,
    sha256 bytea,
    reject_code text,
    reject_reason text,
    duplicate_of bigint,
    current_model_id smallint,
    rows_removed bigint DEFAULT 0 NOT NULL,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    header bytea,
    CONSTRAINT content_is_known CHECK (((status = ANY (ARRAY['seen'::text, 'rejected'::text])) OR (sha256 IS NOT NULL))),
    CONSTRAINT duplicate_names_original CHECK (((status = 'duplicate'::text) = (duplicate_of IS NOT NULL))),
    CONSTRAINT loaded_has_model CHECK (((status <> 'loaded'::text) OR (current_model_id IS NOT NULL))),
    CONSTRAINT rejected_has_reason CHECK ((((status = 'rejected'::text) = (reject_code IS NOT NULL)) AND ((reject_code IS NULL) = (reject_reason IS NULL)))),
    CONSTRAINT source_file_rows_removed_check CHECK ((rows_removed >= 0)),
    CONSTRAINT source_file_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT source_file_size_check CHECK ((size >= 0)),
    CONSTRAINT source_file_status_check CHECK ((status = ANY (ARRAY['seen'::text, 'loaded'::text, 'rejected'::text, 'duplicate'::text, 'expired'::text])))
);

--
-- Name: TABLE source_file; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.source_file IS 'The ledger: one row per object version ever listed.';

--
-- Name: COLUMN source_file.bucket; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.bucket IS 'S3 bucket. Empty for a local file.';

--
-- Name: COLUMN source_file.key; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.key IS 'S3 key, or the absolute path of a local file.';

--
-- Name: COLUMN source_file.version_token; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.version_token IS 'Version id, or ETag and last_modified in a bucket without versioning.';

--
-- Name: COLUMN source_file.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.source IS 'Segment of the key after incoming/. Empty if absent.';

--
-- Name: COLUMN source_file.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.day IS 'dt=YYYY-MM-DD in the key, or else the UTC day of last_modified. Fixed when the file is first seen.';

--
-- Name: COLUMN source_file.status; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.status IS 'seen: not read yet. loaded. rejected: the whole file was rejected. duplicate: same bytes as duplicate_of. expired: the month of its day was dropped.';

--
-- Name: COLUMN source_file.sha256; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.sha256 IS 'SHA-256 of the object as stored. A source loads the same bytes once.';

--
-- Name: COLUMN source_file.duplicate_of; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.duplicate_of IS 'Loaded file with the same bytes. Of the same source, unless release 0.2.0 or earlier found the duplicate.';

--
-- Name: COLUMN source_file.current_model_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.current_model_id IS 'Model whose scores the views show for this file.';

--
-- Name: COLUMN source_file.rows_removed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.rows_removed IS 'Rows erased on request since the load.';

--
-- Name: COLUMN source_file.header; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_file.header IS 'Unchanged bytes of the file''s header. Replays of rejected rows use it.';

--
-- Name: counted_review; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.counted_review AS
 SELECT "row".day,
    "row".source_file_id,
    "row".line,
    "row".batch_id,
    COALESCE((("row".reviewed_at AT TIME ZONE 'UTC'::text))::date, "row".day) AS written_day,
    file.source,
    sentiment.language_key("row".language, "row".language_detected) AS language,
    score.model_id,
    "row".product_id,
    1 AS reviews,
    ((score.label = 'positive'::sentiment.label))::integer AS positive,
    ((score.label = 'neutral'::sentiment.label))::integer AS neutral,
    ((score.label = 'negative'::sentiment.label))::integer AS negative,
    (COALESCE(score.unfamiliar, false))::integer AS unfamiliar,
    (COALESCE(score.mixed, false))::integer AS mixed,
    (("row".rating IS NOT NULL))::integer AS rated,
    (((score.score)::double precision * ('1000000000'::numeric)::double precision))::bigint AS score_sum,
        CASE
            WHEN ("row".rating IS NULL) THEN (0)::bigint
            ELSE ((LEAST(GREATEST("row".rating, ('-1000000'::numeric)::double precision), ('1000000'::numeric)::double precision) * ('1000000'::numeric)::double precision))::bigint
        END AS rating_sum,
    score.superseded
   FROM (((sentiment.review "row"
     JOIN sentiment.live_file live USING (source_file_id))
     JOIN sentiment.source_file file USING (source_file_id))
     JOIN sentiment.score ON (((score.day = "row".day) AND (score.source_file_id = "row".source_file_id) AND (score.line = "row".line) AND (score.model_id = live.model_id))));

--
-- Name: VIEW counted_review; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.counted_review IS 'What each row of a live file adds to the rollups unless it is superseded.';

--
-- Name: COLUMN counted_review.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.day IS 'Day of the file.';

--
-- Name: COLUMN counted_review.source_file_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.source_file_id IS 'File in the ledger.';

--
-- Name: COLUMN counted_review.line; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.line IS 'Line of the file on which the record starts.';

--
-- Name: COLUMN counted_review.batch_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.batch_id IS 'Batch that stored the row.';

--
-- Name: COLUMN counted_review.written_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.written_day IS 'UTC day of reviewed_at. The day of the file if the review has no reviewed_at.';

--
-- Name: COLUMN counted_review.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.source IS 'Source of the file.';

--
-- Name: COLUMN counted_review.language; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.language IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Empty if neither is known.';

--
-- Name: COLUMN counted_review.model_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.model_id IS 'Current model of the file.';

--
-- Name: COLUMN counted_review.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.product_id IS 'Product that the review is about.';

--
-- Name: COLUMN counted_review.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.reviews IS '1.';

--
-- Name: COLUMN counted_review.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.positive IS '1 if the review is labelled positive, else 0.';

--
-- Name: COLUMN counted_review.neutral; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.neutral IS '1 if the review is labelled neutral, else 0.';

--
-- Name: COLUMN counted_review.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.negative IS '1 if the review is labelled negative, else 0.';

--
-- Name: COLUMN counted_review.unfamiliar; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.unfamiliar IS '1 if the model knows hardly any n-gram of the text, else 0.';

--
-- Name: COLUMN counted_review.mixed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.mixed IS '1 if one part of the review is clearly positive and another clearly negative, else 0.';

--
-- Name: COLUMN counted_review.rated; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.rated IS '1 if the review has a rating, else 0.';

--
-- Name: COLUMN counted_review.score_sum; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.score_sum IS 'Score in billionths.';

--
-- Name: COLUMN counted_review.rating_sum; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.rating_sum IS 'Rating in millionths, 0 without a rating. A rating beyond a million is a million.';

--
-- Name: COLUMN counted_review.superseded; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.counted_review.superseded IS 'Whether the views hide the row, because another row is the head of its review id.';

--
-- Name: rollup_state; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.rollup_state (
    only_row boolean DEFAULT true NOT NULL,
    stale_since timestamp with time zone,
    CONSTRAINT rollup_state_only_row_check CHECK (only_row)
);

--
-- Name: TABLE rollup_state; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.rollup_state IS 'Whether the rollups are exact. One row.';

--
-- Name: COLUMN rollup_state.stale_since; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.rollup_state.stale_since IS 'Time of the first change since the last rebuild that the rollups do not have. Null if they are exact.';

--
-- Name: daily_sentiment; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.daily_sentiment AS
 SELECT day,
    source,
    (reviews)::bigint AS reviews,
    (positive)::bigint AS positive,
    (neutral)::bigint AS neutral,
    (negative)::bigint AS negative,
    ((((score_sum + (reviews * (50000)::bigint)) / (reviews * (100000)::bigint)))::numeric * 0.0001) AS mean_score,
    round(((rating_sum)::numeric / ((NULLIF(rated, 0))::numeric * '1000000'::numeric)), 2) AS mean_rating,
    (((((neutral * (20000)::bigint) + reviews) / (reviews * (2)::bigint)))::numeric * 0.0001) AS neutral_ratio,
    (unfamiliar)::bigint AS unfamiliar,
    (mixed)::bigint AS mixed
   FROM ( SELECT daily_rollup.score_sum,
            daily_rollup.rating_sum,
            daily_rollup.reviews,
            daily_rollup.positive,
            daily_rollup.neutral,
            daily_rollup.negative,
            daily_rollup.unfamiliar,
            daily_rollup.mixed,
            daily_rollup.rated,
            daily_rollup.day,
            daily_rollup.by_written,
            daily_rollup.source
           FROM sentiment.daily_rollup
          WHERE ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state)
        UNION ALL
         SELECT daily_recount.score_sum,
            daily_recount.rating_sum,
            daily_recount.reviews,
            daily_recount.positive,
            daily_recount.neutral,
            daily_recount.negative,
            daily_recount.unfamiliar,
            daily_recount.mixed,
            daily_recount.rated,
            daily_recount.day,
            daily_recount.by_written,
            daily_recount.source
           FROM sentiment.daily_recount() daily_recount(score_sum, rating_sum, reviews, positive, neutral, negative, unfamiliar, mixed, rated, day, by_written, source)
          WHERE (NOT ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state))) sums
  WHERE (NOT by_written);

--
-- Name: VIEW daily_sentiment; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.daily_sentiment IS 'Sentiment by day and source.';

--
-- Name: COLUMN daily_sentiment.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.day IS 'Day of the files.';

--
-- Name: COLUMN daily_sentiment.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.source IS 'Source of the files.';

--
-- Name: COLUMN daily_sentiment.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.reviews IS 'Live reviews.';

--
-- Name: COLUMN daily_sentiment.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.positive IS 'Reviews labelled positive.';

--
-- Name: COLUMN daily_sentiment.neutral; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.neutral IS 'Reviews labelled neutral.';

--
-- Name: COLUMN daily_sentiment.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.negative IS 'Reviews labelled negative.';

--
-- Name: COLUMN daily_sentiment.mean_score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';

--
-- Name: COLUMN daily_sentiment.mean_rating; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.mean_rating IS 'Mean rating of the reviews that have a rating.';

--
-- Name: COLUMN daily_sentiment.neutral_ratio; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';

--
-- Name: COLUMN daily_sentiment.unfamiliar; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';

--
-- Name: COLUMN daily_sentiment.mixed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

--
-- Name: daily_sentiment_by_language; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.daily_sentiment_by_language AS
 SELECT sums.day,
    sums.source,
    NULLIF(sums.language, ''::text) AS language,
        CASE
            WHEN ((model.languages IS NULL) OR (sums.language = ''::text)) THEN NULL::text
            WHEN (sums.language = ANY (model.experimental_languages)) THEN 'experimental'::text
            WHEN (sums.language = ANY (model.languages)) THEN 'supported'::text
            ELSE 'unsupported'::text
        END AS language_standing,
    sum(sums.reviews) AS reviews,
    sum(sums.positive) AS positive,
    sum(sums.neutral) AS neutral,
    sum(sums.negative) AS negative,
    (((((sum(sums.score_sum))::bigint + (sum(sums.reviews) * (50000)::bigint)) / (sum(sums.reviews) * (100000)::bigint)))::numeric * 0.0001) AS mean_score,
    round((sum(sums.rating_sum) / ((NULLIF(sum(sums.rated), 0))::numeric * '1000000'::numeric)), 2) AS mean_rating,
    (((((sum(sums.neutral) * (20000)::bigint) + sum(sums.reviews)) / (sum(sums.reviews) * (2)::bigint)))::numeric * 0.0001) AS neutral_ratio,
    sum(sums.unfamiliar) AS unfamiliar,
    sum(sums.mixed) AS mixed
   FROM (( SELECT language_rollup.score_sum,
            language_rollup.rating_sum,
            language_rollup.reviews,
            language_rollup.positive,
            language_rollup.neutral,
            language_rollup.negative,
            language_rollup.unfamiliar,
            language_rollup.mixed,
            language_rollup.rated,
            language_rollup.day,
            language_rollup.model_id,
            language_rollup.by_written,
            language_rollup.source,
            language_rollup.language
           FROM sentiment.language_rollup
          WHERE ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state)
        UNION ALL
         SELECT language_recount.score_sum,
            language_recount.rating_sum,
            language_recount.reviews,
            language_recount.positive,
            language_recount.neutral,
            language_recount.negative,
            language_recount.unfamiliar,
            language_recount.mixed,
            language_recount.rated,
            language_recount.day,
            language_recount.model_id,
            language_recount.by_written,
            language_recount.source,
            language_recount.language
           FROM sentiment.language_recount() language_recount(score_sum, rating_sum, reviews, positive, neutral, negative, unfamiliar, mixed, rated, day, model_id, by_written, source, language)
          WHERE (NOT ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state))) sums
     JOIN sentiment.model USING (model_id))
  WHERE (NOT sums.by_written)
  GROUP BY sums.day, sums.source, sums.language,
        CASE
            WHEN ((model.languages IS NULL) OR (sums.language = ''::text)) THEN NULL::text
            WHEN (sums.language = ANY (model.experimental_languages)) THEN 'experimental'::text
            WHEN (sums.language = ANY (model.languages)) THEN 'supported'::text
            ELSE 'unsupported'::text
        END;

--
-- Name: VIEW daily_sentiment_by_language; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.daily_sentiment_by_language IS 'Sentiment by day, source and language.';

--
-- Name: COLUMN daily_sentiment_by_language.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.day IS 'Day of the files.';

--
-- Name: COLUMN daily_sentiment_by_language.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.source IS 'Source of the files.';

--
-- Name: COLUMN daily_sentiment_by_language.language; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.language IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Null if neither is known.';

--
-- Name: COLUMN daily_sentiment_by_language.language_standing; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.language_standing IS 'Standing of the language with the model that scored the reviews: supported, experimental or unsupported.';

--
-- Name: COLUMN daily_sentiment_by_language.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.reviews IS 'Live reviews.';

--
-- Name: COLUMN daily_sentiment_by_language.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.positive IS 'Reviews labelled positive.';

--
-- Name: COLUMN daily_sentiment_by_language.neutral; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.neutral IS 'Reviews labelled neutral.';

--
-- Name: COLUMN daily_sentiment_by_language.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.negative IS 'Reviews labelled negative.';

--
-- Name: COLUMN daily_sentiment_by_language.mean_score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';

--
-- Name: COLUMN daily_sentiment_by_language.mean_rating; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.mean_rating IS 'Mean rating of the reviews that have a rating.';

--
-- Name: COLUMN daily_sentiment_by_language.neutral_ratio; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';

--
-- Name: COLUMN daily_sentiment_by_language.unfamiliar; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';

--
-- Name: COLUMN daily_sentiment_by_language.mixed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

--
-- Name: daily_sentiment_by_language_by_written_day; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.daily_sentiment_by_language_by_written_day AS
 SELECT sums.day AS written_day,
    sums.source,
    NULLIF(sums.language, ''::text) AS language,
        CASE
            WHEN ((model.languages IS NULL) OR (sums.language = ''::text)) THEN NULL::text
            WHEN (sums.language = ANY (model.experimental_languages)) THEN 'experimental'::text
            WHEN (sums.language = ANY (model.languages)) THEN 'supported'::text
            ELSE 'unsupported'::text
        END AS language_standing,
    sum(sums.reviews) AS reviews,
    sum(sums.positive) AS positive,
    sum(sums.neutral) AS neutral,
    sum(sums.negative) AS negative,
    (((((sum(sums.score_sum))::bigint + (sum(sums.reviews) * (50000)::bigint)) / (sum(sums.reviews) * (100000)::bigint)))::numeric * 0.0001) AS mean_score,
    round((sum(sums.rating_sum) / ((NULLIF(sum(sums.rated), 0))::numeric * '1000000'::numeric)), 2) AS mean_rating,
    (((((sum(sums.neutral) * (20000)::bigint) + sum(sums.reviews)) / (sum(sums.reviews) * (2)::bigint)))::numeric * 0.0001) AS neutral_ratio,
    sum(sums.unfamiliar) AS unfamiliar,
    sum(sums.mixed) AS mixed
   FROM (( SELECT language_rollup.score_sum,
            language_rollup.rating_sum,
            language_rollup.reviews,
            language_rollup.positive,
            language_rollup.neutral,
            language_rollup.negative,
            language_rollup.unfamiliar,
            language_rollup.mixed,
            language_rollup.rated,
            language_rollup.day,
            language_rollup.model_id,
            language_rollup.by_written,
            language_rollup.source,
            language_rollup.language
           FROM sentiment.language_rollup
          WHERE ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state)
        UNION ALL
         SELECT language_recount.score_sum,
            language_recount.rating_sum,
            language_recount.reviews,
            language_recount.positive,
            language_recount.neutral,
            language_recount.negative,
            language_recount.unfamiliar,
            language_recount.mixed,
            language_recount.rated,
            language_recount.day,
            language_recount.model_id,
            language_recount.by_written,
            language_recount.source,
            language_recount.language
           FROM sentiment.language_recount() language_recount(score_sum, rating_sum, reviews, positive, neutral, negative, unfamiliar, mixed, rated, day, model_id, by_written, source, language)
          WHERE (NOT ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state))) sums
     JOIN sentiment.model USING (model_id))
  WHERE sums.by_written
  GROUP BY sums.day, sums.source, sums.language,
        CASE
            WHEN ((model.languages IS NULL) OR (sums.language = ''::text)) THEN NULL::text
            WHEN (sums.language = ANY (model.experimental_languages)) THEN 'experimental'::text
            WHEN (sums.language = ANY (model.languages)) THEN 'supported'::text
            ELSE 'unsupported'::text
        END;

--
-- Name: VIEW daily_sentiment_by_language_by_written_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.daily_sentiment_by_language_by_written_day IS 'Sentiment by the day on which the reviews were written, source and language.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.written_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.written_day IS 'UTC day of reviewed_at. The day of the file for reviews without reviewed_at.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.source IS 'Source of the files.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.language; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.language IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Null if neither is known.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.language_standing; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.language_standing IS 'Standing of the language with the model that scored the reviews: supported, experimental or unsupported.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.reviews IS 'Live reviews.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.positive IS 'Reviews labelled positive.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.neutral; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.neutral IS 'Reviews labelled neutral.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.negative IS 'Reviews labelled negative.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.mean_score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.mean_rating; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.mean_rating IS 'Mean rating of the reviews that have a rating.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.neutral_ratio; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.unfamiliar; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';

--
-- Name: COLUMN daily_sentiment_by_language_by_written_day.mixed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

--
-- Name: daily_sentiment_by_written_day; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.daily_sentiment_by_written_day AS
 SELECT day AS written_day,
    source,
    (reviews)::bigint AS reviews,
    (positive)::bigint AS positive,
    (neutral)::bigint AS neutral,
    (negative)::bigint AS negative,
    ((((score_sum + (reviews * (50000)::bigint)) / (reviews * (100000)::bigint)))::numeric * 0.0001) AS mean_score,
    round(((rating_sum)::numeric / ((NULLIF(rated, 0))::numeric * '1000000'::numeric)), 2) AS mean_rating,
    (((((neutral * (20000)::bigint) + reviews) / (reviews * (2)::bigint)))::numeric * 0.0001) AS neutral_ratio,
    (unfamiliar)::bigint AS unfamiliar,
    (mixed)::bigint AS mixed
   FROM ( SELECT daily_rollup.score_sum,
            daily_rollup.rating_sum,
            daily_rollup.reviews,
            daily_rollup.positive,
            daily_rollup.neutral,
            daily_rollup.negative,
            daily_rollup.unfamiliar,
            daily_rollup.mixed,
            daily_rollup.rated,
            daily_rollup.day,
            daily_rollup.by_written,
            daily_rollup.source
           FROM sentiment.daily_rollup
          WHERE ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state)
        UNION ALL
         SELECT daily_recount.score_sum,
            daily_recount.rating_sum,
            daily_recount.reviews,
            daily_recount.positive,
            daily_recount.neutral,
            daily_recount.negative,
            daily_recount.unfamiliar,
            daily_recount.mixed,
            daily_recount.rated,
            daily_recount.day,
            daily_recount.by_written,
            daily_recount.source
           FROM sentiment.daily_recount() daily_recount(score_sum, rating_sum, reviews, positive, neutral, negative, unfamiliar, mixed, rated, day, by_written, source)
          WHERE (NOT ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state))) sums
  WHERE by_written;

--
-- Name: VIEW daily_sentiment_by_written_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.daily_sentiment_by_written_day IS 'Sentiment by the day on which the reviews were written, and source.';

--
-- Name: COLUMN daily_sentiment_by_written_day.written_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.written_day IS 'UTC day of reviewed_at. The day of the file for reviews without reviewed_at.';

--
-- Name: COLUMN daily_sentiment_by_written_day.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.source IS 'Source of the files.';

--
-- Name: COLUMN daily_sentiment_by_written_day.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.reviews IS 'Live reviews.';

--
-- Name: COLUMN daily_sentiment_by_written_day.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.positive IS 'Reviews labelled positive.';

--
-- Name: COLUMN daily_sentiment_by_written_day.neutral; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.neutral IS 'Reviews labelled neutral.';

--
-- Name: COLUMN daily_sentiment_by_written_day.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.negative IS 'Reviews labelled negative.';

--
-- Name: COLUMN daily_sentiment_by_written_day.mean_score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';

--
-- Name: COLUMN daily_sentiment_by_written_day.mean_rating; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.mean_rating IS 'Mean rating of the reviews that have a rating.';

--
-- Name: COLUMN daily_sentiment_by_written_day.neutral_ratio; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';

--
-- Name: COLUMN daily_sentiment_by_written_day.unfamiliar; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';

--
-- Name: COLUMN daily_sentiment_by_written_day.mixed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

--
-- Name: drift_report; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.drift_report (
    drift_report_id bigint NOT NULL,
    day date NOT NULL,
    model_id smallint NOT NULL,
    product_id text,
    measures jsonb NOT NULL,
    drifted boolean NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE drift_report; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.drift_report IS 'Differences between a day''s reviews and the model''s training reference.';

--
-- Name: COLUMN drift_report.drift_report_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_report.drift_report_id IS 'Ascending id, never reused.';

--
-- Name: COLUMN drift_report.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_report.day IS 'Day of the files.';

--
-- Name: COLUMN drift_report.model_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_report.model_id IS 'Model whose scores and training reference were compared.';

--
-- Name: COLUMN drift_report.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_report.product_id IS 'Product that the reviews are about. Null for all reviews of the day.';

--
-- Name: COLUMN drift_report.measures; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_report.measures IS 'state, rows, causes, and the effect, threshold and figures of each measure (docs/drift.md).';

--
-- Name: COLUMN drift_report.drifted; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_report.drifted IS 'Whether any measure exceeds its threshold.';

--
-- Name: COLUMN drift_report.made_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_report.made_at IS 'Time of the last measurement.';

--
-- Name: drift_history; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.drift_history AS
 SELECT d.day,
    d.product_id,
    d.drifted,
    (d.measures ->> 'state'::text) AS state,
    ARRAY( SELECT jsonb_array_elements_text((d.measures -> 'causes'::text)) AS jsonb_array_elements_text) AS causes,
    ((d.measures ->> 'rows'::text))::bigint AS reviews,
    ((d.measures #>> '{score,effect}'::text[]))::double precision AS score_psi,
    ((d.measures #>> '{labels,effect}'::text[]))::double precision AS label_psi,
    ((d.measures #>> '{length,effect}'::text[]))::double precision AS length_psi,
    ((d.measures #>> '{unknown,mean}'::text[]))::double precision AS unknown_share,
    ((d.measures #>> '{unknown,effect}'::text[]))::double precision AS unknown_rise,
    ((d.measures #>> '{rejected,effect}'::text[]))::double precision AS rejected_ratio,
    m.digest AS model_digest,
    d.made_at
   FROM (sentiment.drift_report d
     JOIN sentiment.model m USING (model_id));

--
-- Name: VIEW drift_history; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.drift_history IS 'Differences between each day''s reviews and the model''s training data.';

--
-- Name: COLUMN drift_history.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.day IS 'Day of the files.';

--
-- Name: COLUMN drift_history.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.product_id IS 'Product that the reviews are about. Null for all reviews of the day.';

--
-- Name: COLUMN drift_history.drifted; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.drifted IS 'Whether any measure exceeds its threshold.';

--
-- Name: COLUMN drift_history.state; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.state IS 'measured, too few rows, or no reference: the model''s bundle contains none.';

--
-- Name: COLUMN drift_history.causes; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.causes IS 'Measures that exceed their thresholds.';

--
-- Name: COLUMN drift_history.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.reviews IS 'Live reviews that the model has scored.';

--
-- Name: COLUMN drift_history.score_psi; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.score_psi IS 'Population stability index of the scores.';

--
-- Name: COLUMN drift_history.label_psi; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.label_psi IS 'Population stability index of the labels.';

--
-- Name: COLUMN drift_history.length_psi; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.length_psi IS 'Population stability index of the text lengths in a sample.';

--
-- Name: COLUMN drift_history.unknown_share; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.unknown_share IS 'Mean ratio of a text''s n-grams that the model does not know, in a sample.';

--
-- Name: COLUMN drift_history.unknown_rise; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.unknown_rise IS 'unknown_share minus its value in the reference.';

--
-- Name: COLUMN drift_history.rejected_ratio; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.rejected_ratio IS 'Ratio of rejected rows in the day''s live files. Null for a product, and if there are too few rows.';

--
-- Name: COLUMN drift_history.model_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.model_digest IS 'SHA-256 of the model.';

--
-- Name: COLUMN drift_history.made_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.drift_history.made_at IS 'Time of the last measurement.';

--
-- Name: drift_report_drift_report_id_seq; Type: SEQUENCE; Schema: sentiment; Owner: -
--

ALTER TABLE sentiment.drift_report ALTER COLUMN drift_report_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sentiment.drift_report_drift_report_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: driver; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.driver (
    comparison_id bigint NOT NULL,
    rank integer NOT NULL,
    phrase text NOT NULL,
    movement double precision NOT NULL,
    explained double precision,
    reviews_then integer NOT NULL,
    reviews_now integer NOT NULL,
    ratio_change double precision NOT NULL,
    ratio_low double precision NOT NULL,
    ratio_high double precision NOT NULL
);

--
-- Name: TABLE driver; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.driver IS 'Phrases that moved the mean log-odds of positive most, in each direction.';

--
-- Name: COLUMN driver.comparison_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.comparison_id IS 'The comparison.';

--
-- Name: COLUMN driver.rank; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.rank IS 'Place by the size of the movement, from 1.';

--
-- Name: COLUMN driver.phrase; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.phrase IS 'The phrase, spelled as in the first review that says it.';

--
-- Name: COLUMN driver.movement; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.movement IS 'What the phrase adds to the change of the mean log-odds.';

--
-- Name: COLUMN driver.explained; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.explained IS 'The movement as a ratio of the change; null if nothing changed.';

--
-- Name: COLUMN driver.reviews_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.reviews_then IS 'Reviews of the earlier period that say it.';

--
-- Name: COLUMN driver.reviews_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.reviews_now IS 'Reviews of the later period that say it.';

--
-- Name: COLUMN driver.ratio_change; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.ratio_change IS 'Change of the ratio of reviews that say it.';

--
-- Name: COLUMN driver.ratio_low; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.ratio_low IS 'Lower end of the 95 % confidence interval of the ratio''s change.';

--
-- Name: COLUMN driver.ratio_high; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver.ratio_high IS 'Upper end of the 95 % confidence interval of the ratio''s change.';

--
-- Name: driver_comparison; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.driver_comparison (
    comparison_id bigint NOT NULL,
    source text NOT NULL,
    product_id text,
    first_then date NOT NULL,
    last_then date NOT NULL,
    first_now date NOT NULL,
    last_now date NOT NULL,
    model_id smallint NOT NULL,
    reviews_then integer NOT NULL,
    reviews_now integer NOT NULL,
    mean_then double precision NOT NULL,
    mean_now double precision NOT NULL,
    change double precision NOT NULL,
    change_low double precision NOT NULL,
    change_high double precision NOT NULL,
    rest double precision NOT NULL,
    computed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT driver_comparison_reviews_now_check CHECK ((reviews_now > 0)),
    CONSTRAINT driver_comparison_reviews_then_check CHECK ((reviews_then > 0))
);

--
-- Name: TABLE driver_comparison; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.driver_comparison IS 'Last comparison of two periods of each large group of reviews: a source, or a product of a source.';

--
-- Name: COLUMN driver_comparison.comparison_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.comparison_id IS 'Number of the comparison; never reused.';

--
-- Name: COLUMN driver_comparison.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.source IS 'Source of the reviews.';

--
-- Name: COLUMN driver_comparison.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.product_id IS 'Product of the reviews; null for all reviews of the source.';

--
-- Name: COLUMN driver_comparison.first_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.first_then IS 'First day of the earlier period. Days are those of the files.';

--
-- Name: COLUMN driver_comparison.last_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.last_then IS 'Last day of the earlier period.';

--
-- Name: COLUMN driver_comparison.first_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.first_now IS 'First day of the later period.';

--
-- Name: COLUMN driver_comparison.last_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.last_now IS 'Last day of the later period.';

--
-- Name: COLUMN driver_comparison.model_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.model_id IS 'Model whose contributions were summed: the champion of the run.';

--
-- Name: COLUMN driver_comparison.reviews_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.reviews_then IS 'Live reviews of the earlier period.';

--
-- Name: COLUMN driver_comparison.reviews_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.reviews_now IS 'Live reviews of the later period.';

--
-- Name: COLUMN driver_comparison.mean_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.mean_then IS 'Mean log-odds of positive in the earlier period.';

--
-- Name: COLUMN driver_comparison.mean_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.mean_now IS 'Mean log-odds of positive in the later period.';

--
-- Name: COLUMN driver_comparison.change; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.change IS 'Change of the mean: the sum of the movements of all drivers and the rest.';

--
-- Name: COLUMN driver_comparison.change_low; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.change_low IS 'Lower end of the 95 % confidence interval of the change.';

--
-- Name: COLUMN driver_comparison.change_high; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.change_high IS 'Upper end of the 95 % confidence interval of the change.';

--
-- Name: COLUMN driver_comparison.rest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.rest IS 'Movement of all phrases that are not stored.';

--
-- Name: COLUMN driver_comparison.computed_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_comparison.computed_at IS 'Time at which the comparison was stored.';

--
-- Name: driver_comparison_comparison_id_seq; Type: SEQUENCE; Schema: sentiment; Owner: -
--

ALTER TABLE sentiment.driver_comparison ALTER COLUMN comparison_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sentiment.driver_comparison_comparison_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: driver_example; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.driver_example (
    comparison_id bigint NOT NULL,
    rank integer NOT NULL,
    day date NOT NULL,
    source_file_id bigint NOT NULL,
    line integer NOT NULL
);

--
-- Name: TABLE driver_example; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.driver_example IS 'Reviews that say a phrase. Erasing or expiring a review deletes its rows.';

--
-- Name: COLUMN driver_example.comparison_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_example.comparison_id IS 'The comparison.';

--
-- Name: COLUMN driver_example.rank; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_example.rank IS 'Rank of the phrase.';

--
-- Name: COLUMN driver_example.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_example.day IS 'Day of the review.';

--
-- Name: COLUMN driver_example.source_file_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_example.source_file_id IS 'File of the review.';

--
-- Name: COLUMN driver_example.line; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.driver_example.line IS 'Line of the review.';

--
-- Name: erasure; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.erasure (
    kind text NOT NULL,
    keyed_hash bytea NOT NULL,
    erased_at timestamp with time zone DEFAULT now() NOT NULL,
    key_check bytea NOT NULL,
    CONSTRAINT erasure_key_check_check CHECK ((octet_length(key_check) = 8)),
    CONSTRAINT erasure_keyed_hash_check CHECK ((octet_length(keyed_hash) = 32)),
    CONSTRAINT erasure_kind_check CHECK ((kind = ANY (ARRAY['review'::text, 'author'::text])))
);

--
-- Name: TABLE erasure; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.erasure IS 'Keyed hashes of erased review ids and author ids. Loads reject rows that match them.';

--
-- Name: COLUMN erasure.keyed_hash; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.erasure.keyed_hash IS 'HMAC-SHA256 of source and id with the key SENTIMENT_ERASURE_KEY.';

--
-- Name: COLUMN erasure.key_check; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.erasure.key_check IS 'First bytes of a hash of the key, to detect a wrong key.';

--
-- Name: expired_month; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.expired_month (
    month date NOT NULL,
    files bigint NOT NULL,
    rows bigint NOT NULL,
    expired_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT expired_month_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric))
);

--
-- Name: TABLE expired_month; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.expired_month IS 'Months whose reviews were dropped because of their age. Files of their days are rejected.';

--
-- Name: feedback; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.feedback (
    feedback_id bigint NOT NULL,
    text text NOT NULL,
    label sentiment.label NOT NULL,
    score double precision,
    model_digest text,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    feedback_key uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT feedback_model_digest_is_sha256 CHECK ((model_digest ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT feedback_score_is_a_probability CHECK (((score >= (0)::double precision) AND (score <= (1)::double precision)))
);

--
-- Name: TABLE feedback; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.feedback IS 'Corrections from users of the service: the label that a text should have.';

--
-- Name: COLUMN feedback.feedback_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.feedback.feedback_id IS 'Ascending id, never reused.';

--
-- Name: COLUMN feedback.text; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.feedback.text IS 'Unchanged text from the request.';

--
-- Name: COLUMN feedback.label; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.feedback.label IS 'Correct label according to the user.';

--
-- Name: COLUMN feedback.score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.feedback.score IS 'Score that the user received, 0 to 1. Null if the request did not contain it.';

--
-- Name: COLUMN feedback.model_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.feedback.model_digest IS 'Model that computed the score, according to the request. It need not exist in model. Null if absent.';

--
-- Name: COLUMN feedback.received_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.feedback.received_at IS 'Time when the service accepted the correction. It can be stored later.';

--
-- Name: COLUMN feedback.feedback_key; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.feedback.feedback_key IS 'feedback_id in the service''s response. Assigned when the correction is received, before it is stored.';

--
-- Name: feedback_feedback_id_seq; Type: SEQUENCE; Schema: sentiment; Owner: -
--

ALTER TABLE sentiment.feedback ALTER COLUMN feedback_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sentiment.feedback_feedback_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: load_progress; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE UNLOGGED TABLE sentiment.load_progress (
    source_file_id bigint NOT NULL,
    run_id text NOT NULL,
    worker text NOT NULL,
    bytes_read bigint NOT NULL,
    rows_written bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

--
-- Name: TABLE load_progress; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.load_progress IS 'Progress of running loads. The row of a killed load remains until its file is loaded.';

--
-- Name: COLUMN load_progress.worker; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_progress.worker IS 'Host name and process id of the load.';

--
-- Name: COLUMN load_progress.bytes_read; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_progress.bytes_read IS 'Bytes read of the object as stored.';

--
-- Name: scoring_batch; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.scoring_batch (
    batch_id bigint NOT NULL,
    source_file_id bigint NOT NULL,
    model_id smallint NOT NULL,
    kind text NOT NULL,
    rows_in bigint NOT NULL,
    rows_scored bigint NOT NULL,
    rows_rejected bigint NOT NULL,
    rows_duplicate bigint NOT NULL,
    run_id text NOT NULL,
    code_version text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    timings jsonb DEFAULT '{}'::jsonb NOT NULL,
    reading jsonb,
    warnings text[],
    CONSTRAINT every_row_has_one_outcome CHECK ((rows_in = ((rows_scored + rows_rejected) + rows_duplicate))),
    CONSTRAINT rescore_rejects_nothing CHECK (((kind <> 'rescore'::text) OR ((rows_rejected + rows_duplicate) = 0))),
    CONSTRAINT scoring_batch_kind_check CHECK ((kind = ANY (ARRAY['load'::text, 'rescore'::text, 'replace'::text, 'replay'::text]))),
    CONSTRAINT scoring_batch_rows_duplicate_check CHECK ((rows_duplicate >= 0)),
    CONSTRAINT scoring_batch_rows_rejected_check CHECK ((rows_rejected >= 0)),
    CONSTRAINT scoring_batch_rows_scored_check CHECK ((rows_scored >= 0))
);

--
-- Name: TABLE scoring_batch; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.scoring_batch IS 'Scoring batches: one commit of one file with one model. Counters never change.';

--
-- Name: COLUMN scoring_batch.kind; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_batch.kind IS 'load. replace: the file was read again. rescore: another model scored the stored text. replay: rejected rows were loaded.';

--
-- Name: COLUMN scoring_batch.run_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_batch.run_id IS 'Airflow run or command that created the batch.';

--
-- Name: COLUMN scoring_batch.code_version; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_batch.code_version IS 'Git revision of the code.';

--
-- Name: COLUMN scoring_batch.timings; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_batch.timings IS 'Seconds spent in each step.';

--
-- Name: COLUMN scoring_batch.reading; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_batch.reading IS 'How the file was read: its form, encoding, delimiter, quoting and columns. Null for a rescore, and for batches of release 0.2.0 and earlier.';

--
-- Name: COLUMN scoring_batch.warnings; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_batch.warnings IS 'Warnings about the file, such as a column that looks like a known one and is not used. Null where reading is null.';

--
-- Name: load_history; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.load_history AS
 SELECT f.day,
    f.source,
    f.bucket,
    f.key,
    f.version_token,
    f.last_modified,
    f.size,
    f.status,
    (l.source_file_id IS NOT NULL) AS live,
    f.reject_code,
    f.reject_reason,
    o.key AS duplicate_of_key,
    b.kind,
    b.rows_in,
    b.rows_scored,
    b.rows_rejected,
    b.rows_duplicate,
    m.digest AS model_digest,
    m.mlflow_versions,
    b.run_id,
    b.code_version,
    f.first_seen_at,
    b.started_at,
    COALESCE(b.finished_at, f.finished_at) AS finished_at,
    f.source_file_id,
    b.batch_id,
        CASE f.status
            WHEN 'seen'::text THEN
            CASE
                WHEN (p.source_file_id IS NOT NULL) THEN format('a load is under way: %s %% read, %s rows'::text, round(((100.0 * (p.bytes_read)::numeric) / (NULLIF(f.size, 0))::numeric)), p.rows_written)
                WHEN (f.day >= ((now() AT TIME ZONE 'UTC'::text))::date) THEN 'its day is not over: the night after it takes it'::text
                ELSE 'the next nightly run takes it'::text
            END
            WHEN 'loaded'::text THEN
            CASE
                WHEN (l.source_file_id IS NOT NULL) THEN 'the views show it'::text
                ELSE 'a newer version of its key took its place'::text
            END
            WHEN 'duplicate'::text THEN ('the same bytes were loaded from '::text || o.key)
            WHEN 'rejected'::text THEN f.reject_reason
            WHEN 'expired'::text THEN 'its month was dropped for its age'::text
            ELSE NULL::text
        END AS why,
    b.reading,
    b.warnings
   FROM (((((sentiment.source_file f
     LEFT JOIN sentiment.live_file l USING (source_file_id))
     LEFT JOIN sentiment.load_progress p USING (source_file_id))
     LEFT JOIN sentiment.scoring_batch b USING (source_file_id))
     LEFT JOIN sentiment.model m ON ((m.model_id = b.model_id)))
     LEFT JOIN sentiment.source_file o ON ((o.source_file_id = f.duplicate_of)));

--
-- Name: VIEW load_history; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.load_history IS 'All object versions ever listed, with all their scoring batches. A file without a batch has one row with null counts.';

--
-- Name: COLUMN load_history.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.day IS 'Day of the file.';

--
-- Name: COLUMN load_history.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.source IS 'Source of the file.';

--
-- Name: COLUMN load_history.bucket; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.bucket IS 'Bucket of the object.';

--
-- Name: COLUMN load_history.key; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.key IS 'Key of the object.';

--
-- Name: COLUMN load_history.version_token; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.version_token IS 'Version of the object.';

--
-- Name: COLUMN load_history.last_modified; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.last_modified IS 'Time when this version was dropped.';

--
-- Name: COLUMN load_history.size; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.size IS 'Size of the object as stored, in bytes.';

--
-- Name: COLUMN load_history.status; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.status IS 'seen, loaded, rejected, duplicate or expired.';

--
-- Name: COLUMN load_history.live; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.live IS 'Whether the views show the file''s rows.';

--
-- Name: COLUMN load_history.reject_code; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.reject_code IS 'Reason code of a file that was rejected as a whole.';

--
-- Name: COLUMN load_history.reject_reason; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.reject_reason IS 'Description of the reason.';

--
-- Name: COLUMN load_history.duplicate_of_key; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.duplicate_of_key IS 'Key of the loaded file with the same bytes.';

--
-- Name: COLUMN load_history.kind; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.kind IS 'load, replace, rescore or replay.';

--
-- Name: COLUMN load_history.rows_in; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.rows_in IS 'Rows that the batch read.';

--
-- Name: COLUMN load_history.rows_scored; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.rows_scored IS 'Rows that the batch scored.';

--
-- Name: COLUMN load_history.rows_rejected; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.rows_rejected IS 'Rows that the batch rejected. They are in quarantine.';

--
-- Name: COLUMN load_history.rows_duplicate; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.rows_duplicate IS 'Rows that are duplicates of an earlier row of the file.';

--
-- Name: COLUMN load_history.model_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.model_digest IS 'SHA-256 of the model that scored the rows.';

--
-- Name: COLUMN load_history.mlflow_versions; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.mlflow_versions IS 'MLflow versions of that model.';

--
-- Name: COLUMN load_history.run_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.run_id IS 'Airflow run or command that created the batch.';

--
-- Name: COLUMN load_history.code_version; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.code_version IS 'Git revision of the code.';

--
-- Name: COLUMN load_history.first_seen_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.first_seen_at IS 'Time when the object was first listed.';

--
-- Name: COLUMN load_history.started_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.started_at IS 'Time when the batch started.';

--
-- Name: COLUMN load_history.finished_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.finished_at IS 'Time when the batch was committed, or when the file was rejected or marked as a duplicate.';

--
-- Name: COLUMN load_history.source_file_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.source_file_id IS 'Id of the file in source_file.';

--
-- Name: COLUMN load_history.batch_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.batch_id IS 'Id of the batch in scoring_batch.';

--
-- Name: COLUMN load_history.why; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.why IS 'Description of the reason for the file''s state.';

--
-- Name: COLUMN load_history.reading; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.reading IS 'How the file was read: its form, encoding, delimiter, quoting and columns. Null if the batch read no file.';

--
-- Name: COLUMN load_history.warnings; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.load_history.warnings IS 'Warnings about the file, such as a column that looks like a known one and is not used.';

--
-- Name: loads_under_way; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.loads_under_way AS
 SELECT f.day,
    f.source,
    f.bucket,
    f.key,
    f.size,
    p.bytes_read,
    round(((100.0 * (p.bytes_read)::numeric) / (NULLIF(f.size, 0))::numeric), 1) AS percent,
    p.rows_written,
    p.run_id,
    p.worker,
    p.started_at,
    p.updated_at,
    p.source_file_id
   FROM (sentiment.load_progress p
     JOIN sentiment.source_file f USING (source_file_id));

--
-- Name: VIEW loads_under_way; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.loads_under_way IS 'Running loads that take more than a few seconds, with their progress. If updated_at no longer changes, the load was killed.';

--
-- Name: COLUMN loads_under_way.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.day IS 'Day of the file.';

--
-- Name: COLUMN loads_under_way.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.source IS 'Source of the file.';

--
-- Name: COLUMN loads_under_way.bucket; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.bucket IS 'Bucket of the object.';

--
-- Name: COLUMN loads_under_way.key; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.key IS 'Key of the object.';

--
-- Name: COLUMN loads_under_way.size; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.size IS 'Size of the object as stored, in bytes.';

--
-- Name: COLUMN loads_under_way.bytes_read; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.bytes_read IS 'Bytes read so far.';

--
-- Name: COLUMN loads_under_way.percent; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.percent IS 'Percentage of the object read so far.';

--
-- Name: COLUMN loads_under_way.rows_written; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.rows_written IS 'Rows written so far, whether scored, rejected or duplicate. Not committed yet.';

--
-- Name: COLUMN loads_under_way.run_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.run_id IS 'Airflow run or command that loads the file.';

--
-- Name: COLUMN loads_under_way.worker; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.worker IS 'Host name and process id of the load.';

--
-- Name: COLUMN loads_under_way.started_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.started_at IS 'Time when the load started.';

--
-- Name: COLUMN loads_under_way.updated_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.updated_at IS 'Time of the last progress report.';

--
-- Name: COLUMN loads_under_way.source_file_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.loads_under_way.source_file_id IS 'Id of the file in source_file.';

--
-- Name: promotion; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.promotion (
    promotion_id bigint NOT NULL,
    alias text NOT NULL,
    from_digest text,
    to_digest text,
    to_version integer,
    actor text NOT NULL,
    reason text NOT NULL,
    verdict jsonb,
    moved_at timestamp with time zone DEFAULT now() NOT NULL,
    kind text DEFAULT 'set'::text NOT NULL,
    state text DEFAULT 'moved'::text NOT NULL,
    from_version integer,
    detail text DEFAULT ''::text NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT only_external_moves_lead_nowhere CHECK (((to_digest IS NOT NULL) OR (kind = 'external'::text))),
    CONSTRAINT promotion_has_a_passing_verdict CHECK (((kind <> 'promote'::text) OR (state = 'refused'::text) OR (COALESCE((verdict ->> 'passed'::text), ''::text) = 'true'::text))),
    CONSTRAINT promotion_has_a_reason CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT promotion_kind_check CHECK ((kind = ANY (ARRAY['promote'::text, 'force'::text, 'set'::text, 'rollback'::text, 'external'::text]))),
    CONSTRAINT promotion_state_check CHECK ((state = ANY (ARRAY['intended'::text, 'moved'::text, 'failed'::text, 'refused'::text])))
);

--
-- Name: TABLE promotion; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.promotion IS 'All moves of model aliases, with their actor and reason.';

--
-- Name: COLUMN promotion.promotion_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.promotion_id IS 'Ascending id in the order of the moves.';

--
-- Name: COLUMN promotion.alias; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.alias IS 'champion or challenger.';

--
-- Name: COLUMN promotion.from_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.from_digest IS 'SHA-256 of the bundle of from_version.';

--
-- Name: COLUMN promotion.to_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.to_digest IS 'SHA-256 of the bundle of to_version. Null if unknown.';

--
-- Name: COLUMN promotion.to_version; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.to_version IS 'MLflow version that the alias was to be set to, or was found to be set to. Null if the alias was deleted.';

--
-- Name: COLUMN promotion.actor; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.actor IS 'Person, run or command that requested the move.';

--
-- Name: COLUMN promotion.reason; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.reason IS 'Reason for the request.';

--
-- Name: COLUMN promotion.verdict; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.verdict IS 'Checks of the promotion gate with their figures. Null if the gate was not used.';

--
-- Name: COLUMN promotion.moved_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.moved_at IS 'Time when the alias moved or was found moved. For other states, the time when the state was reached.';

--
-- Name: COLUMN promotion.kind; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.kind IS 'promote: through the gate. force: despite the gate, with a reason. set: manually, without the gate. rollback. external: found moved in MLflow.';

--
-- Name: COLUMN promotion.state; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.state IS 'intended: in progress, or interrupted and not reconciled yet. moved. failed: the alias did not move. refused: by the gate.';

--
-- Name: COLUMN promotion.from_version; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.from_version IS 'MLflow version that the alias was set to before.';

--
-- Name: COLUMN promotion.detail; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.detail IS 'Details of the outcome, in addition to state.';

--
-- Name: COLUMN promotion.asked_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.promotion.asked_at IS 'Time of the request.';

--
-- Name: model_history; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.model_history AS
 SELECT moved_at,
    alias,
    to_version,
    to_digest,
    from_digest,
    actor,
    reason,
    verdict,
    kind,
    state,
    from_version,
        CASE
            WHEN (state = 'moved'::text) THEN lead(moved_at) OVER (PARTITION BY alias, (state = 'moved'::text) ORDER BY promotion_id)
            ELSE NULL::timestamp with time zone
        END AS served_until,
    ((state = 'moved'::text) AND (to_version IS NOT NULL) AND (lead(promotion_id) OVER (PARTITION BY alias, (state = 'moved'::text) ORDER BY promotion_id) IS NULL)) AS serves,
    ( SELECT array_agg((c.value ->> 'name'::text) ORDER BY c.ordinality) AS array_agg
           FROM jsonb_array_elements((p.verdict -> 'checks'::text)) WITH ORDINALITY c(value, ordinality)
          WHERE ((c.value ->> 'passed'::text) = 'false'::text)) AS failed_checks,
    detail,
    asked_at,
    promotion_id
   FROM sentiment.promotion p;

--
-- Name: VIEW model_history; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.model_history IS 'Models that served under each alias, with the period, actor and reason. Also contains moves that were refused or failed.';

--
-- Name: COLUMN model_history.moved_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.moved_at IS 'Time when the alias moved or was found moved. For other states, the time when the state was reached.';

--
-- Name: COLUMN model_history.alias; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.alias IS 'champion or challenger.';

--
-- Name: COLUMN model_history.to_version; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.to_version IS 'MLflow version that the alias has been set to since then, or was to be set to. Null if the alias was deleted.';

--
-- Name: COLUMN model_history.to_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.to_digest IS 'SHA-256 of the bundle of to_version. Null if unknown.';

--
-- Name: COLUMN model_history.from_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.from_digest IS 'SHA-256 of the bundle of from_version.';

--
-- Name: COLUMN model_history.actor; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.actor IS 'Person, run or command that moved the alias.';

--
-- Name: COLUMN model_history.reason; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.reason IS 'Reason for the move.';

--
-- Name: COLUMN model_history.verdict; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.verdict IS 'Checks of the promotion gate with their figures.';

--
-- Name: COLUMN model_history.kind; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.kind IS 'promote: through the gate. force: despite the gate, with a reason. set: manually, without the gate. rollback. external: found moved in MLflow.';

--
-- Name: COLUMN model_history.state; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.state IS 'intended: in progress, or interrupted and not reconciled yet. moved. failed: the alias did not move. refused: by the gate.';

--
-- Name: COLUMN model_history.from_version; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.from_version IS 'MLflow version that the alias was set to before.';

--
-- Name: COLUMN model_history.served_until; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.served_until IS 'Time of the next move of the alias. Null while the model serves, and if nothing moved.';

--
-- Name: COLUMN model_history.serves; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.serves IS 'Whether the alias is set to this version now, according to this history.';

--
-- Name: COLUMN model_history.failed_checks; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.failed_checks IS 'Names of the gate''s checks that failed. Null if none failed.';

--
-- Name: COLUMN model_history.detail; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.detail IS 'Details of the outcome, in addition to state.';

--
-- Name: COLUMN model_history.asked_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.asked_at IS 'Time of the request.';

--
-- Name: COLUMN model_history.promotion_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.model_history.promotion_id IS 'Ascending id in the order of the moves.';

--
-- Name: model_model_id_seq; Type: SEQUENCE; Schema: sentiment; Owner: -
--

ALTER TABLE sentiment.model ALTER COLUMN model_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sentiment.model_model_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: planned_file; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.planned_file (
    run_id text NOT NULL,
    group_id integer NOT NULL,
    source_file_id bigint NOT NULL
);

--
-- Name: TABLE planned_file; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.planned_file IS 'Files of a run, in the groups that its mapped tasks process.';

--
-- Name: product_sentiment; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.product_sentiment AS
 SELECT product_id,
    day,
    (reviews)::bigint AS reviews,
    (positive)::bigint AS positive,
    (neutral)::bigint AS neutral,
    (negative)::bigint AS negative,
    ((((score_sum + (reviews * (50000)::bigint)) / (reviews * (100000)::bigint)))::numeric * 0.0001) AS mean_score,
    round(((rating_sum)::numeric / ((NULLIF(rated, 0))::numeric * '1000000'::numeric)), 2) AS mean_rating,
    (((((neutral * (20000)::bigint) + reviews) / (reviews * (2)::bigint)))::numeric * 0.0001) AS neutral_ratio,
    (unfamiliar)::bigint AS unfamiliar,
    (mixed)::bigint AS mixed
   FROM ( SELECT product_rollup.score_sum,
            product_rollup.rating_sum,
            product_rollup.reviews,
            product_rollup.positive,
            product_rollup.neutral,
            product_rollup.negative,
            product_rollup.unfamiliar,
            product_rollup.mixed,
            product_rollup.rated,
            product_rollup.day,
            product_rollup.by_written,
            product_rollup.product_id
           FROM sentiment.product_rollup
          WHERE ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state)
        UNION ALL
         SELECT product_recount.score_sum,
            product_recount.rating_sum,
            product_recount.reviews,
            product_recount.positive,
            product_recount.neutral,
            product_recount.negative,
            product_recount.unfamiliar,
            product_recount.mixed,
            product_recount.rated,
            product_recount.day,
            product_recount.by_written,
            product_recount.product_id
           FROM sentiment.product_recount() product_recount(score_sum, rating_sum, reviews, positive, neutral, negative, unfamiliar, mixed, rated, day, by_written, product_id)
          WHERE (NOT ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state))) sums
  WHERE (NOT by_written);

--
-- Name: VIEW product_sentiment; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.product_sentiment IS 'Sentiment by product and day.';

--
-- Name: COLUMN product_sentiment.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.product_id IS 'Product that the reviews are about.';

--
-- Name: COLUMN product_sentiment.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.day IS 'Day of the files.';

--
-- Name: COLUMN product_sentiment.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.reviews IS 'Live reviews.';

--
-- Name: COLUMN product_sentiment.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.positive IS 'Reviews labelled positive.';

--
-- Name: COLUMN product_sentiment.neutral; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.neutral IS 'Reviews labelled neutral.';

--
-- Name: COLUMN product_sentiment.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.negative IS 'Reviews labelled negative.';

--
-- Name: COLUMN product_sentiment.mean_score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';

--
-- Name: COLUMN product_sentiment.mean_rating; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.mean_rating IS 'Mean rating of the reviews that have a rating.';

--
-- Name: COLUMN product_sentiment.neutral_ratio; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';

--
-- Name: COLUMN product_sentiment.unfamiliar; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';

--
-- Name: COLUMN product_sentiment.mixed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

--
-- Name: product_sentiment_by_written_day; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.product_sentiment_by_written_day AS
 SELECT product_id,
    day AS written_day,
    (reviews)::bigint AS reviews,
    (positive)::bigint AS positive,
    (neutral)::bigint AS neutral,
    (negative)::bigint AS negative,
    ((((score_sum + (reviews * (50000)::bigint)) / (reviews * (100000)::bigint)))::numeric * 0.0001) AS mean_score,
    round(((rating_sum)::numeric / ((NULLIF(rated, 0))::numeric * '1000000'::numeric)), 2) AS mean_rating,
    (((((neutral * (20000)::bigint) + reviews) / (reviews * (2)::bigint)))::numeric * 0.0001) AS neutral_ratio,
    (unfamiliar)::bigint AS unfamiliar,
    (mixed)::bigint AS mixed
   FROM ( SELECT product_rollup.score_sum,
            product_rollup.rating_sum,
            product_rollup.reviews,
            product_rollup.positive,
            product_rollup.neutral,
            product_rollup.negative,
            product_rollup.unfamiliar,
            product_rollup.mixed,
            product_rollup.rated,
            product_rollup.day,
            product_rollup.by_written,
            product_rollup.product_id
           FROM sentiment.product_rollup
          WHERE ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state)
        UNION ALL
         SELECT product_recount.score_sum,
            product_recount.rating_sum,
            product_recount.reviews,
            product_recount.positive,
            product_recount.neutral,
            product_recount.negative,
            product_recount.unfamiliar,
            product_recount.mixed,
            product_recount.rated,
            product_recount.day,
            product_recount.by_written,
            product_recount.product_id
           FROM sentiment.product_recount() product_recount(score_sum, rating_sum, reviews, positive, neutral, negative, unfamiliar, mixed, rated, day, by_written, product_id)
          WHERE (NOT ( SELECT (rollup_state.stale_since IS NULL)
                   FROM sentiment.rollup_state))) sums
  WHERE by_written;

--
-- Name: VIEW product_sentiment_by_written_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.product_sentiment_by_written_day IS 'Sentiment by product and the day on which the reviews were written.';

--
-- Name: COLUMN product_sentiment_by_written_day.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.product_id IS 'Product that the reviews are about.';

--
-- Name: COLUMN product_sentiment_by_written_day.written_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.written_day IS 'UTC day of reviewed_at. The day of the file for reviews without reviewed_at.';

--
-- Name: COLUMN product_sentiment_by_written_day.reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.reviews IS 'Live reviews.';

--
-- Name: COLUMN product_sentiment_by_written_day.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.positive IS 'Reviews labelled positive.';

--
-- Name: COLUMN product_sentiment_by_written_day.neutral; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.neutral IS 'Reviews labelled neutral.';

--
-- Name: COLUMN product_sentiment_by_written_day.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.negative IS 'Reviews labelled negative.';

--
-- Name: COLUMN product_sentiment_by_written_day.mean_score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';

--
-- Name: COLUMN product_sentiment_by_written_day.mean_rating; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.mean_rating IS 'Mean rating of the reviews that have a rating.';

--
-- Name: COLUMN product_sentiment_by_written_day.neutral_ratio; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';

--
-- Name: COLUMN product_sentiment_by_written_day.unfamiliar; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';

--
-- Name: COLUMN product_sentiment_by_written_day.mixed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

--
-- Name: promotion_promotion_id_seq; Type: SEQUENCE; Schema: sentiment; Owner: -
--

ALTER TABLE sentiment.promotion ALTER COLUMN promotion_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sentiment.promotion_promotion_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: rejected_row; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.rejected_row (
    source_file_id bigint NOT NULL,
    line integer NOT NULL,
    batch_id bigint NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    raw bytea,
    resolved_by bigint,
    CONSTRAINT only_erased_rows_lose_their_bytes CHECK (((raw IS NOT NULL) OR (code = 'erased'::text)))
);

--
-- Name: TABLE rejected_row; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.rejected_row IS 'Quarantine: rows that were rejected, with their unchanged bytes.';

--
-- Name: COLUMN rejected_row.resolved_by; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.rejected_row.resolved_by IS 'Replay batch that loaded the row.';

--
-- Name: quarantine; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.quarantine AS
 SELECT f.day,
    f.source,
    f.bucket,
    f.key,
    q.line,
    q.code,
    q.reason,
    q.raw,
    (q.resolved_by IS NOT NULL) AS resolved,
    f.source_file_id,
    f.version_token,
    q.resolved_by
   FROM (sentiment.rejected_row q
     JOIN sentiment.source_file f USING (source_file_id))
UNION ALL
 SELECT f.day,
    f.source,
    f.bucket,
    f.key,
    NULL::integer AS line,
    f.reject_code AS code,
    f.reject_reason AS reason,
    NULL::bytea AS raw,
    false AS resolved,
    f.source_file_id,
    f.version_token,
    NULL::bigint AS resolved_by
   FROM sentiment.source_file f
  WHERE (f.status = 'rejected'::text);

--
-- Name: VIEW quarantine; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.quarantine IS 'Rejected rows, and files that were rejected as a whole (line is null).';

--
-- Name: COLUMN quarantine.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.day IS 'Day of the file.';

--
-- Name: COLUMN quarantine.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.source IS 'Source of the file.';

--
-- Name: COLUMN quarantine.bucket; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.bucket IS 'Bucket of the object.';

--
-- Name: COLUMN quarantine.key; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.key IS 'Key of the object.';

--
-- Name: COLUMN quarantine.line; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.line IS 'Physical line on which the row starts. Null for a whole file.';

--
-- Name: COLUMN quarantine.code; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.code IS 'Reason code.';

--
-- Name: COLUMN quarantine.reason; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.reason IS 'Description of the reason.';

--
-- Name: COLUMN quarantine.raw; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.raw IS 'Unchanged bytes of the row. Null for a whole file, and for an erased row.';

--
-- Name: COLUMN quarantine.resolved; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.resolved IS 'Whether a replay has loaded the row.';

--
-- Name: COLUMN quarantine.source_file_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.source_file_id IS 'Id of the file in source_file.';

--
-- Name: COLUMN quarantine.version_token; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.version_token IS 'Version of the object.';

--
-- Name: COLUMN quarantine.resolved_by; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.quarantine.resolved_by IS 'Replay batch that loaded the row. The stored row has this batch_id.';

--
-- Name: retrain_request; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.retrain_request (
    retrain_request_id bigint NOT NULL,
    model_id smallint NOT NULL,
    day date NOT NULL,
    causes text[] NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

--
-- Name: TABLE retrain_request; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.retrain_request IS 'Retraining requests that drift triggered. At most one in SENTIMENT_DRIFT_RETRAIN_EVERY_D days.';

--
-- Name: COLUMN retrain_request.retrain_request_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.retrain_request.retrain_request_id IS 'The Airflow run of the retraining has the id drift__ followed by this number.';

--
-- Name: COLUMN retrain_request.model_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.retrain_request.model_id IS 'Champion whose reviews drifted.';

--
-- Name: COLUMN retrain_request.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.retrain_request.day IS 'Day that drifted.';

--
-- Name: COLUMN retrain_request.causes; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.retrain_request.causes IS 'Measures that exceeded their thresholds.';

--
-- Name: COLUMN retrain_request.requested_by; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.retrain_request.requested_by IS 'Airflow run that measured the drift.';

--
-- Name: COLUMN retrain_request.requested_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.retrain_request.requested_at IS 'Time of the request.';

--
-- Name: retrain_request_retrain_request_id_seq; Type: SEQUENCE; Schema: sentiment; Owner: -
--

ALTER TABLE sentiment.retrain_request ALTER COLUMN retrain_request_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sentiment.retrain_request_retrain_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: review_head; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.review_head (
    review_key uuid NOT NULL,
    day date NOT NULL,
    source_file_id bigint NOT NULL,
    line integer NOT NULL,
    last_modified timestamp with time zone NOT NULL
);

--
-- Name: TABLE review_head; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.review_head IS 'For each review id the row that the views show: the one in the live file with the greatest (last_modified, source_file_id).';

--
-- Name: schema_version; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.schema_version (
    version_num character varying(32) NOT NULL
);

--
-- Name: scored_days; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.scored_days AS
 SELECT day,
    (complete.day IS NOT NULL) AS complete,
    complete.completed_at,
    COALESCE(file.files, (0)::bigint) AS files,
    COALESCE(file.files_to_read, (0)::bigint) AS files_to_read,
    file.last_file_at
   FROM (sentiment.complete_day complete
     FULL JOIN ( SELECT source_file.day,
            count(*) AS files,
            count(*) FILTER (WHERE (source_file.status = 'seen'::text)) AS files_to_read,
            max(source_file.finished_at) AS last_file_at
           FROM sentiment.source_file
          GROUP BY source_file.day) file USING (day));

--
-- Name: VIEW scored_days; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.scored_days IS 'Days with files, and whether the nightly run has completed them. An incomplete day can still get reviews.';

--
-- Name: COLUMN scored_days.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_days.day IS 'Day of the files, in UTC.';

--
-- Name: COLUMN scored_days.complete; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_days.complete IS 'Whether a nightly run has listed the bucket after the day and processed every file of it.';

--
-- Name: COLUMN scored_days.completed_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_days.completed_at IS 'Last time at which a run completed the day; null for an incomplete day.';

--
-- Name: COLUMN scored_days.files; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_days.files IS 'Files of the day that the ledger has, in any state.';

--
-- Name: COLUMN scored_days.files_to_read; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_days.files_to_read IS 'Files of the day that were not read yet.';

--
-- Name: COLUMN scored_days.last_file_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_days.last_file_at IS 'Time at which a file of the day last reached its final state.';

--
-- Name: scored_reviews; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.scored_reviews AS
 SELECT s.day,
    f.source,
    r.review_id,
    r.product_id,
    r.author_id,
    r.rating,
    r.reviewed_at,
    r.language,
    r.text,
    r.extra,
    s.label,
    s.score,
    s.out_of_language,
    m.digest AS model_digest,
    f.bucket,
    f.key,
    f.version_token,
    s.source_file_id,
    s.line,
    s.batch_id,
    r.nulled,
    COALESCE(((r.reviewed_at AT TIME ZONE 'UTC'::text))::date, r.day) AS written_day,
    (GREATEST((s.score - (COALESCE(s.neutral, (0)::real) / (2)::double precision)), (0)::double precision))::real AS positive,
    s.neutral,
        CASE
            WHEN (s.neutral IS NOT NULL) THEN (GREATEST((((1)::double precision - s.score) - (s.neutral / (2)::double precision)), (0)::double precision))::real
            WHEN (cardinality(m.labels) = 2) THEN (((1)::double precision - s.score))::real
            ELSE NULL::real
        END AS negative,
    s.unfamiliar,
    s.mixed,
    r.language_detected,
    r.language_certainty,
        CASE
            WHEN ((m.languages IS NULL) OR (written.language IS NULL)) THEN NULL::text
            WHEN (written.language = ANY (m.experimental_languages)) THEN 'experimental'::text
            WHEN (written.language = ANY (m.languages)) THEN 'supported'::text
            ELSE 'unsupported'::text
        END AS language_standing
   FROM (((((sentiment.score s
     JOIN sentiment.live_file live ON (((live.source_file_id = s.source_file_id) AND (live.model_id = s.model_id))))
     LEFT JOIN sentiment.source_file f ON ((f.source_file_id = s.source_file_id)))
     LEFT JOIN sentiment.model m ON ((m.model_id = s.model_id)))
     LEFT JOIN sentiment.review r ON (((r.day = s.day) AND (r.source_file_id = s.source_file_id) AND (r.line = s.line))))
     CROSS JOIN LATERAL ( SELECT COALESCE(lower(split_part(replace(r.language, '_'::text, '-'::text), '-'::text, 1)), r.language_detected) AS language) written)
  WHERE (NOT s.superseded);

--
-- Name: VIEW scored_reviews; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.scored_reviews IS 'Live reviews, one row each, with the score by the current model of their file.';

--
-- Name: COLUMN scored_reviews.day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.day IS 'Day of the file that contains the review.';

--
-- Name: COLUMN scored_reviews.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.source IS 'Source of the file: the segment after incoming/ in its key.';

--
-- Name: COLUMN scored_reviews.review_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.review_id IS 'Review id from the source. If several rows have the id, the view shows the newest.';

--
-- Name: COLUMN scored_reviews.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.product_id IS 'Product that the review is about.';

--
-- Name: COLUMN scored_reviews.author_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.author_id IS 'Author of the review.';

--
-- Name: COLUMN scored_reviews.rating; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.rating IS 'Rating from the source.';

--
-- Name: COLUMN scored_reviews.reviewed_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.reviewed_at IS 'Time of the review. UTC if the source gives no time zone.';

--
-- Name: COLUMN scored_reviews.language; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.language IS 'Language from the source.';

--
-- Name: COLUMN scored_reviews.text; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.text IS 'Unchanged text of the review.';

--
-- Name: COLUMN scored_reviews.extra; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.extra IS 'All other columns of the file, as strings.';

--
-- Name: COLUMN scored_reviews.label; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.label IS 'negative, neutral or positive. A model of two labels says neutral when it abstains.';

--
-- Name: COLUMN scored_reviews.score; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.score IS 'How positive the review is, 0 to 1. P(positive) of a model with two labels; P(positive) + P(neutral) / 2 of a model with three.';

--
-- Name: COLUMN scored_reviews.out_of_language; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.out_of_language IS 'Whether the row has a language that the model was not trained on.';

--
-- Name: COLUMN scored_reviews.model_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.model_digest IS 'SHA-256 of the model that computed the score.';

--
-- Name: COLUMN scored_reviews.bucket; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.bucket IS 'Bucket of the file that contains the review.';

--
-- Name: COLUMN scored_reviews.key; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.key IS 'Key of the file that contains the review.';

--
-- Name: COLUMN scored_reviews.version_token; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.version_token IS 'Version of the object that was loaded.';

--
-- Name: COLUMN scored_reviews.source_file_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.source_file_id IS 'Id of the file in source_file.';

--
-- Name: COLUMN scored_reviews.line; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.line IS 'Physical line of the file on which the record starts.';

--
-- Name: COLUMN scored_reviews.batch_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.batch_id IS 'Scoring batch that stored this score.';

--
-- Name: COLUMN scored_reviews.nulled; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.nulled IS 'Original values of rating and reviewed_at that could not be parsed and became null.';

--
-- Name: COLUMN scored_reviews.written_day; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.written_day IS 'UTC day of reviewed_at. The day of the file if the review has no reviewed_at.';

--
-- Name: COLUMN scored_reviews.positive; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.positive IS 'P(positive), calibrated.';

--
-- Name: COLUMN scored_reviews.neutral; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.neutral IS 'P(neutral), calibrated. Null if the model has two labels, and for scores of release 0.2.0 and earlier.';

--
-- Name: COLUMN scored_reviews.negative; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.negative IS 'P(negative), calibrated. Null for scores of release 0.2.0 and earlier by a model that was not opened since, or has three labels.';

--
-- Name: COLUMN scored_reviews.unfamiliar; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.unfamiliar IS 'Whether the model knows hardly any n-gram of the text, so the score means little. Null for scores of release 0.2.0 and earlier.';

--
-- Name: COLUMN scored_reviews.mixed; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.mixed IS 'Whether one part of the review is clearly positive and another clearly negative. Null for scores of release 0.2.0 and earlier.';

--
-- Name: COLUMN scored_reviews.language_detected; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.language_detected IS 'Language identified from the text: an ISO 639 code. Null if undetermined, and for rows of release 0.2.0 and earlier.';

--
-- Name: COLUMN scored_reviews.language_certainty; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.language_certainty IS 'Estimated probability that language_detected is right, 0 to 1.';

--
-- Name: COLUMN scored_reviews.language_standing; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scored_reviews.language_standing IS 'Standing of the language from the source, or else of the detected one, with the model: supported, experimental or unsupported. Null if no language is known.';

--
-- Name: scoring_batch_batch_id_seq; Type: SEQUENCE; Schema: sentiment; Owner: -
--

ALTER TABLE sentiment.scoring_batch ALTER COLUMN batch_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME sentiment.scoring_batch_batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: scoring_run; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.scoring_run (
    run_id text NOT NULL,
    day date NOT NULL,
    model_id smallint NOT NULL,
    version integer NOT NULL,
    champion boolean NOT NULL,
    replace boolean NOT NULL,
    planned_at timestamp with time zone DEFAULT now() NOT NULL,
    arrivals boolean DEFAULT false NOT NULL
);

--
-- Name: TABLE scoring_run; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.scoring_run IS 'Plans of runs: the day, and the model, which is resolved once.';

--
-- Name: COLUMN scoring_run.version; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_run.version IS 'MLflow version of the model.';

--
-- Name: COLUMN scoring_run.champion; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_run.champion IS 'Whether the model was the champion when the run was planned.';

--
-- Name: COLUMN scoring_run.replace; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_run.replace IS 'Whether files that this model has scored are read and scored again.';

--
-- Name: COLUMN scoring_run.arrivals; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.scoring_run.arrivals IS 'Whether the run scored files as they arrived, so it completed no day.';

--
-- Name: sent_alert; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.sent_alert (
    cause text NOT NULL,
    channel text NOT NULL,
    sent_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

--
-- Name: TABLE sent_alert; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.sent_alert IS 'Alerts that were sent, so that a retried or cleared task does not send one again (docs/notifications.md).';

--
-- Name: COLUMN sent_alert.cause; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sent_alert.cause IS 'What the alert is about, such as a run''s task, or a day.';

--
-- Name: COLUMN sent_alert.channel; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sent_alert.channel IS 'Channel of the settings to which it was sent.';

--
-- Name: COLUMN sent_alert.sent_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sent_alert.sent_at IS 'Time at which the channel accepted it.';

--
-- Name: sentiment_drivers; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.sentiment_drivers AS
 SELECT c.source,
    c.product_id,
    c.first_then,
    c.last_then,
    c.first_now,
    c.last_now,
    c.change,
    d.rank,
    d.phrase,
    d.movement,
    d.explained,
    d.reviews_then,
    d.reviews_now,
    d.ratio_change,
    d.ratio_low,
    d.ratio_high,
    said.examples,
    c.reviews_then AS all_reviews_then,
    c.reviews_now AS all_reviews_now,
    c.mean_then,
    c.mean_now,
    c.change_low,
    c.change_high,
    c.rest,
    m.digest AS model_digest,
    c.computed_at
   FROM (((sentiment.driver_comparison c
     JOIN sentiment.driver d USING (comparison_id))
     JOIN sentiment.model m USING (model_id))
     CROSS JOIN LATERAL ( SELECT array_agg(r.text ORDER BY r.day, r.source_file_id, r.line) AS examples
           FROM (sentiment.driver_example e
             JOIN sentiment.scored_reviews r ON (((r.day = e.day) AND (r.source_file_id = e.source_file_id) AND (r.line = e.line))))
          WHERE ((e.comparison_id = d.comparison_id) AND (e.rank = d.rank))) said);

--
-- Name: VIEW sentiment_drivers; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON VIEW sentiment.sentiment_drivers IS 'Phrases that moved sentiment between the last two periods of each large group of reviews.';

--
-- Name: COLUMN sentiment_drivers.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.source IS 'Source of the reviews.';

--
-- Name: COLUMN sentiment_drivers.product_id; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.product_id IS 'Product of the reviews; null for all reviews of the source.';

--
-- Name: COLUMN sentiment_drivers.first_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.first_then IS 'First day of the earlier period. Days are those of the files.';

--
-- Name: COLUMN sentiment_drivers.last_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.last_then IS 'Last day of the earlier period.';

--
-- Name: COLUMN sentiment_drivers.first_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.first_now IS 'First day of the later period.';

--
-- Name: COLUMN sentiment_drivers.last_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.last_now IS 'Last day of the later period.';

--
-- Name: COLUMN sentiment_drivers.change; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.change IS 'Change of the mean log-odds of positive: the sum of all movements of the group and the rest.';

--
-- Name: COLUMN sentiment_drivers.rank; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.rank IS 'Place by the size of the movement, from 1.';

--
-- Name: COLUMN sentiment_drivers.phrase; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.phrase IS 'The phrase, spelled as in the first review that says it.';

--
-- Name: COLUMN sentiment_drivers.movement; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.movement IS 'What the phrase adds to the change.';

--
-- Name: COLUMN sentiment_drivers.explained; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.explained IS 'The movement as a ratio of the change; null if nothing changed.';

--
-- Name: COLUMN sentiment_drivers.reviews_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.reviews_then IS 'Reviews of the earlier period that say the phrase.';

--
-- Name: COLUMN sentiment_drivers.reviews_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.reviews_now IS 'Reviews of the later period that say the phrase.';

--
-- Name: COLUMN sentiment_drivers.ratio_change; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.ratio_change IS 'Change of the ratio of reviews that say the phrase.';

--
-- Name: COLUMN sentiment_drivers.ratio_low; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.ratio_low IS 'Lower end of the 95 % confidence interval of the ratio''s change.';

--
-- Name: COLUMN sentiment_drivers.ratio_high; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.ratio_high IS 'Upper end of the 95 % confidence interval of the ratio''s change.';

--
-- Name: COLUMN sentiment_drivers.examples; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.examples IS 'Texts of up to three live reviews that say the phrase; null if none is left.';

--
-- Name: COLUMN sentiment_drivers.all_reviews_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.all_reviews_then IS 'Reviews of the earlier period.';

--
-- Name: COLUMN sentiment_drivers.all_reviews_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.all_reviews_now IS 'Reviews of the later period.';

--
-- Name: COLUMN sentiment_drivers.mean_then; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.mean_then IS 'Mean log-odds of positive in the earlier period.';

--
-- Name: COLUMN sentiment_drivers.mean_now; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.mean_now IS 'Mean log-odds of positive in the later period.';

--
-- Name: COLUMN sentiment_drivers.change_low; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.change_low IS 'Lower end of the 95 % confidence interval of the change.';

--
-- Name: COLUMN sentiment_drivers.change_high; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.change_high IS 'Upper end of the 95 % confidence interval of the change.';

--
-- Name: COLUMN sentiment_drivers.rest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.rest IS 'Movement of all phrases that are not listed.';

--
-- Name: COLUMN sentiment_drivers.model_digest; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.model_digest IS 'SHA-256 of the model whose contributions were summed.';

--
-- Name: COLUMN sentiment_drivers.computed_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.sentiment_drivers.computed_at IS 'Time of the comparison.';

--
-- Name: source_contract; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.source_contract (
    source text NOT NULL,
    version integer NOT NULL,
    contract jsonb NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    set_by text NOT NULL,
    set_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT source_contract_version_check CHECK ((version > 0))
);

--
-- Name: TABLE source_contract; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.source_contract IS 'Contracts of sources. The greatest version of a source is in force. Rows are never changed.';

--
-- Name: COLUMN source_contract.source; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_contract.source IS 'Source: the first part of the key below the prefix; empty for files without one.';

--
-- Name: COLUMN source_contract.version; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_contract.version IS 'Counts from 1 for each source.';

--
-- Name: COLUMN source_contract.contract; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_contract.contract IS 'What the contract declares; {} declares nothing (docs/sources.md).';

--
-- Name: COLUMN source_contract.note; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_contract.note IS 'Why it was set.';

--
-- Name: COLUMN source_contract.set_by; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_contract.set_by IS 'User who set it.';

--
-- Name: COLUMN source_contract.set_at; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON COLUMN sentiment.source_contract.set_at IS 'Time at which it was set.';

--
-- Name: source_file_source_file_id_seq; Type: SEQUENCE; Schema: sentiment; Owner: -
--

ALTER TABLE sentiment.source_file ALTER COLUMN source_file_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sentiment.source_file_source_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: aspect_day aspect_day_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.aspect_day
    ADD CONSTRAINT aspect_day_pkey PRIMARY KEY (day);

--
-- Name: complete_day complete_day_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.complete_day
    ADD CONSTRAINT complete_day_pkey PRIMARY KEY (day);

--
-- Name: daily_rollup daily_rollup_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.daily_rollup
    ADD CONSTRAINT daily_rollup_pkey PRIMARY KEY (by_written, day, source);

--
-- Name: drift_report drift_report_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.drift_report
    ADD CONSTRAINT drift_report_pkey PRIMARY KEY (drift_report_id);

--
-- Name: driver_comparison driver_comparison_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.driver_comparison
    ADD CONSTRAINT driver_comparison_pkey PRIMARY KEY (comparison_id);

--
-- Name: driver_example driver_example_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.driver_example
    ADD CONSTRAINT driver_example_pkey PRIMARY KEY (comparison_id, rank, day, source_file_id, line);

--
-- Name: driver driver_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.driver
    ADD CONSTRAINT driver_pkey PRIMARY KEY (comparison_id, rank);

--
-- Name: erasure erasure_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.erasure
    ADD CONSTRAINT erasure_pkey PRIMARY KEY (kind, keyed_hash);

--
-- Name: expired_month expired_month_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.expired_month
    ADD CONSTRAINT expired_month_pkey PRIMARY KEY (month);

--
-- Name: feedback feedback_is_stored_once; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.feedback
    ADD CONSTRAINT feedback_is_stored_once UNIQUE (feedback_key);

--
-- Name: feedback feedback_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (feedback_id);

--
-- Name: language_rollup language_rollup_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.language_rollup
    ADD CONSTRAINT language_rollup_pkey PRIMARY KEY (by_written, day, source, language, model_id);

--
-- Name: live_file live_file_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.live_file
    ADD CONSTRAINT live_file_pkey PRIMARY KEY (source_file_id);

--
-- Name: load_progress load_progress_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.load_progress
    ADD CONSTRAINT load_progress_pkey PRIMARY KEY (source_file_id);

--
-- Name: model model_model_id_key; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.model
    ADD CONSTRAINT model_model_id_key UNIQUE (model_id);

--
-- Name: model model_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.model
    ADD CONSTRAINT model_pkey PRIMARY KEY (digest);

--
-- Name: planned_file planned_file_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.planned_file
    ADD CONSTRAINT planned_file_pkey PRIMARY KEY (run_id, group_id, source_file_id);

--
-- Name: product_rollup product_rollup_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.product_rollup
    ADD CONSTRAINT product_rollup_pkey PRIMARY KEY (by_written, day, product_id);

--
-- Name: promotion promotion_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.promotion
    ADD CONSTRAINT promotion_pkey PRIMARY KEY (promotion_id);

--
-- Name: rejected_row rejected_row_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.rejected_row
    ADD CONSTRAINT rejected_row_pkey PRIMARY KEY (source_file_id, line);

--
-- Name: retrain_request retrain_request_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.retrain_request
    ADD CONSTRAINT retrain_request_pkey PRIMARY KEY (retrain_request_id);

--
-- Name: review_head review_head_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.review_head
    ADD CONSTRAINT review_head_pkey PRIMARY KEY (review_key);

--
-- Name: review review_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.review
    ADD CONSTRAINT review_pkey PRIMARY KEY (day, source_file_id, line);

--
-- Name: rollup_state rollup_state_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.rollup_state
    ADD CONSTRAINT rollup_state_pkey PRIMARY KEY (only_row);

--
-- Name: schema_version schema_version_pkc; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.schema_version
    ADD CONSTRAINT schema_version_pkc PRIMARY KEY (version_num);

--
-- Name: score score_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.score
    ADD CONSTRAINT score_pkey PRIMARY KEY (day, source_file_id, line, model_id);

--
-- Name: scoring_batch scoring_batch_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.scoring_batch
    ADD CONSTRAINT scoring_batch_pkey PRIMARY KEY (batch_id);

--
-- Name: scoring_run scoring_run_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.scoring_run
    ADD CONSTRAINT scoring_run_pkey PRIMARY KEY (run_id);

--
-- Name: sent_alert sent_alert_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.sent_alert
    ADD CONSTRAINT sent_alert_pkey PRIMARY KEY (cause, channel);

--
-- Name: source_contract source_contract_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.source_contract
    ADD CONSTRAINT source_contract_pkey PRIMARY KEY (source, version);

--
-- Name: source_file source_file_bucket_key_version_token_key; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.source_file
    ADD CONSTRAINT source_file_bucket_key_version_token_key UNIQUE (bucket, key, version_token);

--
-- Name: source_file source_file_pkey; Type: CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.source_file
    ADD CONSTRAINT source_file_pkey PRIMARY KEY (source_file_id);

--
-- Name: aspect_total_by_day; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX aspect_total_by_day ON sentiment.aspect_total USING btree (day, source);

--
-- Name: aspect_total_by_product; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX aspect_total_by_product ON sentiment.aspect_total USING btree (product_id, day) WHERE (product_id IS NOT NULL);

--
-- Name: drift_report_of_a_day; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE UNIQUE INDEX drift_report_of_a_day ON sentiment.drift_report USING btree (model_id, day) WHERE (product_id IS NULL);

--
-- Name: drift_report_of_a_product; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE UNIQUE INDEX drift_report_of_a_product ON sentiment.drift_report USING btree (model_id, day, product_id) WHERE (product_id IS NOT NULL);

--
-- Name: driver_comparison_of_a_product; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE UNIQUE INDEX driver_comparison_of_a_product ON sentiment.driver_comparison USING btree (source, product_id) WHERE (product_id IS NOT NULL);

--
-- Name: driver_comparison_of_a_source; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE UNIQUE INDEX driver_comparison_of_a_source ON sentiment.driver_comparison USING btree (source) WHERE (product_id IS NULL);

--
-- Name: driver_example_of_a_review; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX driver_example_of_a_review ON sentiment.driver_example USING btree (day, source_file_id, line);

--
-- Name: product_rollup_by_product; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX product_rollup_by_product ON sentiment.product_rollup USING btree (product_id, by_written, day);

--
-- Name: promotion_by_alias; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX promotion_by_alias ON sentiment.promotion USING btree (alias, promotion_id);

--
-- Name: promotion_under_way; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE UNIQUE INDEX promotion_under_way ON sentiment.promotion USING btree (alias) WHERE (state = 'intended'::text);

--
-- Name: rejected_row_to_replay; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX rejected_row_to_replay ON sentiment.rejected_row USING btree (source_file_id) WHERE (resolved_by IS NULL);

--
-- Name: review_by_author; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX review_by_author ON ONLY sentiment.review USING btree (author_id, COALESCE(((reviewed_at AT TIME ZONE 'UTC'::text))::date, day)) WHERE (author_id IS NOT NULL);

--
-- Name: review_by_key; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX review_by_key ON ONLY sentiment.review USING btree (review_key) WHERE (review_key IS NOT NULL);

--
-- Name: review_by_product; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX review_by_product ON ONLY sentiment.review USING btree (product_id, COALESCE(((reviewed_at AT TIME ZONE 'UTC'::text))::date, day)) WHERE (product_id IS NOT NULL);

--
-- Name: scoring_batch_file; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX scoring_batch_file ON sentiment.scoring_batch USING btree (source_file_id, model_id);

--
-- Name: source_file_content; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE UNIQUE INDEX source_file_content ON sentiment.source_file USING btree (source, sha256) WHERE (status = 'loaded'::text);

--
-- Name: source_file_day; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX source_file_day ON sentiment.source_file USING btree (day);

--
-- Name: source_file_head; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX source_file_head ON sentiment.source_file USING btree (bucket, key, last_modified, source_file_id) WHERE (status = ANY (ARRAY['loaded'::text, 'duplicate'::text, 'expired'::text]));

--
-- Name: source_file_same_content; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX source_file_same_content ON sentiment.source_file USING btree (sha256) WHERE (status = ANY (ARRAY['loaded'::text, 'duplicate'::text, 'expired'::text]));

--
-- Name: source_file_to_do; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX source_file_to_do ON sentiment.source_file USING btree (day) WHERE (status = 'seen'::text);

--
-- Name: score_places; Type: STATISTICS; Schema: sentiment; Owner: -
--

CREATE STATISTICS sentiment.score_places (ndistinct) ON day, source_file_id, line FROM sentiment.score;

--
-- Name: score count_superseded; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE TRIGGER count_superseded AFTER UPDATE ON sentiment.score REFERENCING OLD TABLE AS former NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sentiment.count_superseded();

--
-- Name: daily_rollup drop_empty_sum; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE TRIGGER drop_empty_sum AFTER UPDATE ON sentiment.daily_rollup FOR EACH ROW WHEN ((new.reviews = 0)) EXECUTE FUNCTION sentiment.drop_empty_sum();

--
-- Name: language_rollup drop_empty_sum; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE TRIGGER drop_empty_sum AFTER UPDATE ON sentiment.language_rollup FOR EACH ROW WHEN ((new.reviews = 0)) EXECUTE FUNCTION sentiment.drop_empty_sum();

--
-- Name: product_rollup drop_empty_sum; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE TRIGGER drop_empty_sum AFTER UPDATE ON sentiment.product_rollup FOR EACH ROW WHEN ((new.reviews = 0)) EXECUTE FUNCTION sentiment.drop_empty_sum();

--
-- Name: scoring_batch follow_previous_release; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE CONSTRAINT TRIGGER follow_previous_release AFTER INSERT ON sentiment.scoring_batch DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((current_setting('sentiment.rollups'::text, true) IS DISTINCT FROM 'kept'::text)) EXECUTE FUNCTION sentiment.follow_previous_release();

--
-- Name: source_file follow_previous_release; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE TRIGGER follow_previous_release AFTER UPDATE OF status, current_model_id, rows_removed ON sentiment.source_file FOR EACH ROW WHEN ((current_setting('sentiment.rollups'::text, true) IS DISTINCT FROM 'kept'::text)) EXECUTE FUNCTION sentiment.follow_previous_release();

--
-- Name: source_file hide_superseded_files; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE CONSTRAINT TRIGGER hide_superseded_files AFTER INSERT OR UPDATE OF status ON sentiment.source_file DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.status = ANY (ARRAY['loaded'::text, 'duplicate'::text]))) EXECUTE FUNCTION sentiment.hide_superseded_files();

--
-- Name: source_file move_model_of_live_file; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE TRIGGER move_model_of_live_file AFTER UPDATE OF current_model_id ON sentiment.source_file FOR EACH ROW WHEN ((old.current_model_id IS DISTINCT FROM new.current_model_id)) EXECUTE FUNCTION sentiment.move_model_of_live_file();

--
-- Name: live_file set_model_of_live_file; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE TRIGGER set_model_of_live_file BEFORE INSERT ON sentiment.live_file FOR EACH ROW EXECUTE FUNCTION sentiment.set_model_of_live_file();

--
-- Name: review_head show_reviews; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE TRIGGER show_reviews AFTER INSERT ON sentiment.review_head REFERENCING NEW TABLE AS head FOR EACH STATEMENT EXECUTE FUNCTION sentiment.supersede_reviews();

--
-- Name: review_head supersede_reviews; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE TRIGGER supersede_reviews AFTER UPDATE ON sentiment.review_head REFERENCING OLD TABLE AS former_head NEW TABLE AS head FOR EACH STATEMENT EXECUTE FUNCTION sentiment.supersede_reviews();

--
-- Name: aspect_day aspect_day_model_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.aspect_day
    ADD CONSTRAINT aspect_day_model_id_fkey FOREIGN KEY (model_id) REFERENCES sentiment.model(model_id);

--
-- Name: aspect_total aspect_total_day_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.aspect_total
    ADD CONSTRAINT aspect_total_day_fkey FOREIGN KEY (day) REFERENCES sentiment.aspect_day(day) ON DELETE CASCADE;

--
-- Name: drift_report drift_report_model_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.drift_report
    ADD CONSTRAINT drift_report_model_id_fkey FOREIGN KEY (model_id) REFERENCES sentiment.model(model_id);

--
-- Name: driver driver_comparison_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.driver
    ADD CONSTRAINT driver_comparison_id_fkey FOREIGN KEY (comparison_id) REFERENCES sentiment.driver_comparison(comparison_id) ON DELETE CASCADE;

--
-- Name: driver_comparison driver_comparison_model_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.driver_comparison
    ADD CONSTRAINT driver_comparison_model_id_fkey FOREIGN KEY (model_id) REFERENCES sentiment.model(model_id);

--
-- Name: driver_example driver_example_comparison_id_rank_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.driver_example
    ADD CONSTRAINT driver_example_comparison_id_rank_fkey FOREIGN KEY (comparison_id, rank) REFERENCES sentiment.driver(comparison_id, rank) ON DELETE CASCADE;

--
-- Name: live_file live_file_source_file_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.live_file
    ADD CONSTRAINT live_file_source_file_id_fkey FOREIGN KEY (source_file_id) REFERENCES sentiment.source_file(source_file_id);

--
-- Name: planned_file planned_file_run_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.planned_file
    ADD CONSTRAINT planned_file_run_id_fkey FOREIGN KEY (run_id) REFERENCES sentiment.scoring_run(run_id) ON DELETE CASCADE;

--
-- Name: planned_file planned_file_source_file_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.planned_file
    ADD CONSTRAINT planned_file_source_file_id_fkey FOREIGN KEY (source_file_id) REFERENCES sentiment.source_file(source_file_id);

--
-- Name: promotion promotion_from_digest_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.promotion
    ADD CONSTRAINT promotion_from_digest_fkey FOREIGN KEY (from_digest) REFERENCES sentiment.model(digest);

--
-- Name: promotion promotion_to_digest_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.promotion
    ADD CONSTRAINT promotion_to_digest_fkey FOREIGN KEY (to_digest) REFERENCES sentiment.model(digest);

--
-- Name: retrain_request retrain_request_model_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.retrain_request
    ADD CONSTRAINT retrain_request_model_id_fkey FOREIGN KEY (model_id) REFERENCES sentiment.model(model_id);

--
-- Name: scoring_batch scoring_batch_model_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.scoring_batch
    ADD CONSTRAINT scoring_batch_model_id_fkey FOREIGN KEY (model_id) REFERENCES sentiment.model(model_id);

--
-- Name: scoring_batch scoring_batch_source_file_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.scoring_batch
    ADD CONSTRAINT scoring_batch_source_file_id_fkey FOREIGN KEY (source_file_id) REFERENCES sentiment.source_file(source_file_id);

--
-- Name: scoring_run scoring_run_model_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.scoring_run
    ADD CONSTRAINT scoring_run_model_id_fkey FOREIGN KEY (model_id) REFERENCES sentiment.model(model_id);

--
-- Name: source_file source_file_current_model_id_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.source_file
    ADD CONSTRAINT source_file_current_model_id_fkey FOREIGN KEY (current_model_id) REFERENCES sentiment.model(model_id);

--
-- Name: source_file source_file_duplicate_of_fkey; Type: FK CONSTRAINT; Schema: sentiment; Owner: -
--

ALTER TABLE ONLY sentiment.source_file
    ADD CONSTRAINT source_file_duplicate_of_fkey FOREIGN KEY (duplicate_of) REFERENCES sentiment.source_file(source_file_id);

--
-- Name: SCHEMA sentiment; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA sentiment TO sentiment_reader;
GRANT USAGE ON SCHEMA sentiment TO sentiment_writer;
GRANT USAGE ON SCHEMA sentiment TO sentiment_service;

--
-- Name: FUNCTION count_reviews(sign integer, rows text); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.count_reviews(sign integer, rows text) FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.count_reviews(sign integer, rows text) TO sentiment_writer;

--
-- Name: FUNCTION count_superseded(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.count_superseded() FROM PUBLIC;

--
-- Name: TABLE daily_rollup; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.daily_rollup TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.daily_rollup TO sentiment_writer;

--
-- Name: FUNCTION daily_recount(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.daily_recount() FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.daily_recount() TO sentiment_reader;
GRANT ALL ON FUNCTION sentiment.daily_recount() TO sentiment_writer;

--
-- Name: FUNCTION drop_empty_sum(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.drop_empty_sum() FROM PUBLIC;

--
-- Name: FUNCTION ensure_month(any_day date); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.ensure_month(any_day date) FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.ensure_month(any_day date) TO sentiment_writer;

--
-- Name: FUNCTION follow_previous_release(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.follow_previous_release() FROM PUBLIC;

--
-- Name: FUNCTION hide_superseded_files(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.hide_superseded_files() FROM PUBLIC;

--
-- Name: TABLE language_rollup; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.language_rollup TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.language_rollup TO sentiment_writer;

--
-- Name: FUNCTION language_recount(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.language_recount() FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.language_recount() TO sentiment_reader;
GRANT ALL ON FUNCTION sentiment.language_recount() TO sentiment_writer;

--
-- Name: FUNCTION move_model_of_live_file(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.move_model_of_live_file() FROM PUBLIC;

--
-- Name: TABLE product_rollup; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.product_rollup TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.product_rollup TO sentiment_writer;

--
-- Name: FUNCTION product_recount(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.product_recount() FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.product_recount() TO sentiment_reader;
GRANT ALL ON FUNCTION sentiment.product_recount() TO sentiment_writer;

--
-- Name: FUNCTION refresh_statistics(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.refresh_statistics() FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.refresh_statistics() TO sentiment_writer;

--
-- Name: FUNCTION rollup_statement(rows text); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.rollup_statement(rows text) FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.rollup_statement(rows text) TO sentiment_writer;

--
-- Name: FUNCTION set_model_of_live_file(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.set_model_of_live_file() FROM PUBLIC;

--
-- Name: FUNCTION supersede_reviews(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.supersede_reviews() FROM PUBLIC;

--
-- Name: FUNCTION supersede_reviews_of(file bigint); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.supersede_reviews_of(file bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.supersede_reviews_of(file bigint) TO sentiment_writer;

--
-- Name: FUNCTION supersede_statement(places text, superseded boolean); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.supersede_statement(places text, superseded boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.supersede_statement(places text, superseded boolean) TO sentiment_writer;

--
-- Name: TABLE aspect_day; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.aspect_day TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.aspect_day TO sentiment_writer;

--
-- Name: TABLE aspect_total; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.aspect_total TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.aspect_total TO sentiment_writer;

--
-- Name: TABLE model; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.model TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.model TO sentiment_writer;

--
-- Name: TABLE aspect_sentiment; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.aspect_sentiment TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.aspect_sentiment TO sentiment_writer;

--
-- Name: TABLE complete_day; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.complete_day TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.complete_day TO sentiment_writer;

--
-- Name: TABLE live_file; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.live_file TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.live_file TO sentiment_writer;

--
-- Name: TABLE review; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.review TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.review TO sentiment_writer;

--
-- Name: TABLE score; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.score TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.score TO sentiment_writer;

--
-- Name: TABLE source_file; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.source_file TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.source_file TO sentiment_writer;

--
-- Name: TABLE counted_review; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.counted_review TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.counted_review TO sentiment_writer;

--
-- Name: TABLE rollup_state; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.rollup_state TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.rollup_state TO sentiment_writer;

--
-- Name: TABLE daily_sentiment; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.daily_sentiment TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.daily_sentiment TO sentiment_writer;

--
-- Name: TABLE daily_sentiment_by_language; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.daily_sentiment_by_language TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.daily_sentiment_by_language TO sentiment_writer;

--
-- Name: TABLE daily_sentiment_by_language_by_written_day; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.daily_sentiment_by_language_by_written_day TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.daily_sentiment_by_language_by_written_day TO sentiment_writer;

--
-- Name: TABLE daily_sentiment_by_written_day; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.daily_sentiment_by_written_day TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.daily_sentiment_by_written_day TO sentiment_writer;

--
-- Name: TABLE drift_report; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.drift_report TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.drift_report TO sentiment_writer;

--
-- Name: TABLE drift_history; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.drift_history TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.drift_history TO sentiment_writer;

--
-- Name: TABLE driver; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.driver TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.driver TO sentiment_writer;

--
-- Name: TABLE driver_comparison; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.driver_comparison TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.driver_comparison TO sentiment_writer;

--
-- Name: TABLE driver_example; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.driver_example TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.driver_example TO sentiment_writer;

--
-- Name: TABLE erasure; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.erasure TO sentiment_writer;

--
-- Name: TABLE expired_month; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.expired_month TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.expired_month TO sentiment_writer;

--
-- Name: TABLE feedback; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.feedback TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.feedback TO sentiment_writer;
GRANT INSERT ON TABLE sentiment.feedback TO sentiment_service;

--
-- Name: COLUMN feedback.feedback_key; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT(feedback_key) ON TABLE sentiment.feedback TO sentiment_service;

--
-- Name: TABLE load_progress; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.load_progress TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.load_progress TO sentiment_writer;

--
-- Name: TABLE scoring_batch; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.scoring_batch TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.scoring_batch TO sentiment_writer;

--
-- Name: TABLE load_history; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.load_history TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.load_history TO sentiment_writer;

--
-- Name: TABLE loads_under_way; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.loads_under_way TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.loads_under_way TO sentiment_writer;

--
-- Name: TABLE promotion; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.promotion TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.promotion TO sentiment_writer;

--
-- Name: TABLE model_history; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.model_history TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.model_history TO sentiment_writer;

--
-- Name: TABLE planned_file; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.planned_file TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.planned_file TO sentiment_writer;

--
-- Name: TABLE product_sentiment; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.product_sentiment TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.product_sentiment TO sentiment_writer;

--
-- Name: TABLE product_sentiment_by_written_day; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.product_sentiment_by_written_day TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.product_sentiment_by_written_day TO sentiment_writer;

--
-- Name: TABLE rejected_row; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.rejected_row TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.rejected_row TO sentiment_writer;

--
-- Name: TABLE quarantine; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.quarantine TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.quarantine TO sentiment_writer;

--
-- Name: TABLE retrain_request; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.retrain_request TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.retrain_request TO sentiment_writer;

--
-- Name: TABLE review_head; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.review_head TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.review_head TO sentiment_writer;

--
-- Name: TABLE schema_version; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.schema_version TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.schema_version TO sentiment_writer;
GRANT SELECT ON TABLE sentiment.schema_version TO sentiment_service;

--
-- Name: TABLE scored_days; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.scored_days TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.scored_days TO sentiment_writer;

--
-- Name: TABLE scored_reviews; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.scored_reviews TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.scored_reviews TO sentiment_writer;

--
-- Name: SEQUENCE scoring_batch_batch_id_seq; Type: ACL; Schema: sentiment; Owner: -
--

GRANT USAGE ON SEQUENCE sentiment.scoring_batch_batch_id_seq TO sentiment_writer;

--
-- Name: TABLE scoring_run; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.scoring_run TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.scoring_run TO sentiment_writer;

--
-- Name: TABLE sent_alert; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.sent_alert TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.sent_alert TO sentiment_writer;

--
-- Name: TABLE sentiment_drivers; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.sentiment_drivers TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.sentiment_drivers TO sentiment_writer;

--
-- Name: TABLE source_contract; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.source_contract TO sentiment_reader;
GRANT SELECT,INSERT ON TABLE sentiment.source_contract TO sentiment_writer;

--
-- PostgreSQL database dump complete
--
