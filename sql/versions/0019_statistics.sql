-- Autovacuum analyzes partitions, but never the partitioned tables themselves. Without their statistics the planner
-- expects one row of a product, and sorts all of its reviews instead of reading the newest ones by an index.
-- SECURITY DEFINER, because a writer does not own the tables.
CREATE FUNCTION sentiment.refresh_statistics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sentiment, pg_temp
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
COMMENT ON FUNCTION sentiment.refresh_statistics IS 'Refreshes the planner statistics of review and score over all months, which autovacuum does not.';
REVOKE ALL ON FUNCTION sentiment.refresh_statistics FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sentiment.refresh_statistics TO sentiment_writer;
