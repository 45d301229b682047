-- Which files of the last 30 days were loaded with a warning, and how were their columns understood?
WITH latest AS (SELECT max(day) AS newest FROM sentiment.load_history)
SELECT day, source, key, warning, reading ->> 'text' AS text_column, reading -> 'columns' AS known_columns
FROM sentiment.load_history, unnest(warnings) AS warning
WHERE day > (SELECT newest FROM latest) - 30 AND live
ORDER BY day DESC, key, warning;
