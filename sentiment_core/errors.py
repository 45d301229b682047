"""Every error of the project.

`message` is what the user reads. Its placeholders are filled from the keyword arguments that the error is raised with.
It is also the class's docstring; it is no docstring in the source, because `python -OO` removes those.
`TransientError` means that the same call can succeed later, `TerminalError` that it never will as things are.
`dags/wiring.py` maps that pair to Airflow and `api/contract/problems.py` maps each code to an HTTP status. Errors that
only the service or the embedded stack raises are in `api/contract/errors.py` and `demo/errors.py`.
"""

from functools import partial
from typing import Any, ClassVar, Self


class SentimentError(Exception):
    """The root of all errors. `details` keeps the keyword arguments; an error survives pickling with them."""

    message: ClassVar[str] = "Something went wrong: {why}."
    code: ClassVar[str] = "error"

    def __init_subclass__(cls) -> None:
        cls.__doc__ = cls.message

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(self.message.format(**details))

    def __reduce__(self) -> tuple[partial[Self], tuple[()]]:
        """Rebuild the error from its details: an exception's own pickling keeps positional arguments only."""
        return partial(type(self), **self.details), ()


class TransientError(SentimentError):
    message = "The call failed for now: {why}. Try again."
    code = "transient"


class TerminalError(SentimentError):
    message = "The call cannot succeed: {why}."
    code = "terminal"


# Texts and models


class BundleMissing(TerminalError):
    message = "There is no model bundle at {path}: {why}."
    code = "bundle_missing"


class BundleDamaged(TerminalError):
    message = "The model bundle at {path} is damaged: {why}. Fetch or train it again."
    code = "bundle_damaged"


class BundleTooNew(TerminalError):
    message = (
        "The model bundle at {path} has format {found}; this release reads format {supported}. Upgrade this release."
    )
    code = "bundle_too_new"


class BundleTooOld(TerminalError):
    message = (
        "The model bundle at {path} has format {found}; this release reads format {supported}. Train the model again."
    )
    code = "bundle_too_old"


class ColumnUnsupported(TerminalError):
    message = "A column of type {found} has no texts to score. Cast it to string or large_string."
    code = "column_unsupported"


class TextColumnInvalid(TerminalError):
    message = "The column {column!r} cannot be scored: {why}."
    code = "text_column_invalid"


class PartitionCountsDiffer(TerminalError):
    message = (
        "The partition {partition!r} has {rows_in} rows, but {rows_out} rows were written: it changed while it was "
        "scored. Start the job again."
    )
    code = "partition_counts_differ"


class SparkWorkerFailed(TerminalError):
    message = "A Spark worker failed: {why} Workers use the release of this package that is installed on them."
    code = "spark_worker_failed"


class ReasonsInvalid(TerminalError):
    message = "sentiment_explain was asked for {found} n-grams. Ask for 1 to {limit}."
    code = "reasons_invalid"


class TrainingDataInvalid(TerminalError):
    message = "The training data cannot be used: {why}."
    code = "training_data_invalid"


class ChecksFailed(TerminalError):
    message = (
        "The training data fails {count} of its checks: {failed}. The limits are in section `checks` of params.yaml."
    )
    code = "checks_failed"


class LabelSourceInvalid(TerminalError):
    message = (
        "Labels of the source {source!r} cannot be stored: the name is not valid for a folder below the "
        "training prefix."
    )
    code = "label_source_invalid"


class SnapshotMissing(TerminalError):
    message = "There is no snapshot {snapshot!r} below {where}. `sentiment snapshot list` shows the stored snapshots."
    code = "snapshot_missing"


class SnapshotDamaged(TerminalError):
    message = (
        "The snapshot {snapshot} is damaged: {why}. Create it again from its sources with `sentiment snapshot create`."
    )
    code = "snapshot_damaged"


class SnapshotErased(TerminalError):
    message = (
        "The snapshot {snapshot} lost {rows} rows to an erasure: its model can no longer be rebuilt. Create a"
        " new snapshot."
    )
    code = "snapshot_erased"


class LanguageDataMissing(TerminalError):
    message = "The data for stop words or lemmas is missing: {why}."
    code = "language_data_missing"


class ParamsInvalid(TerminalError):
    message = "The training configuration {path} cannot be used: {why}."
    code = "params_invalid"


