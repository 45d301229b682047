"""Every error of the project.

An error's docstring is its message: the placeholders are filled from the keyword arguments it is raised with.
`TransientError` means that the same call can succeed later, `TerminalError` that it never will as things are.
`dags/wiring.py` maps that pair to Airflow and `api/contract/problems.py` maps each code to an HTTP status. Errors that
only the service or the embedded stack raises are in `api/contract/errors.py` and `demo/errors.py`.
"""

from typing import Any, ClassVar


class SentimentError(Exception):
    """Something went wrong: {why}."""

    code: ClassVar[str] = "error"

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(" ".join((type(self).__doc__ or "").format(**details).split()))


class TransientError(SentimentError):
    """It did not work this time: {why}. Try again."""

    code = "transient"


class TerminalError(SentimentError):
    """It cannot work as things are: {why}."""

    code = "terminal"


# Texts and models


class BundleMissing(TerminalError):
    """There is no model bundle at {path}: {why}."""

    code = "bundle_missing"


class BundleDamaged(TerminalError):
    """The model bundle at {path} is damaged: {why}. Fetch or train it again."""

    code = "bundle_damaged"


class BundleTooNew(TerminalError):
    """The model bundle at {path} has format {found}; this release reads format {supported}. Upgrade this release."""

    code = "bundle_too_new"


class BundleTooOld(TerminalError):
    """The model bundle at {path} has format {found}; this release reads format {supported}. Train the model again."""

    code = "bundle_too_old"


class ColumnUnsupported(TerminalError):
    """A column of type {found} holds no texts to score. Cast it to string or large_string."""

    code = "column_unsupported"


class TrainingDataInvalid(TerminalError):
    """The training data cannot be used: {why}."""

    code = "training_data_invalid"


class ChecksFailed(TerminalError):
    """The training data fails {count} of its checks: {failed}. Section `checks` of params.yaml holds the limits."""

    code = "checks_failed"


class LabelSourceInvalid(TerminalError):
    """Labels of the source {source!r} cannot be stored: it is no name of a folder below the training prefix."""

    code = "label_source_invalid"


class SnapshotMissing(TerminalError):
    """There is no snapshot {snapshot!r} below {where}. `sentiment snapshot list` shows those that are there."""

    code = "snapshot_missing"


class SnapshotDamaged(TerminalError):
    """The snapshot {snapshot} is damaged: {why}. Make it again from its sources with `sentiment snapshot create`."""

    code = "snapshot_damaged"


class SnapshotErased(TerminalError):
    """The snapshot {snapshot} lost {rows} rows to an erasure: its model can no longer be rebuilt. Make a new one."""

    code = "snapshot_erased"


class LanguageDataMissing(TerminalError):
    """The data for stop words or lemmas is missing: {why}."""

    code = "language_data_missing"


class ParamsInvalid(TerminalError):
    """The training configuration {path} cannot be used: {why}."""

    code = "params_invalid"


class ExperimentInvalid(TerminalError):
    """The experiment {name} cannot be run: {why}."""

    code = "experiment_invalid"


class ExperimentDataChanged(TerminalError):
    """The labelled reviews changed while the experiment {name} ran: its trials cannot be compared. Start it again."""

    code = "experiment_data_changed"


class TrialFailed(TerminalError):
    """The trial {trial} failed: {why}"""  # noqa: D400 (ends with the reason's own full stop)

    code = "trial_failed"


class TrialsFailed(TerminalError):
    """Of the {trials} trials of experiment {name}, {count} failed. {failures}"""  # noqa: D400 (ends with theirs)

    code = "trials_failed"


class ModelUnknown(TerminalError):
    """There is no model {model!r}: {why}."""

    code = "model_unknown"


class RegistryUnavailable(TransientError):
    """The model registry at {uri} did not answer: {why}. Try again when it is up."""

    code = "registry_unavailable"


class RegistryRefused(TerminalError):
    """The model registry at {uri} refused: {why}. Check its address and this user's rights."""

    code = "registry_refused"


class ArtifactsNotServed(TerminalError):
    """The model registry at {uri} does not serve its models' files, and {why}.

    Start it with --serve-artifacts, or install the extras that docs/models.md names for this.
    """

    code = "artifacts_not_served"


