-- Plain wording for the comments of earlier migrations. Comments do not affect queries.

COMMENT ON FUNCTION sentiment.ensure_month(any_day date) IS 'Creates the partitions of review and score for the month of a day, if they do not exist. Returns false if that month or a later one has expired.';

COMMENT ON TABLE sentiment.live_file IS 'Loaded files whose rows the views show: their bytes are those of the head of a key.';

COMMENT ON TABLE sentiment.model IS 'Models that have scored rows, by the digest of their bundle.';
COMMENT ON COLUMN sentiment.model.digest IS 'SHA-256 that identifies the bundle.';
COMMENT ON COLUMN sentiment.model.model_id IS 'Short id of the digest, used in score.';
COMMENT ON COLUMN sentiment.model.name IS 'Name in the bundle.';
COMMENT ON COLUMN sentiment.model.mlflow_versions IS 'Versions of the registered MLflow model that contain this bundle.';
COMMENT ON COLUMN sentiment.model.first_used_at IS 'Time of the first use in this database.';

COMMENT ON TABLE sentiment.review IS 'All stored reviews, live or not, with their full text. Partitioned by month of day.';
COMMENT ON COLUMN sentiment.review.line IS 'Physical line of the file on which the record starts. The header is line 1.';
COMMENT ON COLUMN sentiment.review.review_key IS 'First 128 bits of SHA-256 of source, a slash and review_id. Null without an id.';
COMMENT ON COLUMN sentiment.review.nulled IS 'Original values of rating and reviewed_at that could not be parsed and became null (SENTIMENT_BAD_VALUES=null).';

COMMENT ON TABLE sentiment.review_head IS 'For each review id the row that the views show: the one in the live file with the greatest (last_modified, source_file_id).';

COMMENT ON TABLE sentiment.score IS 'Scores of stored reviews, one row per review and model. Partitioned by month of day.';
COMMENT ON COLUMN sentiment.score.out_of_language IS 'Whether the row has a language that the model was not trained on.';

COMMENT ON TABLE sentiment.source_file IS 'The ledger: one row per object version ever listed.';
COMMENT ON COLUMN sentiment.source_file.bucket IS 'S3 bucket. Empty for a local file.';
COMMENT ON COLUMN sentiment.source_file.version_token IS 'Version id, or ETag and last_modified in a bucket without versioning.';
COMMENT ON COLUMN sentiment.source_file.source IS 'Segment of the key after incoming/. Empty if absent.';
COMMENT ON COLUMN sentiment.source_file.day IS 'dt=YYYY-MM-DD in the key, or else the UTC day of last_modified. Fixed when the file is first seen.';
COMMENT ON COLUMN sentiment.source_file.status IS 'seen: not read yet. loaded. rejected: the whole file was rejected. duplicate: same bytes as duplicate_of. expired: the month of its day was dropped.';
COMMENT ON COLUMN sentiment.source_file.sha256 IS 'SHA-256 of the object as stored.';
COMMENT ON COLUMN sentiment.source_file.current_model_id IS 'Model whose scores the views show for this file.';
COMMENT ON COLUMN sentiment.source_file.header IS 'Unchanged bytes of the file''s header. Replays of rejected rows use it.';

