"""An experiment as runs in MLflow: a parent run, and a nested run for each trial."""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run

from sentiment_core import __version__
from sentiment_core.errors import ExperimentDataChanged, ExperimentInvalid, SentimentError
from sentiment_core.experiments.catalogue import Experiment, Trial, TrialResult, experiment
from sentiment_core.experiments.comparison import TrialComparison
from sentiment_core.experiments.trial import ExperimentData, run_trial
from sentiment_core.params import Params
from sentiment_core.registry.mlflow_client import answering, experiment_id
from sentiment_core.registry.rest_client import TrackingServer
from sentiment_core.settings import settings
from sentiment_core.training.train import TrainingStep

_PARENT: Final = "mlflow.parentRunId"
_NOTE: Final = "mlflow.note.content"
_TRIAL, _FAILURE, _STARTED_BY, _DATA = "trial", "failure", "started_by", "data_sha256"
_PAGE: Final = 1_000
_TAG_LENGTH: Final = 5_000
_DATASET_NAME_LENGTH: Final = 500
_DIGEST_LENGTH: Final = 36


def mlflow_name(name: str) -> str:
    """Return the name in MLflow of an experiment's runs."""
    return f"sentiment/experiments/{name}"


class ExperimentRun:
    """The parent run of an experiment.

    Calls raise `RegistryUnavailable` when the tracking server does not do its part this time, and `RegistryRefused`
    when it never will.
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
        """Make the parent run of an experiment and its data; `described` are params that tell where these come from.

        A run that has the same `started_by` is taken up again instead: starting twice makes no second one. Raises
        `ExperimentInvalid` for an unknown experiment, or one that lacks unlabelled reviews, and
        `ExperimentDataChanged`.
        """
        wanted = experiment(name)
        if wanted.needs_unlabelled and not data.unlabelled:
            raise ExperimentInvalid(name=name, why="it needs reviews without labels")
        # Of a server that is not there MLflow's own client would tell after minutes of trying.
        TrackingServer(tracking_uri).get("experiments/search", max_results="1")
        with answering(tracking_uri) as client:
            group = experiment_id(client, mlflow_name(name))
            known = _started_by(client, group, started_by) if started_by else None
            if known is not None:
                found = cls(tracking_uri, wanted, known)
                found.require_same(data)
                found._describe(client, data, described)
                found._update(found.run_id, "RUNNING")
                return found
            tags = {_DATA: data.sha256, "release": __version__, "code_version": settings().code_version}
            if started_by:
                tags[_STARTED_BY] = started_by
            tags[_NOTE] = wanted.question
            run_name = f"{name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
            found = cls(tracking_uri, wanted, client.create_run(group, tags=tags, run_name=run_name))
            with found.abandoned_if_broken_off():
                found._describe(client, data, described)
        return found

    @classmethod
    def find(cls, tracking_uri: str, name: str, started_by: str) -> "ExperimentRun":
        """Return the parent run that was started by something. Raises `ExperimentInvalid` when there is none."""
        with answering(tracking_uri) as client:
            known = client.get_experiment_by_name(mlflow_name(name))
            run = _started_by(client, known.experiment_id, started_by) if known else None
        if run is None:
            raise ExperimentInvalid(name=name, why=f"MLflow has no run of it that {started_by} started")
        return cls(tracking_uri, experiment(name), run)

    def require_same(self, data: ExperimentData) -> None:
        """Raise `ExperimentDataChanged` when the data is not what the run was started with."""
        if data.sha256 != self._data_sha256:
            raise ExperimentDataChanged(name=self.experiment.name)

    def begin(self, trial: Trial) -> str:
        """Make the nested run of a trial, or take up the one that is there, and return its id."""
        with answering(self._tracking_uri) as client:
            known = [run for run in self._children(client) if run.data.tags.get(_TRIAL) == trial.name]
            if known:
                run_id = str(known[0].info.run_id)
                if _FAILURE in known[0].data.tags:
                    client.delete_tag(run_id, _FAILURE)
                self._update(run_id, "RUNNING")
            else:
                tags = {_PARENT: self.run_id, _TRIAL: trial.name, "code_version": settings().code_version}
                run_id = str(client.create_run(self._experiment_id, tags=tags, run_name=trial.name).info.run_id)
            client.log_batch(run_id, params=[Param(key, str(value)) for key, value in trial.shown.items()])
        return run_id

    def end(self, run_id: str, result: TrialResult) -> None:
        """Write what came of a trial to its run, which then says FINISHED, or FAILED with the reason."""
        now = time.time_ns() // 1_000_000
        with answering(self._tracking_uri) as client:
            client.log_batch(run_id, metrics=[Metric(key, value, now, 0) for key, value in result.measures.items()])
            if result.failure is not None:
                for tag in (_FAILURE, _NOTE):
                    client.set_tag(run_id, tag, result.failure[:_TAG_LENGTH])
        self._update(run_id, "FINISHED" if result.failure is None else "FAILED")

    def record(
        self, trial: Trial, data: ExperimentData, params: Params, step: TrainingStep = lambda _: None
    ) -> TrialResult:
        """Score a trial in its run. Raises `ExperimentDataChanged`; what the trial fails by is in its result."""
        self.require_same(data)
        run_id = self.begin(trial)
        result = run_trial(trial, data, params, step)
        self.end(run_id, result)
        return result

    def results(self) -> list[TrialResult]:
        """Return what came of each trial so far; one that has not ended counts as failed."""
        with answering(self._tracking_uri) as client:
            return [_result(run) for run in self._children(client)]

    def finish(self, comparison: TrialComparison) -> None:
        """Log the comparison's table and plot, and end the run: FAILED when a trial did."""
        metrics = {"trials": float(len(comparison.results)), "failed": float(len(comparison.failures))}
        tags = {_NOTE: f"{self.experiment.question} {comparison.summary}"[:_TAG_LENGTH]}
        if comparison.best:
            tags["best_trial"] = comparison.best.trial
            metrics |= {f"best_{key}": comparison.best.measures[key] for key in ("accuracy", "auc")}
        now = time.time_ns() // 1_000_000
        with answering(self._tracking_uri) as client, tempfile.TemporaryDirectory() as scratch:
            comparison.write(Path(scratch))
            client.log_artifacts(self.run_id, scratch)
            client.log_batch(self.run_id, metrics=[Metric(key, value, now, 0) for key, value in metrics.items()])
            for key, value in tags.items():
                client.set_tag(self.run_id, key, value)
        self._update(self.run_id, "FAILED" if comparison.failures else "FINISHED")

    @contextmanager
    def abandoned_if_broken_off(self) -> Iterator[None]:
        """End the run, and those of its trials that are under way, as KILLED when the block is left by an error."""
        try:
            yield
        except BaseException:
            with suppress(SentimentError):
                self._update(self.run_id, "KILLED")
                with answering(self._tracking_uri) as client:
                    for run in self._children(client):
                        if run.info.status == "RUNNING":
                            self._update(run.info.run_id, "KILLED")
            raise

    def _describe(self, client: MlflowClient, data: ExperimentData, described: Mapping[str, Any]) -> None:
        shown = {**described, "rows": len(data.reviews.texts), "unlabelled_rows": len(data.unlabelled)}
        client.log_batch(self.run_id, params=[Param(key, str(value)) for key, value in shown.items()])
        client.log_inputs(self.run_id, [_dataset(data, str(described.get("data", "labelled reviews")))])

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

    def _update(self, run_id: str, status: str) -> None:
        # Not by MLflow's client, which prints, and which takes minutes to tell that a server has gone.
        ended = {} if status == "RUNNING" else {"end_time": str(time.time_ns() // 1_000_000)}
        TrackingServer(self._tracking_uri).post("runs/update", run_id=run_id, status=status, **ended)


def _started_by(client: MlflowClient, experiment_id: str, started_by: str) -> Run | None:
    quoted = started_by.replace("'", "\\'")
    found = client.search_runs([experiment_id], f"tags.{_STARTED_BY} = '{quoted}'", max_results=1)
    return found[0] if found else None


def _dataset(data: ExperimentData, name: str) -> DatasetInput:
    profile = {"rows": data.reviews.rows, "unlabelled_rows": len(data.unlabelled)}
    dataset = Dataset(
        name=name[:_DATASET_NAME_LENGTH],
        digest=data.sha256[:_DIGEST_LENGTH],
        source_type="s3" if name.startswith("s3://") else "local",
        source=json.dumps({"uri": name}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _result(run: Run) -> TrialResult:
    failure = run.data.tags.get(_FAILURE)
    if failure is None and run.info.status != "FINISHED":
        failure = f"it did not end: MLflow says {run.info.status}"
    params = run.data.params
    return TrialResult(
        run.data.tags[_TRIAL],
        params.get("candidate", ""),
        int(params.get("round", 0)),
        dict(params),
        {} if failure is not None else dict(run.data.metrics),
        failure,
    )
