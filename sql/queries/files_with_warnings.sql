-- Warnings about the files of the last 30 days, with the columns as they were understood.
SELECT day, source, key, warning, reading ->> 'text' AS text_column, reading -> 'columns' AS known_columns
FROM sentiment.load_history, unnest(warnings) AS warning
WHERE day >= current_date - 30 AND live
ORDER BY day DESC, key, warning;
