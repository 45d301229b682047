"""An experiment as runs in MLflow: a parent run, and a nested run for each trial."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

from mlflow import MlflowClient
from mlflow.entities import Run

from sentiment_core import __version__
from sentiment_core.errors import ExperimentDataChanged, ExperimentInvalid, SentimentError
from sentiment_core.experiments.catalogue import Experiment, Trial, TrialResult, experiment
from sentiment_core.experiments.comparison import TrialComparison
from sentiment_core.experiments.trial import ExperimentData, run_trial
from sentiment_core.params import Params
from sentiment_core.registry.mlflow_client import experiment_id, mlflow_client
from sentiment_core.registry.mlflow_runs import (
    RUNNING,
    find_run,
    log_dataset,
    log_files,
    log_metrics,
    log_params,
    require_server,
    set_status,
)
from sentiment_core.settings import settings
from sentiment_core.training.train import TrainingStep

_PARENT: Final = "mlflow.parentRunId"
_NOTE: Final = "mlflow.note.content"
_TRIAL, _FAILURE, _STARTED_BY, _DATA = "trial", "failure", "started_by", "data_sha256"
_PAGE: Final = 1_000
_TAG_LENGTH: Final = 5_000


def mlflow_name(name: str) -> str:
    """Return the name in MLflow of an experiment's runs."""
    return f"sentiment/experiments/{name}"


