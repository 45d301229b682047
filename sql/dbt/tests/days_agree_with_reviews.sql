-- Days and sources for which the view by day and the view of single reviews disagree. This reads all reviews.
with counted as (
    select day, source, count(*) as reviews from {{ source('sentiment', 'scored_reviews') }} group by day, source
)
select day, source, counted.reviews, daily.reviews as reviews_by_day
from counted
full join {{ source('sentiment', 'daily_sentiment') }} as daily using (day, source)
where counted.reviews is distinct from daily.reviews