COMMENT ON VIEW sentiment.scored_reviews IS 'Live reviews, one row each, with the score by the current model of their file.';
COMMENT ON COLUMN sentiment.scored_reviews.day IS 'Day of the file that contains the review.';
COMMENT ON COLUMN sentiment.scored_reviews.source IS 'Source of the file: the segment after incoming/ in its key.';
COMMENT ON COLUMN sentiment.scored_reviews.review_id IS 'Review id from the source. If several rows have the id, the view shows the newest.';
COMMENT ON COLUMN sentiment.scored_reviews.author_id IS 'Author of the review.';
COMMENT ON COLUMN sentiment.scored_reviews.rating IS 'Rating from the source.';
COMMENT ON COLUMN sentiment.scored_reviews.reviewed_at IS 'Time of the review. UTC if the source gives no time zone.';
COMMENT ON COLUMN sentiment.scored_reviews.language IS 'Language from the source.';
COMMENT ON COLUMN sentiment.scored_reviews.text IS 'Unchanged text of the review.';
COMMENT ON COLUMN sentiment.scored_reviews.label IS 'negative, neutral or positive. neutral means that the model abstains.';
COMMENT ON COLUMN sentiment.scored_reviews.out_of_language IS 'Whether the row has a language that the model was not trained on.';
COMMENT ON COLUMN sentiment.scored_reviews.model_digest IS 'SHA-256 of the model that computed the score.';
COMMENT ON COLUMN sentiment.scored_reviews.bucket IS 'Bucket of the file that contains the review.';
COMMENT ON COLUMN sentiment.scored_reviews.key IS 'Key of the file that contains the review.';
COMMENT ON COLUMN sentiment.scored_reviews.version_token IS 'Version of the object that was loaded.';
COMMENT ON COLUMN sentiment.scored_reviews.source_file_id IS 'Id of the file in source_file.';
COMMENT ON COLUMN sentiment.scored_reviews.batch_id IS 'Scoring batch that stored this score.';
COMMENT ON COLUMN sentiment.scored_reviews.nulled IS 'Original values of rating and reviewed_at that could not be parsed and became null.';

COMMENT ON COLUMN sentiment.daily_sentiment.source IS 'Source of the files.';
COMMENT ON COLUMN sentiment.daily_sentiment.neutral IS 'Reviews labelled neutral, because the model abstains.';
COMMENT ON COLUMN sentiment.daily_sentiment.mean_score IS 'Mean probability that a review is positive.';
COMMENT ON COLUMN sentiment.daily_sentiment.mean_rating IS 'Mean rating of the reviews that have a rating.';

COMMENT ON TABLE sentiment.drift_report IS 'Differences between a day''s reviews and the model''s training reference.';
COMMENT ON COLUMN sentiment.drift_report.drift_report_id IS 'Ascending id, never reused.';
COMMENT ON COLUMN sentiment.drift_report.model_id IS 'Model whose scores and training reference were compared.';
COMMENT ON COLUMN sentiment.drift_report.product_id IS 'Product that the reviews are about. Null for all reviews of the day.';
COMMENT ON COLUMN sentiment.drift_report.measures IS 'state, rows, causes, and the effect, threshold and figures of each measure (docs/drift.md).';
COMMENT ON COLUMN sentiment.drift_report.drifted IS 'Whether any measure exceeds its threshold.';
COMMENT ON COLUMN sentiment.drift_report.made_at IS 'Time of the last measurement.';

COMMENT ON VIEW sentiment.drift_history IS 'Differences between each day''s reviews and the model''s training data.';
COMMENT ON COLUMN sentiment.drift_history.product_id IS 'Product that the reviews are about. Null for all reviews of the day.';
COMMENT ON COLUMN sentiment.drift_history.drifted IS 'Whether any measure exceeds its threshold.';
COMMENT ON COLUMN sentiment.drift_history.state IS 'measured, too few rows, or no reference: the model''s bundle contains none.';
COMMENT ON COLUMN sentiment.drift_history.causes IS 'Measures that exceed their thresholds.';
COMMENT ON COLUMN sentiment.drift_history.label_psi IS 'Population stability index of the labels.';
COMMENT ON COLUMN sentiment.drift_history.length_psi IS 'Population stability index of the text lengths in a sample.';
COMMENT ON COLUMN sentiment.drift_history.unknown_share IS 'Mean ratio of a text''s n-grams that the model does not know, in a sample.';
COMMENT ON COLUMN sentiment.drift_history.unknown_rise IS 'unknown_share minus its value in the reference.';
COMMENT ON COLUMN sentiment.drift_history.rejected_ratio IS 'Ratio of rejected rows in the day''s live files. Null for a product, and if there are too few rows.';
COMMENT ON COLUMN sentiment.drift_history.made_at IS 'Time of the last measurement.';

