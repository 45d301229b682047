-- Views of the probabilities, the marks of a score, and the languages.

CREATE OR REPLACE VIEW sentiment.scored_reviews AS
SELECT r.day, f.source, r.review_id, r.product_id, r.author_id, r.rating, r.reviewed_at, r.language, r.text, r.extra,
       s.label, s.score, s.out_of_language, m.digest AS model_digest,
       f.bucket, f.key, f.version_token, r.source_file_id, r.line, s.batch_id, r.nulled,
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
FROM sentiment.review r
JOIN sentiment.live_file USING (source_file_id)
JOIN sentiment.source_file f USING (source_file_id)
JOIN sentiment.score s ON s.day = r.day AND s.source_file_id = r.source_file_id AND s.line = r.line
    AND s.model_id = f.current_model_id
JOIN sentiment.model m ON m.model_id = s.model_id
LEFT JOIN sentiment.review_head h ON h.review_key = r.review_key
CROSS JOIN LATERAL (
    SELECT coalesce(lower(split_part(replace(r.language, '_', '-'), '-', 1)), r.language_detected) AS language
) written
WHERE r.review_key IS NULL OR (h.source_file_id = r.source_file_id AND h.line = r.line);
COMMENT ON COLUMN sentiment.scored_reviews.label IS 'negative, neutral or positive. A model of two labels says neutral when it abstains.';
COMMENT ON COLUMN sentiment.scored_reviews.score IS 'How positive the review is, 0 to 1. P(positive) of a model with two labels; P(positive) + P(neutral) / 2 of a model with three.';
COMMENT ON COLUMN sentiment.scored_reviews.positive IS 'P(positive), calibrated.';
COMMENT ON COLUMN sentiment.scored_reviews.neutral IS 'P(neutral), calibrated. Null if the model has two labels, and for scores of release 0.2.0 and earlier.';
COMMENT ON COLUMN sentiment.scored_reviews.negative IS 'P(negative), calibrated. Null for scores of release 0.2.0 and earlier by a model that was not opened since, or has three labels.';
COMMENT ON COLUMN sentiment.scored_reviews.unfamiliar IS 'Whether the model knows hardly any n-gram of the text, so the score means little. Null for scores of release 0.2.0 and earlier.';
COMMENT ON COLUMN sentiment.scored_reviews.mixed IS 'Whether one part of the review is clearly positive and another clearly negative. Null for scores of release 0.2.0 and earlier.';
COMMENT ON COLUMN sentiment.scored_reviews.language_detected IS 'Language identified from the text: an ISO 639 code. Null if undetermined, and for rows of release 0.2.0 and earlier.';
COMMENT ON COLUMN sentiment.scored_reviews.language_certainty IS 'Estimated probability that language_detected is right, 0 to 1.';
COMMENT ON COLUMN sentiment.scored_reviews.language_standing IS 'Standing of the language from the source, or else of the detected one, with the model: supported, experimental or unsupported. Null if no language is known.';

CREATE OR REPLACE VIEW sentiment.daily_sentiment AS
SELECT day, source,
       count(*) AS reviews,
       count(*) FILTER (WHERE label = 'positive') AS positive,
       count(*) FILTER (WHERE label = 'neutral') AS neutral,
       count(*) FILTER (WHERE label = 'negative') AS negative,
       round(avg(score)::numeric, 4) AS mean_score,
       round(avg(rating)::numeric, 2) AS mean_rating,
       round(count(*) FILTER (WHERE label = 'neutral')::numeric / count(*), 4) AS neutral_ratio,
       count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
       count(*) FILTER (WHERE mixed) AS mixed
FROM sentiment.scored_reviews
GROUP BY day, source;
COMMENT ON COLUMN sentiment.daily_sentiment.neutral IS 'Reviews labelled neutral.';
COMMENT ON COLUMN sentiment.daily_sentiment.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';
COMMENT ON COLUMN sentiment.daily_sentiment.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';
COMMENT ON COLUMN sentiment.daily_sentiment.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';
COMMENT ON COLUMN sentiment.daily_sentiment.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

CREATE OR REPLACE VIEW sentiment.product_sentiment AS
SELECT product_id, day,
       count(*) AS reviews,
       count(*) FILTER (WHERE label = 'positive') AS positive,
       count(*) FILTER (WHERE label = 'neutral') AS neutral,
       count(*) FILTER (WHERE label = 'negative') AS negative,
       round(avg(score)::numeric, 4) AS mean_score,
       round(avg(rating)::numeric, 2) AS mean_rating,
       round(count(*) FILTER (WHERE label = 'neutral')::numeric / count(*), 4) AS neutral_ratio,
       count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
       count(*) FILTER (WHERE mixed) AS mixed