# Promotion


class PolicyInvalid(TerminalError):
    """The file {path} of the promotion gate cannot be used: {why}."""

    code = "policy_invalid"


class GateRefused(TerminalError):
    """Version {version} does not become the {alias}, for the gate refuses it: {why}.

    The {alias} is what it was. The verdict is in the history.
    """

    code = "gate_refused"


class GateWouldRefuse(TerminalError):
    """Version {version} would not become the {alias}, for the gate refuses it: {why}.

    It was not to be promoted yet: nothing was moved, and the history does not tell of it.
    """

    code = "gate_would_refuse"


class VerdictStale(TerminalError):
    """The verdict is of another case: {why}. Nothing was moved. Judge again."""

    code = "verdict_stale"


class PromotionOvertaken(TransientError):
    """Another promotion came in between: {why}. Nothing was moved by this one. Try again."""

    code = "promotion_overtaken"


class RollbackImpossible(TerminalError):
    """The {alias} cannot be rolled back: {why}. Nothing was moved.

    Name a version yourself: sentiment registry promote VERSION --force --reason WHY.
    """

    code = "rollback_impossible"


# Drops and storage


class FileRejected(TerminalError):
    """The file is rejected ({reason}): {why}."""

    code = "file_rejected"


class ObjectMissing(TerminalError):
    """{uri} does not exist, or this user may not read it."""

    code = "object_missing"


class ObjectChanged(TransientError):
    """{uri} was replaced while it was read. Nothing of it was stored; try again to take what is there now."""

    code = "object_changed"


class StorageUnavailable(TransientError):
    """The object store did not answer for {uri}: {why}. Try again when it is up."""

    code = "storage_unavailable"


class StorageRefused(TerminalError):
    """The object store refused {uri}: {why}. Check the bucket's name and this user's rights."""

    code = "storage_refused"


class OutputUnsupported(TerminalError):
    """{path} cannot be written: {why}."""

    code = "output_unsupported"


class ColumnTaken(TerminalError):
    """{source} already has columns that would be added: {names}. Rename them first."""

    code = "column_taken"


# Database


class DatabaseUnavailable(TransientError):
    """The database did not do its part: {why}. Nothing was stored by this try; try again."""

    code = "database_unavailable"


class DatabaseRefused(TerminalError):
    """The database refused: {why}."""

    code = "database_refused"


class SchemaOutdated(TerminalError):
    """The database schema is at {found}, this release needs {needed}. Run `sentiment db upgrade`."""

    code = "schema_outdated"


class ClaimHeld(TransientError):
    """Another worker is loading {uri} and has not finished after {seconds:g} s. Try again later."""

    code = "claim_held"


class MaintenanceRuns(TransientError):
    """An expiry or an erasure keeps loads waiting, and has not finished after {seconds:g} s. Try again later."""

    code = "maintenance_runs"


class LoadsUnderWay(TransientError):
    """Loads are under way and have not finished after {seconds:g} s. Nothing was changed; try again later."""

    code = "loads_under_way"


# Runs


class DayInvalid(TerminalError):
    """The day {day!r} cannot be scored: {why}."""

    code = "day_invalid"


class RunIncomplete(TransientError):
    """Run {run_id} is not complete: {why}. Clear its failed tasks to try again."""

    code = "run_incomplete"


class ErasureKeyWrong(TerminalError):
    """SENTIMENT_ERASURE_KEY is not the secret of earlier erasures: with another, what was erased would come back."""

    code = "erasure_key_wrong"


class MonthInvalid(TerminalError):
    """The month {month!r} cannot be dropped: {why}."""

    code = "month_invalid"


class FilesRejected(TerminalError):
    """Run {run_id} is done, but {count} of its files could not be read: {files}. SENTIMENT_ON_BAD_FILE is `fail`."""

    code = "files_rejected"


class SettingInvalid(TerminalError):
    """The setting {name} is wrong: {why}. docs/configuration.md lists all settings."""

    code = "setting_invalid"


class SettingMissing(TerminalError):
    """The setting {name} is needed for this: {why}. docs/configuration.md lists all settings."""

    code = "setting_missing"
