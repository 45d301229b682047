-- Rows as revision 0020 holds them: a loaded file, one that a newer version superseded, a rejected one, corrections, and
-- a day that drifted and asked for a retraining, drivers, aspects, a complete day, and an alert.
INSERT INTO sentiment.model (digest, name) VALUES (repeat('a', 64), 'starter');
SELECT sentiment.ensure_month('2026-11-16');
INSERT INTO sentiment.source_file
    (bucket, key, version_token, etag, last_modified, size, source, day, status, sha256, current_model_id, header)
VALUES ('b', 'incoming/s/a.csv', '1', 'e1', '2026-11-16 01:00Z', 9, 's', '2026-11-16', 'loaded', sha256('1'), 1, 'review'),
       ('b', 'incoming/s/a.csv', '2', 'e2', '2026-11-16 02:00Z', 9, 's', '2026-11-16', 'loaded', sha256('2'), 1, 'review');
INSERT INTO sentiment.live_file VALUES (2);
INSERT INTO sentiment.source_file
    (bucket, key, version_token, etag, last_modified, size, source, day, status, reject_code, reject_reason)
VALUES ('b', 'incoming/s/b.csv', '1', 'e3', '2026-11-16 03:00Z', 9, 's', '2026-11-16', 'rejected', 'no_rows', 'none');
INSERT INTO sentiment.scoring_batch
    (batch_id, source_file_id, model_id, kind, rows_in, rows_scored, rows_rejected, rows_duplicate, run_id,
     code_version, started_at)
VALUES (1, 1, 1, 'load', 1, 1, 0, 0, 'r', 'c', now()), (2, 2, 1, 'load', 3, 1, 1, 1, 'r', 'c', now());
INSERT INTO sentiment.review (day, source_file_id, line, batch_id, review_key, review_id, text)
VALUES ('2026-11-16', 1, 2, 1, md5('k')::uuid, 'k', 'old'), ('2026-11-16', 2, 2, 2, md5('k')::uuid, 'k', 'new');
INSERT INTO sentiment.review_head VALUES (md5('k')::uuid, '2026-11-16', 2, 2, '2026-11-16 02:00Z');
INSERT INTO sentiment.score (day, source_file_id, line, model_id, batch_id, score, label)
VALUES ('2026-11-16', 1, 2, 1, 1, 0.1, 'negative'), ('2026-11-16', 2, 2, 1, 2, 0.9, 'positive');
INSERT INTO sentiment.rejected_row (source_file_id, line, batch_id, code, reason, raw)
VALUES (2, 3, 2, 'missing_text', 'column review is empty', '');
INSERT INTO sentiment.feedback (feedback_key, text, label, score, model_digest, received_at)
VALUES (md5('f')::uuid, 'new', 'negative', 0.9, repeat('a', 64), '2026-11-16 12:00Z');
INSERT INTO sentiment.feedback (text, label) VALUES ('of an unknown model', 'neutral');
INSERT INTO sentiment.drift_report (day, model_id, product_id, measures, drifted)
VALUES ('2026-11-16', 1, NULL, '{"state": "measured", "rows": 1, "causes": ["score"], "score": {"effect": 0.3}}', true),
       ('2026-11-16', 1, 'p', '{"state": "too few rows", "rows": 1, "causes": []}', false);
INSERT INTO sentiment.retrain_request (model_id, day, causes, requested_by) VALUES (1, '2026-11-16', '{score}', 'r');
INSERT INTO sentiment.source_contract (source, version, contract, set_by) VALUES ('s', 1, '{"delimiter": ";"}', 'u');
UPDATE sentiment.scoring_batch SET reading = '{"form": "csv"}', warnings = '{a warning}' WHERE batch_id = 2;
UPDATE sentiment.review SET language_detected = 'en', language_certainty = 0.9 WHERE source_file_id = 2;
UPDATE sentiment.score SET neutral = 0.2, unfamiliar = false, mixed = false WHERE source_file_id = 2;
UPDATE sentiment.model SET labels = '{negative,neutral,positive}', languages = '{en}', experimental_languages = '{}';
INSERT INTO sentiment.driver_comparison
    (source, product_id, first_then, last_then, first_now, last_now, model_id, reviews_then, reviews_now, mean_then,
     mean_now, change, change_low, change_high, rest)
VALUES ('s', NULL, '2026-11-03', '2026-11-09', '2026-11-10', '2026-11-16', 1, 9, 9, 0.5, 0.25, -0.25, -0.5, 0, -0.1);
INSERT INTO sentiment.driver VALUES (1, 1, 'new', -0.15, 0.6, 0, 3, 0.3, 0.1, 0.6);
INSERT INTO sentiment.driver_example VALUES (1, 1, '2026-11-16', 2, 2);
INSERT INTO sentiment.aspect_day (day, model_id, aspects, reviews) VALUES ('2026-11-16', 1, repeat('b', 64), 7);
INSERT INTO sentiment.aspect_total VALUES ('2026-11-16', 's', NULL, 'price', 1, 0, 1, -0.5);
INSERT INTO sentiment.scoring_run (run_id, day, model_id, version, champion, replace, arrivals)
VALUES ('r', '2026-11-16', 1, 1, true, false, true);
INSERT INTO sentiment.complete_day (day) VALUES ('2026-11-16');
INSERT INTO sentiment.sent_alert (cause, channel) VALUES ('drift 2026-11-16', 'slack');
