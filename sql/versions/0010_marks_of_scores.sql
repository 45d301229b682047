-- Columns for the probability of neutral, the marks of a score, and the language of a text.

-- The views get these columns in the next migration, in another transaction. A query of a view locks the view before its
-- tables. If one transaction locked the tables and then replaced the view, it and a query that waits for a table would
-- wait for each other. The tables are locked in the order in which a load locks them.
ALTER TABLE sentiment.review
    ADD COLUMN language_detected text,
    ADD COLUMN language_certainty real;
COMMENT ON COLUMN sentiment.review.language_detected IS 'Language identified from the text: an ISO 639 code. Null if undetermined, and for rows of release 0.2.0 and earlier.';
COMMENT ON COLUMN sentiment.review.language_certainty IS 'Estimated probability that language_detected is right, 0 to 1.';

ALTER TABLE sentiment.score
    ADD COLUMN neutral real,
    ADD COLUMN unfamiliar boolean,
    ADD COLUMN mixed boolean;
COMMENT ON COLUMN sentiment.score.score IS 'How positive the review is, 0 to 1. P(positive) of a model with two labels; P(positive) + P(neutral) / 2 of a model with three.';
COMMENT ON COLUMN sentiment.score.neutral IS 'P(neutral), calibrated. Null if the model has two labels. Null for scores of release 0.2.0 and earlier, whose score is P(positive).';
COMMENT ON COLUMN sentiment.score.unfamiliar IS 'Whether the model knows hardly any n-gram of the text. Null for scores of release 0.2.0 and earlier.';
COMMENT ON COLUMN sentiment.score.mixed IS 'Whether one part of the review is clearly positive and another clearly negative. Null for scores of release 0.2.0 and earlier.';

ALTER TABLE sentiment.model
    ADD COLUMN labels text[],
    ADD COLUMN languages text[],
    ADD COLUMN experimental_languages text[];
COMMENT ON COLUMN sentiment.model.labels IS 'Labels of the model. Null until release 0.3.0 or later opens the model.';
COMMENT ON COLUMN sentiment.model.languages IS 'Languages that the model was trained on. Null until release 0.3.0 or later opens the model.';
COMMENT ON COLUMN sentiment.model.experimental_languages IS 'Those of languages in which the model was measured to be below the standard.';
