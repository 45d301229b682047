-- What reviews say about aspects such as price or delivery (docs/drivers.md). The nightly run keeps the newest days.

CREATE TABLE sentiment.aspect_day (
    day         date PRIMARY KEY,
    model_id    smallint NOT NULL REFERENCES sentiment.model (model_id),
    aspects     text NOT NULL,
    reviews     numeric NOT NULL,
    computed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE sentiment.aspect_day IS 'Days of which the aspects are kept, and what they were computed of.';
COMMENT ON COLUMN sentiment.aspect_day.day IS 'Day of the files.';
COMMENT ON COLUMN sentiment.aspect_day.model_id IS 'Model whose contributions were summed: the champion of the run.';
COMMENT ON COLUMN sentiment.aspect_day.aspects IS 'SHA-256 of the names and words of the aspects.';
COMMENT ON COLUMN sentiment.aspect_day.reviews IS 'Hash of the sums of the day''s live reviews. If the sums have another one, the next run computes the day again.';
COMMENT ON COLUMN sentiment.aspect_day.computed_at IS 'Time at which the aspects of the day were stored.';

CREATE TABLE sentiment.aspect_total (
    day        date NOT NULL REFERENCES sentiment.aspect_day ON DELETE CASCADE,
    source     text NOT NULL,
    product_id text,
    aspect     text NOT NULL,
    reviews    integer NOT NULL CHECK (reviews > 0),
    positive   integer NOT NULL,
    negative   integer NOT NULL,
    log_odds   double precision NOT NULL
);
CREATE INDEX aspect_total_by_day ON sentiment.aspect_total (day, source);
CREATE INDEX aspect_total_by_product ON sentiment.aspect_total (product_id, day) WHERE product_id IS NOT NULL;
COMMENT ON TABLE sentiment.aspect_total IS 'Reviews of a day, source and product that mention an aspect.';
COMMENT ON COLUMN sentiment.aspect_total.day IS 'Day of the files.';
COMMENT ON COLUMN sentiment.aspect_total.source IS 'Source of the reviews.';
COMMENT ON COLUMN sentiment.aspect_total.product_id IS 'Product of the reviews; null for reviews without one.';
COMMENT ON COLUMN sentiment.aspect_total.aspect IS 'Name of the aspect.';
COMMENT ON COLUMN sentiment.aspect_total.reviews IS 'Live reviews that mention it.';
COMMENT ON COLUMN sentiment.aspect_total.positive IS 'Reviews whose clauses that mention it raise the log-odds by at least 0.1.';
COMMENT ON COLUMN sentiment.aspect_total.negative IS 'Reviews whose clauses that mention it lower the log-odds by at least 0.1.';
COMMENT ON COLUMN sentiment.aspect_total.log_odds IS 'Sum of what these clauses add to the log-odds of positive.';

CREATE VIEW sentiment.aspect_sentiment AS
SELECT t.day, t.source, t.product_id, t.aspect, t.reviews, t.positive, t.negative,
       t.log_odds / t.reviews AS mean_log_odds,
       t.positive::double precision / t.reviews AS positive_ratio,
       t.negative::double precision / t.reviews AS negative_ratio,
       m.digest AS model_digest, d.computed_at
FROM sentiment.aspect_total t
JOIN sentiment.aspect_day d USING (day)
JOIN sentiment.model m USING (model_id);
COMMENT ON VIEW sentiment.aspect_sentiment IS 'What reviews say about each aspect, such as the price, by day, source and product.';
COMMENT ON COLUMN sentiment.aspect_sentiment.day IS 'Day of the files.';
COMMENT ON COLUMN sentiment.aspect_sentiment.source IS 'Source of the reviews.';
COMMENT ON COLUMN sentiment.aspect_sentiment.product_id IS 'Product of the reviews; null for reviews without one.';
COMMENT ON COLUMN sentiment.aspect_sentiment.aspect IS 'Name of the aspect.';
COMMENT ON COLUMN sentiment.aspect_sentiment.reviews IS 'Live reviews that mention it.';
COMMENT ON COLUMN sentiment.aspect_sentiment.positive IS 'Reviews whose clauses that mention it raise the log-odds of positive by at least 0.1.';
COMMENT ON COLUMN sentiment.aspect_sentiment.negative IS 'Reviews whose clauses that mention it lower the log-odds of positive by at least 0.1.';
COMMENT ON COLUMN sentiment.aspect_sentiment.mean_log_odds IS 'Mean of what the clauses that mention it add to the log-odds of positive of their review.';
COMMENT ON COLUMN sentiment.aspect_sentiment.positive_ratio IS 'Ratio of positive to reviews, 0 to 1.';
COMMENT ON COLUMN sentiment.aspect_sentiment.negative_ratio IS 'Ratio of negative to reviews, 0 to 1.';
COMMENT ON COLUMN sentiment.aspect_sentiment.model_digest IS 'SHA-256 of the model whose contributions were summed.';
COMMENT ON COLUMN sentiment.aspect_sentiment.computed_at IS 'Time at which the aspects of the day were stored.';

GRANT SELECT ON sentiment.aspect_day, sentiment.aspect_total, sentiment.aspect_sentiment
    TO sentiment_reader, sentiment_writer;
GRANT INSERT, UPDATE, DELETE ON sentiment.aspect_day, sentiment.aspect_total TO sentiment_writer;
