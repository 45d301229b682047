-- Which products had the worst mean score in the last 30 days, among those with at least 10 reviews?
WITH latest AS (SELECT max(day) AS newest FROM sentiment.daily_sentiment)
SELECT product_id, sum(reviews) AS reviews, round(sum(mean_score * reviews) / sum(reviews), 3) AS mean_score
FROM sentiment.product_sentiment
WHERE day > (SELECT newest FROM latest) - 30
GROUP BY product_id
HAVING sum(reviews) >= 10
ORDER BY mean_score, product_id
LIMIT 20;