COMMENT ON TABLE sentiment.erasure IS 'Keyed hashes of erased review ids and author ids. Loads reject rows that match them.';
COMMENT ON COLUMN sentiment.erasure.keyed_hash IS 'HMAC-SHA256 of source and id with the key SENTIMENT_ERASURE_KEY.';
COMMENT ON COLUMN sentiment.erasure.key_check IS 'First bytes of a hash of the key, to detect a wrong key.';

COMMENT ON TABLE sentiment.expired_month IS 'Months whose reviews were dropped because of their age. Files of their days are rejected.';

COMMENT ON TABLE sentiment.feedback IS 'Corrections from users of the service: the label that a text should have.';
COMMENT ON COLUMN sentiment.feedback.feedback_id IS 'Ascending id, never reused.';
COMMENT ON COLUMN sentiment.feedback.text IS 'Unchanged text from the request.';
COMMENT ON COLUMN sentiment.feedback.label IS 'Correct label according to the user.';
COMMENT ON COLUMN sentiment.feedback.score IS 'Score that the user received, 0 to 1. Null if the request did not contain it.';
COMMENT ON COLUMN sentiment.feedback.model_digest IS 'Model that computed the score, according to the request. It need not exist in model. Null if absent.';
COMMENT ON COLUMN sentiment.feedback.received_at IS 'Time when the service accepted the correction. It can be stored later.';
COMMENT ON COLUMN sentiment.feedback.feedback_key IS 'feedback_id in the service''s response. Assigned when the correction is received, before it is stored.';

COMMENT ON TABLE sentiment.load_progress IS 'Progress of running loads. The row of a killed load remains until its file is loaded.';
COMMENT ON COLUMN sentiment.load_progress.worker IS 'Host name and process id of the load.';
COMMENT ON COLUMN sentiment.load_progress.bytes_read IS 'Bytes read of the object as stored.';

COMMENT ON TABLE sentiment.scoring_batch IS 'Scoring batches: one commit of one file with one model. Counters never change.';
COMMENT ON COLUMN sentiment.scoring_batch.kind IS 'load. replace: the file was read again. rescore: another model scored the stored text. replay: rejected rows were loaded.';
COMMENT ON COLUMN sentiment.scoring_batch.run_id IS 'Airflow run or command that created the batch.';
COMMENT ON COLUMN sentiment.scoring_batch.timings IS 'Seconds spent in each step.';

COMMENT ON VIEW sentiment.load_history IS 'All object versions ever listed, with all their scoring batches. A file without a batch has one row with null counts.';
COMMENT ON COLUMN sentiment.load_history.source IS 'Source of the file.';
COMMENT ON COLUMN sentiment.load_history.last_modified IS 'Time when this version was dropped.';
COMMENT ON COLUMN sentiment.load_history.size IS 'Size of the object as stored, in bytes.';
COMMENT ON COLUMN sentiment.load_history.live IS 'Whether the views show the file''s rows.';
COMMENT ON COLUMN sentiment.load_history.reject_code IS 'Reason code of a file that was rejected as a whole.';
COMMENT ON COLUMN sentiment.load_history.reject_reason IS 'Description of the reason.';
COMMENT ON COLUMN sentiment.load_history.duplicate_of_key IS 'Key of the loaded file with the same bytes.';
COMMENT ON COLUMN sentiment.load_history.rows_in IS 'Rows that the batch read.';
COMMENT ON COLUMN sentiment.load_history.rows_scored IS 'Rows that the batch scored.';
COMMENT ON COLUMN sentiment.load_history.rows_rejected IS 'Rows that the batch rejected. They are in quarantine.';
COMMENT ON COLUMN sentiment.load_history.rows_duplicate IS 'Rows that are duplicates of an earlier row of the file.';
COMMENT ON COLUMN sentiment.load_history.model_digest IS 'SHA-256 of the model that scored the rows.';
COMMENT ON COLUMN sentiment.load_history.run_id IS 'Airflow run or command that created the batch.';
COMMENT ON COLUMN sentiment.load_history.first_seen_at IS 'Time when the object was first listed.';
COMMENT ON COLUMN sentiment.load_history.started_at IS 'Time when the batch started.';
COMMENT ON COLUMN sentiment.load_history.finished_at IS 'Time when the batch was committed, or when the file was rejected or marked as a duplicate.';
COMMENT ON COLUMN sentiment.load_history.source_file_id IS 'Id of the file in source_file.';
COMMENT ON COLUMN sentiment.load_history.batch_id IS 'Id of the batch in scoring_batch.';
COMMENT ON COLUMN sentiment.load_history.why IS 'Description of the reason for the file''s state.';

