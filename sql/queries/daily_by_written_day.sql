-- How did sentiment develop over the last 30 days, by the day on which the reviews were written?
-- The mean of 7 days weights each day by its reviews. The period ends with the newest such day.
WITH latest AS (SELECT max(written_day) AS newest FROM sentiment.daily_sentiment_by_written_day)
SELECT written_day, sum(reviews) AS reviews,
       round(sum(mean_score * reviews) / sum(reviews), 3) AS mean_score,
       round(sum(sum(mean_score * reviews)) OVER week / sum(sum(reviews)) OVER week, 3) AS mean_score_7_days
FROM sentiment.daily_sentiment_by_written_day
WHERE written_day > (SELECT newest FROM latest) - 30
GROUP BY written_day
WINDOW week AS (ORDER BY written_day RANGE BETWEEN '6 days' PRECEDING AND CURRENT ROW)
ORDER BY written_day;
