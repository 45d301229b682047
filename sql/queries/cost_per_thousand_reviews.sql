-- What did scoring a thousand reviews cost on each of the last 30 days?
-- The price is that of the machine of one task for an hour. The time is that of the batches, without waiting.
WITH price(usd_per_hour) AS (VALUES (0.05)),
latest AS (SELECT max(finished_at) AS at FROM sentiment.load_history)
SELECT (finished_at AT TIME ZONE 'UTC')::date AS worked_on, kind, sum(rows_scored) AS reviews,
       round(sum(extract(epoch FROM finished_at - started_at)), 1) AS seconds,
       round(sum(rows_scored) / nullif(sum(extract(epoch FROM finished_at - started_at)), 0)) AS reviews_per_second,
       round(sum(extract(epoch FROM finished_at - started_at)) / 3600 * usd_per_hour
             / nullif(sum(rows_scored), 0) * 1000, 6) AS usd_per_thousand
FROM sentiment.load_history, price
WHERE kind IS NOT NULL AND finished_at > (SELECT at FROM latest) - interval '30 days'
GROUP BY worked_on, kind, usd_per_hour
ORDER BY worked_on, kind;