COMMENT ON VIEW sentiment.loads_under_way IS 'Running loads that take more than a few seconds, with their progress. If updated_at no longer changes, the load was killed.';
COMMENT ON COLUMN sentiment.loads_under_way.source IS 'Source of the file.';
COMMENT ON COLUMN sentiment.loads_under_way.size IS 'Size of the object as stored, in bytes.';
COMMENT ON COLUMN sentiment.loads_under_way.bytes_read IS 'Bytes read so far.';
COMMENT ON COLUMN sentiment.loads_under_way.percent IS 'Percentage of the object read so far.';
COMMENT ON COLUMN sentiment.loads_under_way.rows_written IS 'Rows written so far, whether scored, rejected or duplicate. Not committed yet.';
COMMENT ON COLUMN sentiment.loads_under_way.run_id IS 'Airflow run or command that loads the file.';
COMMENT ON COLUMN sentiment.loads_under_way.worker IS 'Host name and process id of the load.';
COMMENT ON COLUMN sentiment.loads_under_way.started_at IS 'Time when the load started.';
COMMENT ON COLUMN sentiment.loads_under_way.updated_at IS 'Time of the last progress report.';
COMMENT ON COLUMN sentiment.loads_under_way.source_file_id IS 'Id of the file in source_file.';

COMMENT ON TABLE sentiment.promotion IS 'All moves of model aliases, with their actor and reason.';
COMMENT ON COLUMN sentiment.promotion.promotion_id IS 'Ascending id in the order of the moves.';
COMMENT ON COLUMN sentiment.promotion.from_digest IS 'SHA-256 of the bundle of from_version.';
COMMENT ON COLUMN sentiment.promotion.to_digest IS 'SHA-256 of the bundle of to_version. Null if unknown.';
COMMENT ON COLUMN sentiment.promotion.to_version IS 'MLflow version that the alias was to be set to, or was found to be set to. Null if the alias was deleted.';
COMMENT ON COLUMN sentiment.promotion.actor IS 'Person, run or command that requested the move.';
COMMENT ON COLUMN sentiment.promotion.reason IS 'Reason for the request.';
COMMENT ON COLUMN sentiment.promotion.verdict IS 'Checks of the promotion gate with their figures. Null if the gate was not used.';
COMMENT ON COLUMN sentiment.promotion.moved_at IS 'Time when the alias moved or was found moved. For other states, the time when the state was reached.';
COMMENT ON COLUMN sentiment.promotion.kind IS 'promote: through the gate. force: despite the gate, with a reason. set: manually, without the gate. rollback. external: found moved in MLflow.';
COMMENT ON COLUMN sentiment.promotion.state IS 'intended: in progress, or interrupted and not reconciled yet. moved. failed: the alias did not move. refused: by the gate.';
COMMENT ON COLUMN sentiment.promotion.from_version IS 'MLflow version that the alias was set to before.';
COMMENT ON COLUMN sentiment.promotion.detail IS 'Details of the outcome, in addition to state.';
COMMENT ON COLUMN sentiment.promotion.asked_at IS 'Time of the request.';

