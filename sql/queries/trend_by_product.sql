-- How did the sentiment of each product develop over the last 30 days, as a moving average of 7 days?
WITH latest AS (SELECT max(day) AS newest FROM sentiment.daily_sentiment)
SELECT product_id, day, reviews, mean_score,
       round(sum(mean_score * reviews) OVER week / sum(reviews) OVER week, 4) AS mean_score_7_days,
       sum(reviews) OVER week AS reviews_7_days
FROM sentiment.product_sentiment
WHERE day > (SELECT newest FROM latest) - 30
WINDOW week AS (PARTITION BY product_id ORDER BY day RANGE BETWEEN '6 days' PRECEDING AND CURRENT ROW)
ORDER BY product_id, day;
