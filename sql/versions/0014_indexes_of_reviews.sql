-- Indexes for the newest reviews of a product or an author. The expression is the column written_day of scored_reviews.
CREATE INDEX review_by_product ON sentiment.review
    (product_id, coalesce((reviewed_at AT TIME ZONE 'UTC')::date, day)) WHERE product_id IS NOT NULL;
CREATE INDEX review_by_author ON sentiment.review
    (author_id, coalesce((reviewed_at AT TIME ZONE 'UTC')::date, day)) WHERE author_id IS NOT NULL;

-- The planner multiplies the selectivities of day, file and line, but a file has one day. With this setting it takes the
-- day for no restriction of a join of the whole tables, so it expects the right number of rows, and a query with a limit
-- stops early. Statistics of the months are not affected.
ALTER TABLE ONLY sentiment.review ALTER COLUMN day SET (n_distinct_inherited = 1);
ALTER TABLE ONLY sentiment.score ALTER COLUMN day SET (n_distinct_inherited = 1);

-- Without these statistics the planner underestimates the number of distinct rows, and looks up each review of a month
-- instead of hashing them. New months copy the statistics of the parent.
CREATE STATISTICS sentiment.score_places (ndistinct) ON day, source_file_id, line FROM sentiment.score;
DO $$
DECLARE
    child text;
BEGIN
    FOR child IN SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
                 WHERE inhparent = 'sentiment.score'::regclass LOOP
        EXECUTE format('CREATE STATISTICS sentiment.%I (ndistinct) ON day, source_file_id, line FROM sentiment.%I',
                       child || '_places', child);
    END LOOP;
END
$$;
