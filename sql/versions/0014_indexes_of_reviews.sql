-- Indexes for the newest reviews of a product or an author. The expression is the column written_day of scored_reviews.
CREATE INDEX review_by_product ON sentiment.review
    (product_id, coalesce((reviewed_at AT TIME ZONE 'UTC')::date, day)) WHERE product_id IS NOT NULL;
CREATE INDEX review_by_author ON sentiment.review
    (author_id, coalesce((reviewed_at AT TIME ZONE 'UTC')::date, day)) WHERE author_id IS NOT NULL;
