-- In which languages were the reviews of the last 30 days written, and how good is the model in them?
-- `standing` is null if the language could not be identified.
WITH latest AS (SELECT max(day) AS newest FROM sentiment.daily_sentiment)
SELECT language, language_standing AS standing, sum(reviews) AS reviews,
       round(sum(reviews) / sum(sum(reviews)) OVER (), 4) AS ratio,
       round(sum(mean_score * reviews) / sum(reviews), 3) AS mean_score, sum(unfamiliar) AS unfamiliar
FROM sentiment.daily_sentiment_by_language
WHERE day > (SELECT newest FROM latest) - 30
GROUP BY language, language_standing
ORDER BY reviews DESC, language;