class RunConfInvalid(TerminalError):
    message = "The run's conf has the unknown key {key}{nearest}. Known keys: {known}. Start a new run."
    code = "run_conf_invalid"


class ReplayInvalid(TerminalError):
    message = "The replay cannot be planned: {why}. Start a new run."
    code = "replay_invalid"


class ExperimentInvalid(TerminalError):
    message = "The experiment {name} cannot be run: {why}."
    code = "experiment_invalid"


class ExperimentDataChanged(TerminalError):
    message = (
        "The labelled reviews changed while the experiment {name} ran: its trials cannot be compared. Start it again."
    )
    code = "experiment_data_changed"


class TrialFailed(TerminalError):
    message = "The trial {trial} failed: {why}"
    code = "trial_failed"


class TrialsFailed(TerminalError):
    message = "{count} of the {trials} trials of experiment {name} failed. {failures}"
    code = "trials_failed"


class ModelUnknown(TerminalError):
    message = "There is no model {model!r}: {why}."
    code = "model_unknown"


class RegistryUnavailable(TransientError):
    message = "The model registry at {uri} did not answer: {why}. Try again when it is up."
    code = "registry_unavailable"


class RegistryRefused(TerminalError):
    message = "The model registry at {uri} refused: {why}. Check its address and this user's rights."
    code = "registry_refused"


class RegistryUnsupported(RegistryRefused):
    message = (
        "The server at {uri} does not have the call {call} of MLflow. It is not an MLflow server, or older than MLflow"
        " {least}, the oldest supported release. `sentiment registry check` shows what it supports."
    )
    code = "registry_unsupported"


class ArtifactsNotServed(TerminalError):
    message = (
        "The model registry at {uri} does not serve its models' files, and {why}. Start it with "
        "--serve-artifacts, or install the extras that docs/models.md names for this."
    )
    code = "artifacts_not_served"


# Promotion


class SuiteInvalid(TerminalError):
    message = "The suite {path} cannot be measured: {why}."
    code = "suite_invalid"


class PolicyInvalid(TerminalError):
    message = "The file {path} of the promotion gate cannot be used: {why}."
    code = "policy_invalid"


class GateRefused(TerminalError):
    message = (
        "Version {version} does not become the {alias}, because the gate refuses it: {why}. The {alias} is "
        "unchanged. The verdict is in the history."
    )
    code = "gate_refused"


class GateWouldRefuse(TerminalError):
    message = (
        "Version {version} would not become the {alias}, because the gate refuses it: {why}. Promotion was "
        "not requested: no alias moved, and the history has no entry."
    )
    code = "gate_would_refuse"


class VerdictStale(TerminalError):
    message = "The verdict is stale: {why}. No alias moved. Judge the version again."
    code = "verdict_stale"


class PromotionOvertaken(TransientError):
    message = "Another promotion happened in between: {why}. This one moved no alias. Try again."
    code = "promotion_overtaken"


class RollbackImpossible(TerminalError):
    message = (
        "The {alias} cannot be rolled back: {why}. No alias moved. To choose a version: sentiment registry "
        "promote VERSION --force --reason WHY."
    )
    code = "rollback_impossible"


# Drops and storage


class FileRejected(TerminalError):
    message = "The file is rejected ({reason}): {why}."
    code = "file_rejected"


class ContractInvalid(TerminalError):
    message = "The contract of {source} cannot be used: {why}. docs/sources.md describes its parts."
    code = "contract_invalid"


class TooManyRows(TerminalError):
    message = "{name} has more than {limit:,} rows. Split it, or use `sentiment score`, which has no such limit."
    code = "too_many_rows"


class TooManyColumns(TerminalError):
    message = "{name} has {found:,} columns; the maximum is {limit:,}. Send only the columns that you need."
    code = "too_many_columns"


class ObjectMissing(TerminalError):
    message = "{uri} does not exist, or this user may not read it."
    code = "object_missing"


class ObjectChanged(TransientError):
    message = "{uri} was replaced while it was read. Nothing was stored. Try again to load the new version."
    code = "object_changed"


class StorageUnavailable(TransientError):
    message = "The object store did not answer for {uri}: {why}. Try again when it is up."
    code = "storage_unavailable"


class StorageRefused(TerminalError):
    message = "The object store refused {uri}: {why}. Check the bucket's name and this user's rights."
    code = "storage_refused"


class FolderUnreadable(TerminalError):
    message = "The local folder cannot be read at {path}: {why}. Nothing was loaded."
    code = "folder_unreadable"


