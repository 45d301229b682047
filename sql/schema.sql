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

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: live_file; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.live_file (
    source_file_id bigint NOT NULL
);

--
-- Name: TABLE live_file; Type: COMMENT; Schema: sentiment; Owner: -
--

COMMENT ON TABLE sentiment.live_file IS 'Loaded files that the views show: the newest good version of some key is the file, or a duplicate of it.';

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
    CONSTRAINT score_score_check CHECK (((score >= (0)::double precision) AND (score <= (1)::double precision)))
)
PARTITION BY RANGE (day);

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
-- Name: scored_reviews; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.scored_reviews AS
 SELECT r.day,
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
    r.source_file_id,
    r.line,
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
   FROM ((((((sentiment.review r
     JOIN sentiment.live_file USING (source_file_id))
     JOIN sentiment.source_file f USING (source_file_id))
     JOIN sentiment.score s ON (((s.day = r.day) AND (s.source_file_id = r.source_file_id) AND (s.line = r.line) AND (s.model_id = f.current_model_id))))
     JOIN sentiment.model m ON ((m.model_id = s.model_id)))
     LEFT JOIN sentiment.review_head h ON ((h.review_key = r.review_key)))
     CROSS JOIN LATERAL ( SELECT COALESCE(lower(split_part(replace(r.language, '_'::text, '-'::text), '-'::text, 1)), r.language_detected) AS language) written)
  WHERE ((r.review_key IS NULL) OR ((h.source_file_id = r.source_file_id) AND (h.line = r.line)));

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
-- Name: daily_sentiment; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.daily_sentiment AS
 SELECT day,
    source,
    count(*) AS reviews,
    count(*) FILTER (WHERE (label = 'positive'::sentiment.label)) AS positive,
    count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)) AS neutral,
    count(*) FILTER (WHERE (label = 'negative'::sentiment.label)) AS negative,
    round((avg(score))::numeric, 4) AS mean_score,
    round((avg(rating))::numeric, 2) AS mean_rating,
    round(((count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)))::numeric / (count(*))::numeric), 4) AS neutral_ratio,
    count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
    count(*) FILTER (WHERE mixed) AS mixed
   FROM sentiment.scored_reviews
  GROUP BY day, source;

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
 SELECT day,
    source,
    COALESCE(lower(split_part(replace(language, '_'::text, '-'::text), '-'::text, 1)), language_detected) AS language,
    language_standing,
    count(*) AS reviews,
    count(*) FILTER (WHERE (label = 'positive'::sentiment.label)) AS positive,
    count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)) AS neutral,
    count(*) FILTER (WHERE (label = 'negative'::sentiment.label)) AS negative,
    round((avg(score))::numeric, 4) AS mean_score,
    round((avg(rating))::numeric, 2) AS mean_rating,
    round(((count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)))::numeric / (count(*))::numeric), 4) AS neutral_ratio,
    count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
    count(*) FILTER (WHERE mixed) AS mixed
   FROM sentiment.scored_reviews
  GROUP BY day, source, COALESCE(lower(split_part(replace(language, '_'::text, '-'::text), '-'::text, 1)), language_detected), language_standing;

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

COMMENT ON COLUMN sentiment.daily_sentiment_by_language.language IS 'Language from the source, without its region, or else the detected one. Null if neither is known.';

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
-- Name: daily_sentiment_by_written_day; Type: VIEW; Schema: sentiment; Owner: -
--

