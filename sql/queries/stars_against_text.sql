-- Reviews whose text and stars disagree most: many stars and a bad text, or few stars and a good one.
SELECT day, product_id, rating, score, text
FROM sentiment.scored_reviews
WHERE day >= current_date - 30 AND (rating >= 4 AND score < 0.2 OR rating <= 2 AND score > 0.8)
ORDER BY abs(rating / 5 - score) DESC
LIMIT 20;
