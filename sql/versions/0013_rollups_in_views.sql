-- Views that read the rollups, and reviews without a look-up of each head.

-- The score comes first: a query that needs no column of the review, such as a month's mean score, does not read reviews.
-- Every score has a stored row (`sentiment db verify` checks this).
CREATE OR REPLACE VIEW sentiment.scored_reviews AS
SELECT s.day, f.source, r.review_id, r.product_id, r.author_id, r.rating, r.reviewed_at, r.language, r.text, r.extra,
       s.label, s.score, s.out_of_language, m.digest AS model_digest,
       f.bucket, f.key, f.version_token, s.source_file_id, s.line, s.batch_id, r.nulled,
       coalesce((r.reviewed_at AT TIME ZONE 'UTC')::date, r.day) AS written_day,
       -- Both columns are rounded, so a probability near 0 can be negative by a rounding error.
       greatest(s.score - coalesce(s.neutral, 0) / 2, 0)::real AS positive,
       s.neutral,
       CASE WHEN s.neutral IS NOT NULL THEN greatest(1 - s.score - s.neutral / 2, 0)::real
            WHEN cardinality(m.labels) = 2 THEN (1 - s.score)::real END AS negative,
       s.unfamiliar, s.mixed, r.language_detected, r.language_certainty,
       CASE WHEN m.languages IS NULL OR written.language IS NULL THEN NULL
            WHEN written.language = ANY (m.experimental_languages) THEN 'experimental'
            WHEN written.language = ANY (m.languages) THEN 'supported'
            ELSE 'unsupported' END AS language_standing
FROM sentiment.score s
JOIN sentiment.live_file live ON live.source_file_id = s.source_file_id AND live.model_id = s.model_id
LEFT JOIN sentiment.source_file f ON f.source_file_id = s.source_file_id
LEFT JOIN sentiment.model m ON m.model_id = s.model_id
LEFT JOIN sentiment.review r ON r.day = s.day AND r.source_file_id = s.source_file_id AND r.line = s.line
CROSS JOIN LATERAL (
    SELECT coalesce(lower(split_part(replace(r.language, '_', '-'), '-', 1)), r.language_detected) AS language
) written
WHERE NOT s.superseded;

-- Each view reads a rollup. While the rollups are stale, it recounts the reviews; otherwise that is not executed.

CREATE OR REPLACE VIEW sentiment.daily_sentiment AS
SELECT day, source,
       reviews::bigint AS reviews, positive::bigint AS positive,
       neutral::bigint AS neutral, negative::bigint AS negative,
       (score_sum + reviews * 50000::bigint) / (reviews * 100000::bigint) * 0.0001 AS mean_score,
       round(rating_sum / (nullif(rated, 0) * 1e6), 2) AS mean_rating,
       (neutral * 20000::bigint + reviews) / (reviews * 2::bigint) * 0.0001 AS neutral_ratio,
       unfamiliar::bigint AS unfamiliar, mixed::bigint AS mixed
FROM (
    SELECT * FROM sentiment.daily_rollup WHERE (SELECT stale_since IS NULL FROM sentiment.rollup_state)
    UNION ALL SELECT * FROM sentiment.daily_recount() WHERE NOT (SELECT stale_since IS NULL FROM sentiment.rollup_state)
) sums
WHERE NOT by_written;

CREATE OR REPLACE VIEW sentiment.daily_sentiment_by_written_day AS
SELECT day AS written_day, source,
       reviews::bigint AS reviews, positive::bigint AS positive,
       neutral::bigint AS neutral, negative::bigint AS negative,
       (score_sum + reviews * 50000::bigint) / (reviews * 100000::bigint) * 0.0001 AS mean_score,
       round(rating_sum / (nullif(rated, 0) * 1e6), 2) AS mean_rating,
       (neutral * 20000::bigint + reviews) / (reviews * 2::bigint) * 0.0001 AS neutral_ratio,
       unfamiliar::bigint AS unfamiliar, mixed::bigint AS mixed
FROM (
    SELECT * FROM sentiment.daily_rollup WHERE (SELECT stale_since IS NULL FROM sentiment.rollup_state)
    UNION ALL SELECT * FROM sentiment.daily_recount() WHERE NOT (SELECT stale_since IS NULL FROM sentiment.rollup_state)
) sums
WHERE by_written;

CREATE OR REPLACE VIEW sentiment.daily_sentiment_by_language AS
SELECT day, source, nullif(language, '') AS language,
       CASE WHEN languages IS NULL OR language = '' THEN NULL
            WHEN language = ANY (experimental_languages) THEN 'experimental'
            WHEN language = ANY (languages) THEN 'supported'
            ELSE 'unsupported' END AS language_standing,
       sum(reviews)::bigint AS reviews, sum(positive)::bigint AS positive,
       sum(neutral)::bigint AS neutral, sum(negative)::bigint AS negative,
       (sum(score_sum)::bigint + sum(reviews) * 50000::bigint) / (sum(reviews) * 100000::bigint) * 0.0001 AS mean_score,
       round(sum(rating_sum) / (nullif(sum(rated), 0) * 1e6), 2) AS mean_rating,
       (sum(neutral) * 20000::bigint + sum(reviews)) / (sum(reviews) * 2::bigint) * 0.0001 AS neutral_ratio,
       sum(unfamiliar)::bigint AS unfamiliar, sum(mixed)::bigint AS mixed
