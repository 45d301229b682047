-- Which products changed most from the week before to the last week, and is the change more than chance?
-- `clear` says that the 95 % Wilson intervals of the ratio of positive reviews do not overlap. Change the choice
-- to compare other periods, or to admit products with fewer reviews in each of the two.
WITH choice(days, least_reviews) AS (VALUES (7, 10)),
latest AS (SELECT max(day) AS newest FROM sentiment.daily_sentiment),
counts AS (
    SELECT product_id, day > newest - days AS now, sum(reviews) AS reviews, sum(positive) AS positive
    FROM sentiment.product_sentiment, choice, latest
    WHERE day > (SELECT newest - 2 * days FROM choice, latest)
    GROUP BY product_id, now
    HAVING sum(reviews) >= min(least_reviews)
),
intervals AS (
    -- Wilson (1927): 1.96 standard deviations around the centre, which is drawn towards 1/2.
    SELECT product_id, now, reviews, positive / reviews AS ratio,
           (positive + 1.9208) / (reviews + 3.8416) AS centre,
           1.96 * sqrt(positive * (reviews - positive) / reviews + 0.9604) / (reviews + 3.8416) AS half
    FROM counts
)
SELECT product_id, before.reviews AS reviews_before, after.reviews AS reviews_now,
       round(before.ratio, 3) AS positive_before,
       round(before.centre - before.half, 3) AS low_before, round(before.centre + before.half, 3) AS high_before,
       round(after.ratio, 3) AS positive_now,
       round(after.centre - after.half, 3) AS low_now, round(after.centre + after.half, 3) AS high_now,
       round(after.ratio - before.ratio, 3) AS change,
       abs(after.centre - before.centre) > after.half + before.half AS clear
FROM intervals AS before
JOIN intervals AS after USING (product_id)
WHERE after.now AND NOT before.now
ORDER BY abs(after.ratio - before.ratio) DESC, product_id
LIMIT 10;
