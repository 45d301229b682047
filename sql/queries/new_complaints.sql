-- Which words do negative reviews of the last 30 days use that no negative review of the 30 days before used?
-- Words are English stems without stop words, from PostgreSQL's text search. Change the choice to compare other
-- periods, or to see words of fewer reviews.
WITH choice(days, least_reviews) AS (VALUES (30, 3)),
latest AS (SELECT max(day) AS newest FROM sentiment.daily_sentiment),
words AS (
    SELECT word, count(*) FILTER (WHERE review.day > newest - days) AS reviews_now,
           count(*) FILTER (WHERE review.day <= newest - days) AS reviews_before,
           string_agg(DISTINCT product_id, ', ' ORDER BY product_id) AS products, min(text) AS example
    FROM sentiment.scored_reviews review, choice, latest, unnest(tsvector_to_array(to_tsvector('english', text))) AS word
    WHERE label = 'negative' AND review.day > (SELECT newest - 2 * days FROM choice, latest)
    GROUP BY word
)
SELECT word, reviews_now AS reviews, products, example
FROM words, choice
WHERE reviews_before = 0 AND reviews_now >= least_reviews AND word ~ '[[:alpha:]]'
ORDER BY reviews_now DESC, word
LIMIT 20;
