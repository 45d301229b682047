-- Which aspects, such as price or delivery, do the reviews of each product complain about most in the last 30 days?
-- Only aspects that at least 3 reviews mention. Reviews without a product are one group (docs/drivers.md).
WITH choice (days, least_mentions) AS (VALUES (30, 3)),
latest AS (SELECT max(day) AS newest FROM sentiment.aspect_sentiment)
SELECT product_id, aspect, sum(reviews) AS mentions, sum(negative) AS negative, sum(positive) AS positive,
       round(sum(negative)::numeric / sum(reviews), 3) AS negative_ratio,
       sum(mean_log_odds * reviews) / sum(reviews) AS mean_log_odds
FROM sentiment.aspect_sentiment CROSS JOIN choice CROSS JOIN latest
WHERE day > newest - days
GROUP BY product_id, aspect, least_mentions
HAVING sum(reviews) >= least_mentions
ORDER BY negative_ratio DESC, mentions DESC, product_id, aspect
LIMIT 20;
