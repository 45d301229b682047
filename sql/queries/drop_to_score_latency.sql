-- How long did each file of the last 30 days take from its drop to its scores?
WITH latest AS (SELECT max(day) AS newest FROM sentiment.load_history)
SELECT day, source, key, rows_in,
       date_trunc('second', started_at - last_modified) AS waited,
       date_trunc('second', finished_at - started_at) AS worked,
       date_trunc('second', finished_at - last_modified) AS latency
FROM sentiment.load_history
WHERE kind = 'load' AND day > (SELECT newest FROM latest) - 30
ORDER BY latency DESC, key;
