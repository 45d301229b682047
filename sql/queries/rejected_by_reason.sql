-- What was rejected in the last 30 days, by source and reason, with an example of each.
SELECT source, code, count(*) AS rejected, min(key) AS example_file, min(line) AS example_line
FROM sentiment.quarantine
WHERE day >= current_date - 30 AND NOT resolved
GROUP BY source, code
ORDER BY rejected DESC;
