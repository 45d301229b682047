-- Which reviews contradict their stars: many stars and a bad text, or few stars and a good text?
WITH latest AS (SELECT max(day) AS newest FROM sentiment.daily_sentiment)
SELECT day, product_id, rating, score, text
FROM sentiment.scored_reviews
WHERE day > (SELECT newest FROM latest) - 30 AND (rating >= 4 AND score < 0.2 OR rating <= 2 AND score > 0.8)
ORDER BY abs(rating / 5 - score) DESC, day, text
LIMIT 20;
