-- Why sentiment changed: for each large group of reviews, the phrases that moved it between the last two periods
-- (docs/drivers.md). The nightly run replaces the comparison of a group.

CREATE TABLE sentiment.driver_comparison (
    comparison_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        text NOT NULL,
    product_id    text,
    first_then    date NOT NULL,
    last_then     date NOT NULL,
    first_now     date NOT NULL,
    last_now      date NOT NULL,
    model_id      smallint NOT NULL REFERENCES sentiment.model (model_id),
    reviews_then  integer NOT NULL CHECK (reviews_then > 0),
    reviews_now   integer NOT NULL CHECK (reviews_now > 0),
    mean_then     double precision NOT NULL,
    mean_now      double precision NOT NULL,
    change        double precision NOT NULL,
    change_low    double precision NOT NULL,
    change_high   double precision NOT NULL,
    rest          double precision NOT NULL,
    computed_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX driver_comparison_of_a_source ON sentiment.driver_comparison (source) WHERE product_id IS NULL;
CREATE UNIQUE INDEX driver_comparison_of_a_product ON sentiment.driver_comparison (source, product_id)
    WHERE product_id IS NOT NULL;
COMMENT ON TABLE sentiment.driver_comparison IS 'Last comparison of two periods of each large group of reviews: a source, or a product of a source.';
COMMENT ON COLUMN sentiment.driver_comparison.comparison_id IS 'Number of the comparison; never reused.';
COMMENT ON COLUMN sentiment.driver_comparison.source IS 'Source of the reviews.';
COMMENT ON COLUMN sentiment.driver_comparison.product_id IS 'Product of the reviews; null for all reviews of the source.';
COMMENT ON COLUMN sentiment.driver_comparison.first_then IS 'First day of the earlier period. Days are those of the files.';
COMMENT ON COLUMN sentiment.driver_comparison.last_then IS 'Last day of the earlier period.';
COMMENT ON COLUMN sentiment.driver_comparison.first_now IS 'First day of the later period.';
COMMENT ON COLUMN sentiment.driver_comparison.last_now IS 'Last day of the later period.';
COMMENT ON COLUMN sentiment.driver_comparison.model_id IS 'Model whose contributions were summed: the champion of the run.';
COMMENT ON COLUMN sentiment.driver_comparison.reviews_then IS 'Live reviews of the earlier period.';
COMMENT ON COLUMN sentiment.driver_comparison.reviews_now IS 'Live reviews of the later period.';
COMMENT ON COLUMN sentiment.driver_comparison.mean_then IS 'Mean log-odds of positive in the earlier period.';
COMMENT ON COLUMN sentiment.driver_comparison.mean_now IS 'Mean log-odds of positive in the later period.';
COMMENT ON COLUMN sentiment.driver_comparison.change IS 'Change of the mean: the sum of the movements of all drivers and the rest.';
COMMENT ON COLUMN sentiment.driver_comparison.change_low IS 'Lower end of the 95 % confidence interval of the change.';
COMMENT ON COLUMN sentiment.driver_comparison.change_high IS 'Upper end of the 95 % confidence interval of the change.';
COMMENT ON COLUMN sentiment.driver_comparison.rest IS 'Movement of all phrases that are not stored.';
COMMENT ON COLUMN sentiment.driver_comparison.computed_at IS 'Time at which the comparison was stored.';

CREATE TABLE sentiment.driver (
    comparison_id bigint NOT NULL REFERENCES sentiment.driver_comparison ON DELETE CASCADE,
    rank          integer NOT NULL,
    phrase        text NOT NULL,
    movement      double precision NOT NULL,
    explained     double precision,
    reviews_then  integer NOT NULL,
    reviews_now   integer NOT NULL,
    ratio_change  double precision NOT NULL,
    ratio_low     double precision NOT NULL,
    ratio_high    double precision NOT NULL,
    PRIMARY KEY (comparison_id, rank)
);
COMMENT ON TABLE sentiment.driver IS 'Phrases that moved the mean log-odds of positive most, in each direction.';
COMMENT ON COLUMN sentiment.driver.comparison_id IS 'The comparison.';
COMMENT ON COLUMN sentiment.driver.rank IS 'Place by the size of the movement, from 1.';
COMMENT ON COLUMN sentiment.driver.phrase IS 'The phrase, spelled as in the first review that says it.';
COMMENT ON COLUMN sentiment.driver.movement IS 'What the phrase adds to the change of the mean log-odds.';
COMMENT ON COLUMN sentiment.driver.explained IS 'The movement as a ratio of the change; null if nothing changed.';
COMMENT ON COLUMN sentiment.driver.reviews_then IS 'Reviews of the earlier period that say it.';
COMMENT ON COLUMN sentiment.driver.reviews_now IS 'Reviews of the later period that say it.';
COMMENT ON COLUMN sentiment.driver.ratio_change IS 'Change of the ratio of reviews that say it.';
COMMENT ON COLUMN sentiment.driver.ratio_low IS 'Lower end of the 95 % confidence interval of the ratio''s change.';
COMMENT ON COLUMN sentiment.driver.ratio_high IS 'Upper end of the 95 % confidence interval of the ratio''s change.';

CREATE TABLE sentiment.driver_example (
    comparison_id  bigint NOT NULL,
    rank           integer NOT NULL,
    day            date NOT NULL,
    source_file_id bigint NOT NULL,
    line           integer NOT NULL,
    PRIMARY KEY (comparison_id, rank, day, source_file_id, line),
    FOREIGN KEY (comparison_id, rank) REFERENCES sentiment.driver ON DELETE CASCADE
);
CREATE INDEX driver_example_of_a_review ON sentiment.driver_example (day, source_file_id, line);
COMMENT ON TABLE sentiment.driver_example IS 'Reviews that say a phrase. Erasing or expiring a review deletes its rows.';
COMMENT ON COLUMN sentiment.driver_example.comparison_id IS 'The comparison.';
COMMENT ON COLUMN sentiment.driver_example.rank IS 'Rank of the phrase.';
COMMENT ON COLUMN sentiment.driver_example.day IS 'Day of the review.';
COMMENT ON COLUMN sentiment.driver_example.source_file_id IS 'File of the review.';
COMMENT ON COLUMN sentiment.driver_example.line IS 'Line of the review.';

CREATE VIEW sentiment.sentiment_drivers AS
SELECT c.source, c.product_id, c.first_then, c.last_then, c.first_now, c.last_now,
       c.change, d.rank, d.phrase, d.movement, d.explained, d.reviews_then, d.reviews_now,
       d.ratio_change, d.ratio_low, d.ratio_high, said.examples,
       c.reviews_then AS all_reviews_then, c.reviews_now AS all_reviews_now, c.mean_then, c.mean_now,
       c.change_low, c.change_high, c.rest, m.digest AS model_digest, c.computed_at
FROM sentiment.driver_comparison c
JOIN sentiment.driver d USING (comparison_id)
JOIN sentiment.model m USING (model_id)
CROSS JOIN LATERAL (
    SELECT array_agg(r.text ORDER BY r.day, r.source_file_id, r.line) AS examples
    FROM sentiment.driver_example e
    JOIN sentiment.scored_reviews r ON r.day = e.day AND r.source_file_id = e.source_file_id AND r.line = e.line
    WHERE e.comparison_id = d.comparison_id AND e.rank = d.rank
) said;
COMMENT ON VIEW sentiment.sentiment_drivers IS 'Phrases that moved sentiment between the last two periods of each large group of reviews.';
COMMENT ON COLUMN sentiment.sentiment_drivers.source IS 'Source of the reviews.';
COMMENT ON COLUMN sentiment.sentiment_drivers.product_id IS 'Product of the reviews; null for all reviews of the source.';
COMMENT ON COLUMN sentiment.sentiment_drivers.first_then IS 'First day of the earlier period. Days are those of the files.';
COMMENT ON COLUMN sentiment.sentiment_drivers.last_then IS 'Last day of the earlier period.';
COMMENT ON COLUMN sentiment.sentiment_drivers.first_now IS 'First day of the later period.';
COMMENT ON COLUMN sentiment.sentiment_drivers.last_now IS 'Last day of the later period.';
COMMENT ON COLUMN sentiment.sentiment_drivers.change IS 'Change of the mean log-odds of positive: the sum of all movements of the group and the rest.';
COMMENT ON COLUMN sentiment.sentiment_drivers.rank IS 'Place by the size of the movement, from 1.';
COMMENT ON COLUMN sentiment.sentiment_drivers.phrase IS 'The phrase, spelled as in the first review that says it.';
COMMENT ON COLUMN sentiment.sentiment_drivers.movement IS 'What the phrase adds to the change.';
COMMENT ON COLUMN sentiment.sentiment_drivers.explained IS 'The movement as a ratio of the change; null if nothing changed.';
COMMENT ON COLUMN sentiment.sentiment_drivers.reviews_then IS 'Reviews of the earlier period that say the phrase.';
COMMENT ON COLUMN sentiment.sentiment_drivers.reviews_now IS 'Reviews of the later period that say the phrase.';
COMMENT ON COLUMN sentiment.sentiment_drivers.ratio_change IS 'Change of the ratio of reviews that say the phrase.';
COMMENT ON COLUMN sentiment.sentiment_drivers.ratio_low IS 'Lower end of the 95 % confidence interval of the ratio''s change.';
COMMENT ON COLUMN sentiment.sentiment_drivers.ratio_high IS 'Upper end of the 95 % confidence interval of the ratio''s change.';
COMMENT ON COLUMN sentiment.sentiment_drivers.examples IS 'Texts of up to three live reviews that say the phrase; null if none is left.';
COMMENT ON COLUMN sentiment.sentiment_drivers.all_reviews_then IS 'Reviews of the earlier period.';
COMMENT ON COLUMN sentiment.sentiment_drivers.all_reviews_now IS 'Reviews of the later period.';
COMMENT ON COLUMN sentiment.sentiment_drivers.mean_then IS 'Mean log-odds of positive in the earlier period.';
COMMENT ON COLUMN sentiment.sentiment_drivers.mean_now IS 'Mean log-odds of positive in the later period.';
COMMENT ON COLUMN sentiment.sentiment_drivers.change_low IS 'Lower end of the 95 % confidence interval of the change.';
COMMENT ON COLUMN sentiment.sentiment_drivers.change_high IS 'Upper end of the 95 % confidence interval of the change.';
COMMENT ON COLUMN sentiment.sentiment_drivers.rest IS 'Movement of all phrases that are not listed.';
COMMENT ON COLUMN sentiment.sentiment_drivers.model_digest IS 'SHA-256 of the model whose contributions were summed.';
COMMENT ON COLUMN sentiment.sentiment_drivers.computed_at IS 'Time of the comparison.';

GRANT SELECT ON sentiment.driver_comparison, sentiment.driver, sentiment.driver_example, sentiment.sentiment_drivers
    TO sentiment_reader, sentiment_writer;
GRANT INSERT, UPDATE, DELETE ON sentiment.driver_comparison, sentiment.driver, sentiment.driver_example
    TO sentiment_writer;