CREATE VIEW sentiment.daily_sentiment_by_written_day AS
 SELECT written_day,
    source,
    count(*) AS reviews,
    count(*) FILTER (WHERE (label = 'positive'::sentiment.label)) AS positive,
    count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)) AS neutral,
    count(*) FILTER (WHERE (label = 'negative'::sentiment.label)) AS negative,
    round((avg(score))::numeric, 4) AS mean_score,
    round((avg(rating))::numeric, 2) AS mean_rating,
    round(((count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)))::numeric / (count(*))::numeric), 4) AS neutral_ratio,
    count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
    count(*) FILTER (WHERE mixed) AS mixed
   FROM sentiment.scored_reviews
  GROUP BY written_day, source;

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
    count(*) AS reviews,
    count(*) FILTER (WHERE (label = 'positive'::sentiment.label)) AS positive,
    count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)) AS neutral,
    count(*) FILTER (WHERE (label = 'negative'::sentiment.label)) AS negative,
    round((avg(score))::numeric, 4) AS mean_score,
    round((avg(rating))::numeric, 2) AS mean_rating,
    round(((count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)))::numeric / (count(*))::numeric), 4) AS neutral_ratio,
    count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
    count(*) FILTER (WHERE mixed) AS mixed
   FROM sentiment.scored_reviews
  WHERE (product_id IS NOT NULL)
  GROUP BY product_id, day;

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
    written_day,
    count(*) AS reviews,
    count(*) FILTER (WHERE (label = 'positive'::sentiment.label)) AS positive,
    count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)) AS neutral,
    count(*) FILTER (WHERE (label = 'negative'::sentiment.label)) AS negative,
    round((avg(score))::numeric, 4) AS mean_score,
    round((avg(rating))::numeric, 2) AS mean_rating,
    round(((count(*) FILTER (WHERE (label = 'neutral'::sentiment.label)))::numeric / (count(*))::numeric), 4) AS neutral_ratio,
    count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
    count(*) FILTER (WHERE mixed) AS mixed
   FROM sentiment.scored_reviews
  WHERE (product_id IS NOT NULL)
  GROUP BY product_id, written_day;

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
-- Name: schema_version; Type: TABLE; Schema: sentiment; Owner: -
--

CREATE TABLE sentiment.schema_version (
    version_num character varying(32) NOT NULL
);

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
    planned_at timestamp with time zone DEFAULT now() NOT NULL
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
-- Name: review_by_key; Type: INDEX; Schema: sentiment; Owner: -
--

CREATE INDEX review_by_key ON ONLY sentiment.review USING btree (review_key) WHERE (review_key IS NOT NULL);

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
-- Name: source_file hide_superseded_files; Type: TRIGGER; Schema: sentiment; Owner: -
--

CREATE CONSTRAINT TRIGGER hide_superseded_files AFTER INSERT OR UPDATE OF status ON sentiment.source_file DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.status = ANY (ARRAY['loaded'::text, 'duplicate'::text]))) EXECUTE FUNCTION sentiment.hide_superseded_files();

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
-- Name: FUNCTION ensure_month(any_day date); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.ensure_month(any_day date) FROM PUBLIC;
GRANT ALL ON FUNCTION sentiment.ensure_month(any_day date) TO sentiment_writer;

--
-- Name: FUNCTION hide_superseded_files(); Type: ACL; Schema: sentiment; Owner: -
--

REVOKE ALL ON FUNCTION sentiment.hide_superseded_files() FROM PUBLIC;

--
-- Name: TABLE live_file; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.live_file TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.live_file TO sentiment_writer;

--
-- Name: TABLE model; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.model TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.model TO sentiment_writer;

--
-- Name: TABLE review; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.review TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.review TO sentiment_writer;

--
-- Name: TABLE review_head; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.review_head TO sentiment_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sentiment.review_head TO sentiment_writer;

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
-- Name: TABLE scored_reviews; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.scored_reviews TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.scored_reviews TO sentiment_writer;

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
-- Name: TABLE schema_version; Type: ACL; Schema: sentiment; Owner: -
--

GRANT SELECT ON TABLE sentiment.schema_version TO sentiment_reader;
GRANT SELECT ON TABLE sentiment.schema_version TO sentiment_writer;
GRANT SELECT ON TABLE sentiment.schema_version TO sentiment_service;

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