FROM sentiment.scored_reviews
WHERE product_id IS NOT NULL
GROUP BY product_id, day;
COMMENT ON COLUMN sentiment.product_sentiment.neutral IS 'Reviews labelled neutral.';
COMMENT ON COLUMN sentiment.product_sentiment.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';
COMMENT ON COLUMN sentiment.product_sentiment.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';
COMMENT ON COLUMN sentiment.product_sentiment.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';
COMMENT ON COLUMN sentiment.product_sentiment.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

CREATE OR REPLACE VIEW sentiment.daily_sentiment_by_written_day AS
SELECT written_day, source,
       count(*) AS reviews,
       count(*) FILTER (WHERE label = 'positive') AS positive,
       count(*) FILTER (WHERE label = 'neutral') AS neutral,
       count(*) FILTER (WHERE label = 'negative') AS negative,
       round(avg(score)::numeric, 4) AS mean_score,
       round(avg(rating)::numeric, 2) AS mean_rating,
       round(count(*) FILTER (WHERE label = 'neutral')::numeric / count(*), 4) AS neutral_ratio,
       count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
       count(*) FILTER (WHERE mixed) AS mixed
FROM sentiment.scored_reviews
GROUP BY written_day, source;
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.neutral IS 'Reviews labelled neutral.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_written_day.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

CREATE OR REPLACE VIEW sentiment.product_sentiment_by_written_day AS
SELECT product_id, written_day,
       count(*) AS reviews,
       count(*) FILTER (WHERE label = 'positive') AS positive,
       count(*) FILTER (WHERE label = 'neutral') AS neutral,
       count(*) FILTER (WHERE label = 'negative') AS negative,
       round(avg(score)::numeric, 4) AS mean_score,
       round(avg(rating)::numeric, 2) AS mean_rating,
       round(count(*) FILTER (WHERE label = 'neutral')::numeric / count(*), 4) AS neutral_ratio,
       count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
       count(*) FILTER (WHERE mixed) AS mixed
FROM sentiment.scored_reviews
WHERE product_id IS NOT NULL
GROUP BY product_id, written_day;
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.neutral IS 'Reviews labelled neutral.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';
COMMENT ON COLUMN sentiment.product_sentiment_by_written_day.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

CREATE VIEW sentiment.daily_sentiment_by_language AS
SELECT day, source, coalesce(lower(split_part(replace(language, '_', '-'), '-', 1)), language_detected) AS language,
       language_standing,
       count(*) AS reviews,
       count(*) FILTER (WHERE label = 'positive') AS positive,
       count(*) FILTER (WHERE label = 'neutral') AS neutral,
       count(*) FILTER (WHERE label = 'negative') AS negative,
       round(avg(score)::numeric, 4) AS mean_score,
       round(avg(rating)::numeric, 2) AS mean_rating,
       round(count(*) FILTER (WHERE label = 'neutral')::numeric / count(*), 4) AS neutral_ratio,
       count(*) FILTER (WHERE unfamiliar) AS unfamiliar,
       count(*) FILTER (WHERE mixed) AS mixed
FROM sentiment.scored_reviews
GROUP BY day, source, 3, language_standing;
COMMENT ON VIEW sentiment.daily_sentiment_by_language IS 'Sentiment by day, source and language.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.day IS 'Day of the files.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.source IS 'Source of the files.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.language IS 'Language from the source, without its region, or else the detected one. Null if neither is known.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.language_standing IS 'Standing of the language with the model that scored the reviews: supported, experimental or unsupported.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.reviews IS 'Live reviews.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.positive IS 'Reviews labelled positive.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.negative IS 'Reviews labelled negative.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.mean_rating IS 'Mean rating of the reviews that have a rating.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.neutral IS 'Reviews labelled neutral.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.mean_score IS 'Mean score: how positive the reviews are, 0 to 1.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.neutral_ratio IS 'Ratio of reviews labelled neutral, 0 to 1.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.unfamiliar IS 'Reviews of which the model knows hardly any n-gram.';
COMMENT ON COLUMN sentiment.daily_sentiment_by_language.mixed IS 'Reviews with a clearly positive and a clearly negative part.';

GRANT SELECT ON sentiment.daily_sentiment_by_language TO sentiment_reader, sentiment_writer;
