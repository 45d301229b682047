-- Which reviews of the last 30 days do two models label differently?
WITH latest AS (SELECT max(day) AS newest FROM sentiment.daily_sentiment)
SELECT r.day, r.text, first_model.name AS first_model, first.label AS first_label, first.score AS first_score,
       second_model.name AS second_model, second.label AS second_label, second.score AS second_score
FROM sentiment.review r
JOIN sentiment.score first USING (day, source_file_id, line)
JOIN sentiment.score second USING (day, source_file_id, line)
JOIN sentiment.model first_model ON first_model.model_id = first.model_id
JOIN sentiment.model second_model ON second_model.model_id = second.model_id
WHERE r.day > (SELECT newest FROM latest) - 30 AND first.model_id < second.model_id AND first.label <> second.label
ORDER BY abs(first.score - second.score) DESC, r.day, r.text
LIMIT 20;