COMMENT ON VIEW sentiment.model_history IS 'Models that served under each alias, with the period, actor and reason. Also contains moves that were refused or failed.';
COMMENT ON COLUMN sentiment.model_history.moved_at IS 'Time when the alias moved or was found moved. For other states, the time when the state was reached.';
COMMENT ON COLUMN sentiment.model_history.to_version IS 'MLflow version that the alias has been set to since then, or was to be set to. Null if the alias was deleted.';
COMMENT ON COLUMN sentiment.model_history.to_digest IS 'SHA-256 of the bundle of to_version. Null if unknown.';
COMMENT ON COLUMN sentiment.model_history.from_digest IS 'SHA-256 of the bundle of from_version.';
COMMENT ON COLUMN sentiment.model_history.actor IS 'Person, run or command that moved the alias.';
COMMENT ON COLUMN sentiment.model_history.reason IS 'Reason for the move.';
COMMENT ON COLUMN sentiment.model_history.kind IS 'promote: through the gate. force: despite the gate, with a reason. set: manually, without the gate. rollback. external: found moved in MLflow.';
COMMENT ON COLUMN sentiment.model_history.state IS 'intended: in progress, or interrupted and not reconciled yet. moved. failed: the alias did not move. refused: by the gate.';
COMMENT ON COLUMN sentiment.model_history.from_version IS 'MLflow version that the alias was set to before.';
COMMENT ON COLUMN sentiment.model_history.served_until IS 'Time of the next move of the alias. Null while the model serves, and if nothing moved.';
COMMENT ON COLUMN sentiment.model_history.serves IS 'Whether the alias is set to this version now, according to this history.';
COMMENT ON COLUMN sentiment.model_history.failed_checks IS 'Names of the gate''s checks that failed. Null if none failed.';
COMMENT ON COLUMN sentiment.model_history.detail IS 'Details of the outcome, in addition to state.';
COMMENT ON COLUMN sentiment.model_history.asked_at IS 'Time of the request.';
COMMENT ON COLUMN sentiment.model_history.promotion_id IS 'Ascending id in the order of the moves.';

COMMENT ON TABLE sentiment.planned_file IS 'Files of a run, in the groups that its mapped tasks process.';

COMMENT ON COLUMN sentiment.product_sentiment.neutral IS 'Reviews labelled neutral, because the model abstains.';
COMMENT ON COLUMN sentiment.product_sentiment.mean_score IS 'Mean probability that a review is positive.';
COMMENT ON COLUMN sentiment.product_sentiment.mean_rating IS 'Mean rating of the reviews that have a rating.';

COMMENT ON TABLE sentiment.rejected_row IS 'Quarantine: rows that were rejected, with their unchanged bytes.';
COMMENT ON COLUMN sentiment.rejected_row.resolved_by IS 'Replay batch that loaded the row.';

COMMENT ON COLUMN sentiment.quarantine.source IS 'Source of the file.';
COMMENT ON COLUMN sentiment.quarantine.line IS 'Physical line on which the row starts. Null for a whole file.';
COMMENT ON COLUMN sentiment.quarantine.code IS 'Reason code.';
COMMENT ON COLUMN sentiment.quarantine.reason IS 'Description of the reason.';
COMMENT ON COLUMN sentiment.quarantine.raw IS 'Unchanged bytes of the row. Null for a whole file, and for an erased row.';
COMMENT ON COLUMN sentiment.quarantine.resolved IS 'Whether a replay has loaded the row.';
COMMENT ON COLUMN sentiment.quarantine.source_file_id IS 'Id of the file in source_file.';
COMMENT ON COLUMN sentiment.quarantine.resolved_by IS 'Replay batch that loaded the row. The stored row has this batch_id.';

COMMENT ON TABLE sentiment.retrain_request IS 'Retraining requests that drift triggered. At most one in SENTIMENT_DRIFT_RETRAIN_EVERY_D days.';
COMMENT ON COLUMN sentiment.retrain_request.retrain_request_id IS 'The Airflow run of the retraining has the id drift__ followed by this number.';
COMMENT ON COLUMN sentiment.retrain_request.model_id IS 'Champion whose reviews drifted.';
COMMENT ON COLUMN sentiment.retrain_request.day IS 'Day that drifted.';
COMMENT ON COLUMN sentiment.retrain_request.causes IS 'Measures that exceeded their thresholds.';
COMMENT ON COLUMN sentiment.retrain_request.requested_by IS 'Airflow run that measured the drift.';
COMMENT ON COLUMN sentiment.retrain_request.requested_at IS 'Time of the request.';

COMMENT ON TABLE sentiment.scoring_run IS 'Plans of runs: the day, and the model, which is resolved once.';
COMMENT ON COLUMN sentiment.scoring_run.version IS 'MLflow version of the model.';
