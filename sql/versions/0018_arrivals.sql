-- Files can be scored as they arrive (docs/arrivals.md). Only the nightly run completes a day.

ALTER TABLE sentiment.scoring_run ADD COLUMN arrivals boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN sentiment.scoring_run.arrivals IS 'Whether the run scored files as they arrived, so it completed no day.';

CREATE TABLE sentiment.complete_day (
    day          date PRIMARY KEY,
    completed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE sentiment.complete_day IS 'Days that a nightly run has completed: it listed the bucket after the day and processed every file.';
COMMENT ON COLUMN sentiment.complete_day.day IS 'The day, in UTC.';
COMMENT ON COLUMN sentiment.complete_day.completed_at IS 'Last time at which a run completed the day.';

-- Until now every run completed its day.
INSERT INTO sentiment.complete_day (day, completed_at)
SELECT day, max(finished_at) FROM sentiment.source_file
WHERE finished_at IS NOT NULL AND day < (now() AT TIME ZONE 'UTC')::date GROUP BY day;

CREATE VIEW sentiment.scored_days AS
SELECT day, complete.day IS NOT NULL AS complete, complete.completed_at,
       coalesce(file.files, 0) AS files, coalesce(file.files_to_read, 0) AS files_to_read, file.last_file_at
FROM sentiment.complete_day complete
FULL JOIN (
    SELECT day, count(*) AS files, count(*) FILTER (WHERE status = 'seen') AS files_to_read,
           max(finished_at) AS last_file_at
    FROM sentiment.source_file GROUP BY day
) file USING (day);
COMMENT ON VIEW sentiment.scored_days IS 'Days with files, and whether the nightly run has completed them. An incomplete day can still get reviews.';
COMMENT ON COLUMN sentiment.scored_days.day IS 'Day of the files, in UTC.';
COMMENT ON COLUMN sentiment.scored_days.complete IS 'Whether a nightly run has listed the bucket after the day and processed every file of it.';
COMMENT ON COLUMN sentiment.scored_days.completed_at IS 'Last time at which a run completed the day; null for an incomplete day.';
COMMENT ON COLUMN sentiment.scored_days.files IS 'Files of the day that the ledger has, in any state.';
COMMENT ON COLUMN sentiment.scored_days.files_to_read IS 'Files of the day that were not read yet.';
COMMENT ON COLUMN sentiment.scored_days.last_file_at IS 'Time at which a file of the day last reached its final state.';

CREATE TABLE sentiment.sent_alert (
    cause   text NOT NULL,
    channel text NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (cause, channel)
);
COMMENT ON TABLE sentiment.sent_alert IS 'Alerts that were sent, so that a retried or cleared task does not send one again (docs/notifications.md).';
COMMENT ON COLUMN sentiment.sent_alert.cause IS 'What the alert is about, such as a run''s task, or a day.';
COMMENT ON COLUMN sentiment.sent_alert.channel IS 'Channel of the settings to which it was sent.';
COMMENT ON COLUMN sentiment.sent_alert.sent_at IS 'Time at which the channel accepted it.';

GRANT SELECT ON sentiment.complete_day, sentiment.scored_days, sentiment.sent_alert
    TO sentiment_reader, sentiment_writer;
GRANT INSERT, UPDATE, DELETE ON sentiment.complete_day, sentiment.sent_alert TO sentiment_writer;
