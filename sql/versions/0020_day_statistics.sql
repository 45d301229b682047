-- Migration 0014 lets the planner take the day for no restriction of a join of the whole tables. But if a day is among
-- the most common values of both tables, the planner multiplies its frequencies instead, and expects one row. Whether
-- one is depends on the sample. With a statistics target of one there is at most one such day, and with two distinct
-- values the planner also counts the rows of all other days.
ALTER TABLE ONLY sentiment.review ALTER COLUMN day SET STATISTICS 1;
ALTER TABLE ONLY sentiment.review ALTER COLUMN day SET (n_distinct_inherited = 2);
ALTER TABLE ONLY sentiment.score ALTER COLUMN day SET STATISTICS 1;
ALTER TABLE ONLY sentiment.score ALTER COLUMN day SET (n_distinct_inherited = 2);
