-- Corrections that are stored once however often they are sent, and that name what they correct.

-- The service sends a correction again when it did not hear whether the commit took place. No release wrote rows before
-- this one, so that the table is rewritten costs nothing. A score is stored as it is given: real has no room for all.
ALTER TABLE sentiment.feedback
    ALTER COLUMN score TYPE double precision,
    ADD COLUMN feedback_key uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD CONSTRAINT feedback_is_stored_once UNIQUE (feedback_key),
    ADD CONSTRAINT feedback_score_is_a_probability CHECK (score BETWEEN 0 AND 1),
    ADD CONSTRAINT feedback_model_digest_is_sha256 CHECK (model_digest ~ '^[0-9a-f]{64}$');

COMMENT ON TABLE sentiment.feedback IS 'Corrections that users of the service sent: what label a text should have had.';
COMMENT ON COLUMN sentiment.feedback.feedback_id IS 'Order of storing; never reused.';
COMMENT ON COLUMN sentiment.feedback.feedback_key IS 'The feedback_id that the service answered with: made when the correction came in, before it was stored.';
COMMENT ON COLUMN sentiment.feedback.text IS 'The text, as it was sent.';
COMMENT ON COLUMN sentiment.feedback.label IS 'The label that is right in the user''s eyes.';
COMMENT ON COLUMN sentiment.feedback.score IS 'The score that the user was given, 0 to 1; null when the user did not say.';
COMMENT ON COLUMN sentiment.feedback.model_digest IS 'The model that gave the score, as the user says: it need not be in model; null when the user did not say.';
COMMENT ON COLUMN sentiment.feedback.received_at IS 'When the service took the correction; stored it may be later.';

-- Rights: 0001 lets sentiment_writer read, insert, change and delete feedback, and sentiment_reader read it.
