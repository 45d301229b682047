-- Sentiment by product and week of the files (Monday).
select
    product_id,
    date_trunc('week', day)::date as week,
    sum(reviews)::bigint as reviews,
    sum(positive)::bigint as positive,
    sum(neutral)::bigint as neutral,
    sum(negative)::bigint as negative,
    round(sum(mean_score * reviews) / sum(reviews), 4) as mean_score
from {{ source('sentiment', 'product_sentiment') }}
group by product_id, week
