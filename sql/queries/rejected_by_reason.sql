-- Why were rows and files of the last 30 days rejected, by source and reason, with an example of each?
WITH latest AS (SELECT max(day) AS newest FROM sentiment.load_history)
SELECT source, code, count(*) AS rejected, min(key) AS example_file, min(line) AS example_line
FROM sentiment.quarantine
WHERE day > (SELECT newest FROM latest) - 30 AND NOT resolved
GROUP BY source, code
ORDER BY rejected DESC, source, code;
