-- Which phrases moved the product whose sentiment changed most between the last two weeks?
-- Only products with enough reviews, and with a change that is more than chance (docs/drivers.md).
WITH mover AS (
    SELECT source, product_id
    FROM sentiment.sentiment_drivers
    WHERE product_id IS NOT NULL AND (change_low > 0 OR change_high < 0)
    ORDER BY abs(change) DESC, source, product_id
    LIMIT 1
)
SELECT source, product_id, change, phrase, movement, explained, reviews_then, reviews_now, examples
FROM sentiment.sentiment_drivers
JOIN mover USING (source, product_id)
ORDER BY rank
LIMIT 10;
