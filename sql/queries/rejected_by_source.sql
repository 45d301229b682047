-- Which ratio of its rows did each source lose to the contract in the last 30 days, and which files entirely?
WITH latest AS (SELECT max(day) AS newest FROM sentiment.load_history),
latest_batch AS (  -- the batch that read the file last
    SELECT DISTINCT ON (source_file_id) source, status, rows_in, rows_rejected, rows_duplicate
    FROM sentiment.load_history
    WHERE (kind IN ('load', 'replace') OR status = 'rejected') AND day > (SELECT newest FROM latest) - 30
    ORDER BY source_file_id, batch_id DESC NULLS LAST
)
SELECT source, count(*) AS files, count(*) FILTER (WHERE status = 'rejected') AS files_rejected,
       sum(rows_in) AS rows, sum(rows_rejected) AS rows_rejected, sum(rows_duplicate) AS rows_duplicate,
       round(sum(rows_rejected) / nullif(sum(rows_in), 0), 4) AS rejected_ratio
FROM latest_batch
GROUP BY source
ORDER BY rejected_ratio DESC NULLS LAST, source;