class OutputUnsupported(TerminalError):
    message = "{path} cannot be written: {why}."
    code = "output_unsupported"


class LibraryMissing(TerminalError):
    message = "{why}. Reading it needs the Python package {library}. Install it, for example with the extra `core`."
    code = "library_missing"


class BaselineMissing(TerminalError):
    message = "The baseline {name} needs the Python package {library}. Install it, for example with the extra `bench`."
    code = "baseline_missing"


class DatabaseUnavailable(TransientError):
    message = "The database is unavailable: {why}. This attempt stored nothing. Try again."
    code = "database_unavailable"


class DatabaseRefused(TerminalError):
    message = "The database refused: {why}."
    code = "database_refused"


class SchemaOutdated(TerminalError):
    message = "The database schema is at {found}, this release needs {needed}. Run `sentiment db upgrade`."
    code = "schema_outdated"


class IdsTooLong(TerminalError):
    message = (
        "The schema was not upgraded, and nothing was changed. {rows:,} stored reviews, such as line {line} of "
        "{key}, have a product or author id of more than {limit:,} bytes, which the indexes of this release cannot "
        "hold. docs/deploy.md#long-ids shows how to shorten these ids. Then run the upgrade again."
    )
    code = "ids_too_long"


class ClaimHeld(TransientError):
    message = "Another worker is loading {uri} and has not finished after {seconds:g} s. Try again later."
    code = "claim_held"


class MaintenanceRuns(TransientError):
    message = "An expiry or erasure blocks loads and has not finished after {seconds:g} s. Try again later."
    code = "maintenance_runs"


class LoadsUnderWay(TransientError):
    message = "Running loads have not finished after {seconds:g} s. Nothing was changed. Try again later."
    code = "loads_under_way"


# Runs


class AlertFailed(TransientError):
    message = "An alert could not be sent to {channel}: {why}. Check the channel's Airflow connection."
    code = "alert_failed"


class DayInvalid(TerminalError):
    message = "The day {day!r} cannot be scored: {why}."
    code = "day_invalid"


class RescoreInvalid(TerminalError):
    message = "The rescore cannot start: {why}. Choose other days or sources."
    code = "rescore_invalid"


class PeriodsReversed(TerminalError):
    message = (
        "The periods are not in order: {against} must be before {since}, and {since} must not be after {until}. The "
        "earlier period starts on the first of these days, and the later period on the second."
    )
    code = "periods_reversed"


class PeriodEmpty(TerminalError):
    message = "There are no reviews of {group} from {first} to {last}. Choose a period that has reviews."
    code = "period_empty"


class NoSuchReviews(TerminalError):
    message = "There are no stored reviews of {group}. Check the spelling, or load its reviews first."
    code = "no_such_reviews"


class AspectsInvalid(TerminalError):
    message = "The aspects {path} cannot be used: {why}. docs/drivers.md describes the file."
    code = "aspects_invalid"


class AspectUnknown(TerminalError):
    message = "There is no aspect {name!r}. The aspects are: {known}."
    code = "aspect_unknown"


class RunIncomplete(TransientError):
    message = "Run {run_id} is not complete: {why}. Clear its failed tasks to try again."
    code = "run_incomplete"


class ErasureKeyWrong(TerminalError):
    message = (
        "SENTIMENT_ERASURE_KEY is not the key of earlier erasures. With another key, erased reviews would be "
        "loaded again."
    )
    code = "erasure_key_wrong"


class MonthInvalid(TerminalError):
    message = "The month {month!r} cannot be dropped: {why}."
    code = "month_invalid"


class FilesRejected(TerminalError):
    message = (
        "Run {run_id} is done, but {count} of its files could not be read: {files}. SENTIMENT_ON_BAD_FILE is `fail`."
    )
    code = "files_rejected"


class Unauthorised(TerminalError):
    message = "An API key is required, but {why}. Send `Authorization: Bearer KEY`."
    code = "unauthorised"


class AddressTaken(TerminalError):
    message = "The service cannot listen on {address}: {why}."
    code = "address_taken"


class SettingInvalid(TerminalError):
    message = "The setting {name} is wrong: {why}. docs/configuration.md lists all settings."
    code = "setting_invalid"


class SettingMissing(TerminalError):
    message = "The setting {name} is needed for this: {why}. docs/configuration.md lists all settings."
    code = "setting_missing"
