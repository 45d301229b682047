-- Sentiment of the last 30 days by the day on which the reviews were written, with the mean of 7 days.
SELECT written_day, sum(reviews) AS reviews,
       round(sum(mean_score * reviews) / sum(reviews), 3) AS mean_score,
       round(sum(sum(mean_score * reviews)) OVER week / sum(sum(reviews)) OVER week, 3) AS mean_score_7_days
FROM sentiment.daily_sentiment_by_written_day
WHERE written_day >= current_date - 30
GROUP BY written_day
WINDOW week AS (ORDER BY written_day RANGE BETWEEN '6 days' PRECEDING AND CURRENT ROW)
ORDER BY written_day;
