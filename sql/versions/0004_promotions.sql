-- The history of model aliases: what was meant, what came of it, and who moved an alias past it.

-- A row is written before the alias is moved and settled after it, so that a crash in between is seen. No release wrote
-- rows before this one.
ALTER TABLE sentiment.promotion
    ADD COLUMN kind text NOT NULL DEFAULT 'set' CHECK (kind IN ('promote', 'force', 'set', 'rollback', 'external')),
    ADD COLUMN state text NOT NULL DEFAULT 'moved' CHECK (state IN ('intended', 'moved', 'failed', 'refused')),
    ADD COLUMN from_version integer,
    ADD COLUMN detail text NOT NULL DEFAULT '',
    ADD COLUMN asked_at timestamptz NOT NULL DEFAULT now(),
    ALTER COLUMN to_digest DROP NOT NULL,
    -- An alias that was deleted, or set to a version without a digest, in MLflow itself.
    ADD CONSTRAINT only_external_moves_lead_nowhere CHECK (to_digest IS NOT NULL OR kind = 'external'),
    ADD CONSTRAINT promotion_has_a_reason CHECK (btrim(reason) <> ''),
    ADD CONSTRAINT promotion_has_a_passing_verdict
        CHECK (kind <> 'promote' OR state = 'refused' OR coalesce(verdict ->> 'passed', '') = 'true');
CREATE UNIQUE INDEX promotion_under_way ON sentiment.promotion (alias) WHERE state = 'intended';
CREATE INDEX promotion_by_alias ON sentiment.promotion (alias, promotion_id);

COMMENT ON COLUMN sentiment.promotion.promotion_id IS 'Order of the moves.';
COMMENT ON COLUMN sentiment.promotion.alias IS 'champion or challenger.';
COMMENT ON COLUMN sentiment.promotion.kind IS 'promote: through the gate; force: past it, with a reason; set: by hand, without it; rollback; external: found moved in MLflow.';
COMMENT ON COLUMN sentiment.promotion.state IS 'intended: being done, or cut off and not settled yet; moved; failed: the alias did not move; refused: by the gate.';
COMMENT ON COLUMN sentiment.promotion.from_version IS 'MLflow version that the alias named before.';
COMMENT ON COLUMN sentiment.promotion.from_digest IS 'SHA-256 of that version''s bundle.';
COMMENT ON COLUMN sentiment.promotion.to_version IS 'MLflow version that the alias should name, or was found to name; null where it was deleted.';
COMMENT ON COLUMN sentiment.promotion.to_digest IS 'SHA-256 of that version''s bundle; null where it is not known.';
COMMENT ON COLUMN sentiment.promotion.actor IS 'Person, run or command that asked for the move.';
COMMENT ON COLUMN sentiment.promotion.reason IS 'Why it was asked for.';
COMMENT ON COLUMN sentiment.promotion.verdict IS 'Checks of the promotion gate with their figures; null where it was not asked.';
COMMENT ON COLUMN sentiment.promotion.detail IS 'What came of it, where the state does not say all.';
COMMENT ON COLUMN sentiment.promotion.asked_at IS 'When the move was asked for.';
COMMENT ON COLUMN sentiment.promotion.moved_at IS 'When the alias moved, or was found moved; of other states when that state was reached.';

CREATE OR REPLACE VIEW sentiment.model_history AS
SELECT p.moved_at, p.alias, p.to_version, p.to_digest, p.from_digest, p.actor, p.reason, p.verdict,
       p.kind, p.state, p.from_version,
       CASE WHEN p.state = 'moved' THEN
           lead(p.moved_at) OVER (PARTITION BY p.alias, p.state = 'moved' ORDER BY p.promotion_id) END AS served_until,
       p.state = 'moved' AND p.to_version IS NOT NULL
           AND lead(p.promotion_id) OVER (PARTITION BY p.alias, p.state = 'moved' ORDER BY p.promotion_id) IS NULL AS serves,
       (SELECT array_agg(c.value ->> 'name' ORDER BY c.ordinality)
        FROM jsonb_array_elements(p.verdict -> 'checks') WITH ORDINALITY AS c
        WHERE c.value ->> 'passed' = 'false') AS failed_checks,
       p.detail, p.asked_at, p.promotion_id
FROM sentiment.promotion p;
COMMENT ON VIEW sentiment.model_history IS 'Which model served under which alias from when to when, who moved it and why; and the moves that were refused or failed.';
COMMENT ON COLUMN sentiment.model_history.moved_at IS 'When the alias moved, or was found moved; of other states when that state was reached.';
COMMENT ON COLUMN sentiment.model_history.to_version IS 'MLflow version that the alias names since then, or should have named; null where it was deleted.';
COMMENT ON COLUMN sentiment.model_history.to_digest IS 'SHA-256 of that version''s bundle; null where it is not known.';
COMMENT ON COLUMN sentiment.model_history.kind IS 'promote: through the gate; force: past it, with a reason; set: by hand, without it; rollback; external: found moved in MLflow.';
COMMENT ON COLUMN sentiment.model_history.state IS 'intended: being done, or cut off and not settled yet; moved; failed: the alias did not move; refused: by the gate.';
COMMENT ON COLUMN sentiment.model_history.from_version IS 'MLflow version that the alias named before.';
COMMENT ON COLUMN sentiment.model_history.served_until IS 'When the next move ended it; null while it serves, and where nothing moved.';
COMMENT ON COLUMN sentiment.model_history.serves IS 'Whether the alias names this version now, as far as this history knows.';
COMMENT ON COLUMN sentiment.model_history.failed_checks IS 'Names of the gate''s checks that failed; null for none.';
COMMENT ON COLUMN sentiment.model_history.detail IS 'What came of it, where the state does not say all.';
COMMENT ON COLUMN sentiment.model_history.asked_at IS 'When the move was asked for.';
COMMENT ON COLUMN sentiment.model_history.promotion_id IS 'Order of the moves.';