FROM (
    SELECT * FROM sentiment.language_rollup WHERE (SELECT stale_since IS NULL FROM sentiment.rollup_state)
    UNION ALL SELECT * FROM sentiment.language_recount() WHERE NOT (SELECT stale_since IS NULL FROM sentiment.rollup_state)
) sums JOIN sentiment.model USING (model_id)
WHERE NOT by_written GROUP BY day, source, language, 4;
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.language IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Null if neither is known.';

CREATE VIEW sentiment.daily_sentiment_by_language_by_written_day AS
SELECT day AS written_day, source, nullif(language, '') AS language,
       CASE WHEN languages IS NULL OR language = '' THEN NULL
            WHEN language = ANY (experimental_languages) THEN 'experimental'
            WHEN language = ANY (languages) THEN 'supported'
            ELSE 'unsupported' END AS language_standing,
       sum(reviews)::bigint AS reviews, sum(positive)::bigint AS positive,
       sum(neutral)::bigint AS neutral, sum(negative)::bigint AS negative,
       (sum(score_sum)::bigint + sum(reviews) * 50000::bigint) / (sum(reviews) * 100000::bigint) * 0.0001 AS mean_score,
       round(sum(rating_sum) / (nullif(sum(rated), 0) * 1e6), 2) AS mean_rating,
       (sum(neutral) * 20000::bigint + sum(reviews)) / (sum(reviews) * 2::bigint) * 0.0001 AS neutral_ratio,
       sum(unfamiliar)::bigint AS unfamiliar, sum(mixed)::bigint AS mixed
FROM (
    SELECT * FROM sentiment.language_rollup WHERE (SELECT stale_since IS NULL FROM sentiment.rollup_state)
    UNION ALL SELECT * FROM sentiment.language_recount() WHERE NOT (SELECT stale_since IS NULL FROM sentiment.rollup_state)
) sums JOIN sentiment.model USING (model_id)
WHERE by_written GROUP BY day, source, language, 4;
COMMENT ON VIEW sentiment.daily_sentiment_by_language_by_written_day IS 'Sentiment by the day on which the reviews were written, source and language.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.written_day IS 'UTC day of reviewed_at. The day of the file for reviews without reviewed_at.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.source IS 'Source of the files.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.language IS 'Language from the source, without its region, or else the detected one. At most 35 characters. Null if neither is known.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.language_standing IS 'Standing of the language with the model that scored the reviews: supported, experimental or unsupported.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.reviews IS 'Live reviews.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.positive IS 'Reviews labelled positive.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.neutral IS 'Reviews labelled neutral.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.negative IS 'Reviews labelled negative.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.mean_rating IS 'Mean rating of the reviews that have a rating.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language_by_written_day.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

CREATE OR REPLACE VIEW sentiment.product_sentiment AS
SELECT product_id, day,
       reviews::bigint AS reviews, positive::bigint AS positive,
       neutral::bigint AS neutral, negative::bigint AS negative,
       (score_sum + reviews * 50000::bigint) / (reviews * 100000::bigint) * 0.0001 AS mean_score,
       round(rating_sum / (nullif(rated, 0) * 1e6), 2) AS mean_rating,
       (neutral * 20000::bigint + reviews) / (reviews * 2::bigint) * 0.0001 AS neutral_ratio,
       unfamiliar::bigint AS unfamiliar, mixed::bigint AS mixed
FROM (
    SELECT * FROM sentiment.product_rollup WHERE (SELECT stale_since IS NULL FROM sentiment.rollup_state)
    UNION ALL SELECT * FROM sentiment.product_recount() WHERE NOT (SELECT stale_since IS NULL FROM sentiment.rollup_state)
) sums
WHERE NOT by_written;

CREATE OR REPLACE VIEW sentiment.product_sentiment_by_written_day AS
SELECT product_id, day AS written_day,
       reviews::bigint AS reviews, positive::bigint AS positive,
       neutral::bigint AS neutral, negative::bigint AS negative,
       (score_sum + reviews * 50000::bigint) / (reviews * 100000::bigint) * 0.0001 AS mean_score,
       round(rating_sum / (nullif(rated, 0) * 1e6), 2) AS mean_rating,
       (neutral * 20000::bigint + reviews) / (reviews * 2::bigint) * 0.0001 AS neutral_ratio,
       unfamiliar::bigint AS unfamiliar, mixed::bigint AS mixed
FROM (
    SELECT * FROM sentiment.product_rollup WHERE (SELECT stale_since IS NULL FROM sentiment.rollup_state)
    UNION ALL SELECT * FROM sentiment.product_recount() WHERE NOT (SELECT stale_since IS NULL FROM sentiment.rollup_state)
) sums
WHERE by_written;

GRANT SELECT ON sentiment.daily_sentiment_by_language_by_written_day TO sentiment_reader, sentiment_writer;
