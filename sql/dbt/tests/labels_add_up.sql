-- Days whose labels do not add up to the reviews.
select * from {{ source('sentiment', 'daily_sentiment') }} where positive + neutral + negative <> reviews
union all
select * from {{ source('sentiment', 'daily_sentiment_by_written_day') }} where positive + neutral + negative <> reviews