class ExperimentRun:
    """The parent run of an experiment.

    Methods raise `RegistryUnavailable` when the tracking server fails (retryable), and `RegistryRefused` when it
    rejects a call.
    """

    def __init__(self, tracking_uri: str, experiment: Experiment, run: Run) -> None:
        self.experiment = experiment
        self.run_id = str(run.info.run_id)
        self._experiment_id = str(run.info.experiment_id)
        self._data_sha256 = str(run.data.tags[_DATA])
        self._tracking_uri = tracking_uri

    @classmethod
    def start(
        cls,
        tracking_uri: str,
        name: str,
        data: ExperimentData,
        described: Mapping[str, Any],
        started_by: str | None = None,
    ) -> "ExperimentRun":
        """Create the parent run of an experiment and its data. `described` are params that describe the data's origin.

        A run with the same `started_by` is continued, so starting twice creates one run. Raises `ExperimentInvalid`
        when the experiment is unknown or lacks unlabelled reviews, and `ExperimentDataChanged`.
        """
        wanted = experiment(name)
        if wanted.needs_unlabelled and not data.unlabelled:
            raise ExperimentInvalid(name=name, why="it needs unlabelled reviews")
        require_server(tracking_uri)
        with mlflow_client(tracking_uri) as client:
            group = experiment_id(client, mlflow_name(name))
            known = find_run(client, group, {_STARTED_BY: started_by}) if started_by else None
            if known is not None:
                found = cls(tracking_uri, wanted, known)
                found.require_same(data)
                found._describe(client, data, described)
                set_status(tracking_uri, found.run_id, RUNNING)
                return found
            tags = {_DATA: data.sha256, "release": __version__, "code_version": settings().code_version}
            if started_by:
                tags[_STARTED_BY] = started_by
            tags[_NOTE] = wanted.question
            run_name = f"{name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
            found = cls(tracking_uri, wanted, client.create_run(group, tags=tags, run_name=run_name))
            with found.killed_on_error():
                found._describe(client, data, described)
        return found

    @classmethod
    def find(cls, tracking_uri: str, name: str, started_by: str) -> "ExperimentRun":
        """Return the parent run that was started by something. Raises `ExperimentInvalid` when there is none."""
        with mlflow_client(tracking_uri) as client:
            known = client.get_experiment_by_name(mlflow_name(name))
            run = find_run(client, known.experiment_id, {_STARTED_BY: started_by}) if known else None
        if run is None:
            raise ExperimentInvalid(name=name, why=f"MLflow has no run of it that was started by {started_by}")
        return cls(tracking_uri, experiment(name), run)

    def require_same(self, data: ExperimentData) -> None:
        """Raise `ExperimentDataChanged` when the data is not what the run was started with."""
        if data.sha256 != self._data_sha256:
            raise ExperimentDataChanged(name=self.experiment.name)

    def begin(self, trial: Trial) -> str:
        """Create the nested run of a trial, or continue the existing one, and return its id."""
        with mlflow_client(self._tracking_uri) as client:
            known = [run for run in self._children(client) if run.data.tags.get(_TRIAL) == trial.name]
            if known:
                run_id = str(known[0].info.run_id)
                if _FAILURE in known[0].data.tags:
                    client.delete_tag(run_id, _FAILURE)
                set_status(self._tracking_uri, run_id, RUNNING)
            else:
                tags = {_PARENT: self.run_id, _TRIAL: trial.name, "code_version": settings().code_version}
                run_id = str(client.create_run(self._experiment_id, tags=tags, run_name=trial.name).info.run_id)
            log_params(client, run_id, {key: str(value) for key, value in trial.shown.items()})
        return run_id

    def end(self, run_id: str, result: TrialResult) -> None:
        """Log a trial's result to its run and set its status: FINISHED, or FAILED with the reason."""
        with mlflow_client(self._tracking_uri) as client:
            log_metrics(client, run_id, result.measures)
            if result.failure is not None:
                for tag in (_FAILURE, _NOTE):
                    client.set_tag(run_id, tag, result.failure[:_TAG_LENGTH])
        set_status(self._tracking_uri, run_id, "FINISHED" if result.failure is None else "FAILED")

    def record(
        self, trial: Trial, data: ExperimentData, params: Params, step: TrainingStep = lambda _: None
    ) -> TrialResult:
        """Score a trial in its run. Errors of the trial are in its result. Raises `ExperimentDataChanged`."""
        self.require_same(data)
        run_id = self.begin(trial)
        result = run_trial(trial, data, params, step)
        self.end(run_id, result)
        return result

    def results(self) -> list[TrialResult]:
        """Return the result of each trial so far. A trial that has not ended counts as failed."""
        with mlflow_client(self._tracking_uri) as client:
            return [_result(run) for run in self._children(client)]

    def finish(self, comparison: TrialComparison) -> None:
        """Log the comparison's table and plot, and end the run: FAILED when a trial did."""
        metrics = {"trials": float(len(comparison.results)), "failed": float(len(comparison.failures))}
        tags = {_NOTE: f"{self.experiment.question} {comparison.summary}"[:_TAG_LENGTH]}
        if comparison.best:
            tags["best_trial"] = comparison.best.trial
            metrics |= {f"best_{key}": comparison.best.measures[key] for key in ("accuracy", "auc")}
        with mlflow_client(self._tracking_uri) as client:
            log_files(client, self.run_id, comparison.files())
            log_metrics(client, self.run_id, metrics)
            for key, value in tags.items():
                client.set_tag(self.run_id, key, value)
        set_status(self._tracking_uri, self.run_id, "FAILED" if comparison.failures else "FINISHED")

    @contextmanager
    def killed_on_error(self) -> Iterator[None]:
        """End the run and its running trials as KILLED when the block raises."""
        try:
            yield
        except BaseException:
            with suppress(SentimentError):
                set_status(self._tracking_uri, self.run_id, "KILLED")
                with mlflow_client(self._tracking_uri) as client:
                    for run in self._children(client):
                        if run.info.status == RUNNING:
                            set_status(self._tracking_uri, run.info.run_id, "KILLED")
            raise

    def _describe(self, client: MlflowClient, data: ExperimentData, described: Mapping[str, Any]) -> None:
        shown = {**described, "rows": len(data.reviews.texts), "unlabelled_rows": len(data.unlabelled)}
        log_params(client, self.run_id, {key: str(value) for key, value in shown.items()})
        name = str(described.get("data", "labelled reviews"))
        profile = {"rows": data.reviews.rows, "unlabelled_rows": len(data.unlabelled)}
        log_dataset(client, self.run_id, name=name, digest=data.sha256, uri=name, profile=profile)

    def _children(self, client: MlflowClient) -> list[Run]:
        """Return the nested runs, in the order in which they began."""
        found: list[Run] = []
        query = f"tags.`{_PARENT}` = '{self.run_id}'"
        token = None
        while True:
            page = client.search_runs(
                [self._experiment_id], query, max_results=_PAGE, order_by=["start_time"], page_token=token
            )
            found += page
            token = page.token
            if not token:
                return found


def _result(run: Run) -> TrialResult:
    failure = run.data.tags.get(_FAILURE)
    if failure is None and run.info.status != "FINISHED":
        failure = f"the trial did not end. Its status in MLflow is {run.info.status}"
    params = run.data.params
    return TrialResult(
        run.data.tags[_TRIAL],
        params.get("candidate", ""),
        int(params.get("round", 0)),
        dict(params),
        {} if failure is not None else dict(run.data.metrics),
        failure,
    )
