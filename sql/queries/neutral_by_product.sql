-- For which products does the model find no clear sentiment: the ratio of neutral reviews in the last 30 days?
WITH latest AS (SELECT max(day) AS newest FROM sentiment.daily_sentiment)
SELECT product_id, sum(reviews) AS reviews, sum(neutral) AS neutral,
       round(sum(neutral) / sum(reviews), 4) AS neutral_ratio, sum(mixed) AS mixed
FROM sentiment.product_sentiment
WHERE day > (SELECT newest FROM latest) - 30
GROUP BY product_id
ORDER BY neutral_ratio DESC, product_id;
