-- Rows as revision 0004 holds them: a loaded file, one that a newer version superseded, a rejected one, corrections, and moves of an alias.
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
INSERT INTO sentiment.promotion (alias, kind, state, to_version, to_digest, actor, reason, verdict)
VALUES ('champion', 'promote', 'moved', 1, repeat('a', 64), 'ann', 'the first', '{"passed": true, "checks": []}'),
       ('champion', 'promote', 'refused', 1, repeat('a', 64), 'ann', 'again',
        '{"passed": false, "checks": [{"name": "slices", "passed": false}]}');
INSERT INTO sentiment.promotion (alias, kind, actor, reason) VALUES ('champion', 'external', 'MLflow', 'deleted there');
