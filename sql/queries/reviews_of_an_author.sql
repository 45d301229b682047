-- What did one author write, newest first?
WITH author(id) AS (VALUES ('u-2198'))
SELECT written_day, source, product_id, rating, label, score, text
FROM sentiment.scored_reviews
WHERE author_id = (SELECT id FROM author)
ORDER BY reviewed_at DESC NULLS LAST, day DESC, line DESC
LIMIT 100;
