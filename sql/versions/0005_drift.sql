-- Drift reports, once a day and model; what analysts see of them; and which drift asked for a retraining.

-- Reports -------------------------------------------------------------------------------------------------------
-- A day that is measured again replaces its reports. No release wrote any before this one.
CREATE UNIQUE INDEX drift_report_of_a_day ON sentiment.drift_report (model_id, day) WHERE product_id IS NULL;
CREATE UNIQUE INDEX drift_report_of_a_product ON sentiment.drift_report (model_id, day, product_id)
    WHERE product_id IS NOT NULL;
COMMENT ON COLUMN sentiment.drift_report.drift_report_id IS 'Order of storing; never reused.';
COMMENT ON COLUMN sentiment.drift_report.day IS 'Day of the files.';
COMMENT ON COLUMN sentiment.drift_report.model_id IS 'The model whose scores and training reference were compared.';
COMMENT ON COLUMN sentiment.drift_report.product_id IS 'Product that the reviews are about; null for all reviews of the day.';
COMMENT ON COLUMN sentiment.drift_report.measures IS 'state, rows, causes, and for each measure its effect, threshold and figures (docs/drift.md).';
COMMENT ON COLUMN sentiment.drift_report.drifted IS 'Whether any measure is beyond its threshold.';
COMMENT ON COLUMN sentiment.drift_report.made_at IS 'When it was measured, last.';

CREATE VIEW sentiment.drift_history AS
SELECT d.day, d.product_id, d.drifted, d.measures ->> 'state' AS state,
       ARRAY(SELECT jsonb_array_elements_text(d.measures -> 'causes')) AS causes,
       (d.measures ->> 'rows')::bigint AS reviews,
       (d.measures #>> '{score,effect}')::double precision AS score_psi,
       (d.measures #>> '{labels,effect}')::double precision AS label_psi,
       (d.measures #>> '{length,effect}')::double precision AS length_psi,
       (d.measures #>> '{unknown,mean}')::double precision AS unknown_share,
       (d.measures #>> '{unknown,effect}')::double precision AS unknown_rise,
       (d.measures #>> '{rejected,effect}')::double precision AS rejected_ratio,
       m.digest AS model_digest, d.made_at
FROM sentiment.drift_report d
JOIN sentiment.model m USING (model_id);
COMMENT ON VIEW sentiment.drift_history IS 'How far each day''s reviews were from what the model was trained on.';
COMMENT ON COLUMN sentiment.drift_history.day IS 'Day of the files.';
COMMENT ON COLUMN sentiment.drift_history.product_id IS 'Product that the reviews are about; null for all reviews of the day.';
COMMENT ON COLUMN sentiment.drift_history.drifted IS 'Whether any measure is beyond its threshold.';
COMMENT ON COLUMN sentiment.drift_history.state IS 'measured, too few rows, or no reference: the model''s bundle keeps none.';
COMMENT ON COLUMN sentiment.drift_history.causes IS 'Measures that are beyond their thresholds.';
COMMENT ON COLUMN sentiment.drift_history.reviews IS 'Live reviews that the model has scored.';
COMMENT ON COLUMN sentiment.drift_history.score_psi IS 'Population stability index of the scores.';
COMMENT ON COLUMN sentiment.drift_history.label_psi IS 'The same of the labels.';
COMMENT ON COLUMN sentiment.drift_history.length_psi IS 'The same of the texts'' lengths, of a sample.';
COMMENT ON COLUMN sentiment.drift_history.unknown_share IS 'Mean share of a text''s n-grams that the model does not know, of a sample.';
COMMENT ON COLUMN sentiment.drift_history.unknown_rise IS 'That share less the reference''s.';
COMMENT ON COLUMN sentiment.drift_history.rejected_ratio IS 'Rejected rows by rows of the day''s live files; null for a product, and for few rows.';
COMMENT ON COLUMN sentiment.drift_history.model_digest IS 'SHA-256 of the model.';
COMMENT ON COLUMN sentiment.drift_history.made_at IS 'When it was measured, last.';

-- Retraining ----------------------------------------------------------------------------------------------------
CREATE TABLE sentiment.retrain_request (
    retrain_request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id           smallint NOT NULL REFERENCES sentiment.model (model_id),
    day                date NOT NULL,
    causes             text[] NOT NULL,
    requested_by       text NOT NULL,
    requested_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE sentiment.retrain_request IS 'Drift that asked for a retraining: seldom, however many days drift.';
COMMENT ON COLUMN sentiment.retrain_request.retrain_request_id IS 'The retraining''s Airflow run is drift__ and this number.';
COMMENT ON COLUMN sentiment.retrain_request.model_id IS 'The champion whose reviews drifted.';
COMMENT ON COLUMN sentiment.retrain_request.day IS 'The day that asked.';
COMMENT ON COLUMN sentiment.retrain_request.causes IS 'Measures that were beyond their thresholds.';
COMMENT ON COLUMN sentiment.retrain_request.requested_by IS 'Airflow run that measured.';
COMMENT ON COLUMN sentiment.retrain_request.requested_at IS 'When it asked.';

-- Rights --------------------------------------------------------------------------------------------------------
GRANT SELECT ON sentiment.drift_history, sentiment.retrain_request TO sentiment_reader, sentiment_writer;
GRANT INSERT, UPDATE, DELETE ON sentiment.retrain_request TO sentiment_writer;
