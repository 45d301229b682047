-- Products with the worst mean score in the last 30 days that have at least 10 reviews.
SELECT product_id, sum(reviews) AS reviews, round(sum(mean_score * reviews) / sum(reviews), 3) AS mean_score
FROM sentiment.product_sentiment
WHERE day >= current_date - 30
GROUP BY product_id
HAVING sum(reviews) >= 10
ORDER BY mean_score
LIMIT 20;
