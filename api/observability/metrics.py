"""The service's Prometheus metrics; the first five keep the names of the replaced systems."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from api.contract.schemas import ModelIdentity, RoleName, Source

_LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LENGTH_BUCKETS = (30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_BATCH_BUCKETS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
_DIFFERENCE_BUCKETS = (1e-6, 0.001, 0.01, 0.03, 0.1, 0.3, 1)


class RequestMetrics(Collector):
    """Counts and times requests in plain integers, at a tenth of the cost of prometheus_client's own children.

    Only the thread of the event loop counts.
    """

    def __init__(self) -> None:
        self.requests: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.predictions: defaultdict[tuple[str, int | None, str], int] = defaultdict(int)
        self.timed = 0
        self.seconds = 0.0
        self._lengths = [0] * (len(_LENGTH_BUCKETS) + 1)
        self._characters = 0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(_LATENCY_BUCKETS) + 1))

    def observe(self, method: str, endpoint: str, seconds: float | None) -> None:
        """Count a request; `method` is of `METHODS` or "other", a stream has no `seconds`."""
        self.requests[method, endpoint] += 1
        if seconds is not None:
            self._buckets[endpoint][bisect_left(_LATENCY_BUCKETS, seconds)] += 1
            self._seconds[endpoint] += seconds
            self.timed += 1
            self.seconds += seconds

    def predicted(self, label: str, characters: int, model: ModelIdentity) -> None:
        """Count a scored text, with as many characters as were sent."""
        self.predictions[label, model["version"], model["digest"]] += 1
        self._lengths[bisect_left(_LENGTH_BUCKETS, characters)] += 1
        self._characters += characters

    def collect(self) -> Iterator[Metric]:
        """Yield the families for a scrape."""
        requests = CounterMetricFamily(
            "app_request_count", "Requests by method and endpoint.", labels=["method", "endpoint"]
        )
        for labels, count in self.requests.items():
            requests.add_metric(labels, count)
        yield requests
        latency = HistogramMetricFamily(
            "app_request_latency_seconds",
            "Seconds from the head of a request to the end of its handler.",
            labels=["endpoint"],
        )
        for endpoint, counts in self._buckets.items():
            latency.add_metric([endpoint], _cumulative(_LATENCY_BUCKETS, counts), self._seconds[endpoint])
        yield latency
        yield from self._predictions()
        lengths = HistogramMetricFamily("app_text_characters", "Characters of the texts scored.")
        lengths.add_metric([], _cumulative(_LENGTH_BUCKETS, self._lengths), self._characters)
        yield lengths

    def _predictions(self) -> Iterator[Metric]:
        labels: defaultdict[str, int] = defaultdict(int)
        by_model = CounterMetricFamily(
            "model_version_prediction_count",
            "Texts scored, by model and label.",
            labels=["version", "digest", "prediction"],
        )
        for (label, version, digest), count in self.predictions.items():
            labels[label] += count
            by_model.add_metric([_shown(version), digest, label], count)
        predictions = CounterMetricFamily("model_prediction_count", "Texts scored, by label.", labels=["prediction"])
        for label, count in labels.items():
            predictions.add_metric([label], count)
        yield predictions
        yield by_model


def _cumulative(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Return the buckets of a histogram in Prometheus' form, each including all below it."""
    names = [*map(str, map(float, bounds)), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))


class ServiceMetrics:
    """All metrics of one process, in a separate registry. Endpoints are route templates, never raw paths."""

    def __init__(self, hourly_price_usd: float) -> None:
        usd_per_second = hourly_price_usd / 3600
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = requests = RequestMetrics()
        registry.register(requests)
        self.cost_per_request = Gauge(
            "app_cost_per_request_usd", "Mean cost of a request's processing time.", registry=registry
        )
        self.total_cost = Gauge("app_total_cost_usd", "Total cost of all requests' processing time.", registry=registry)
        self.problems = Counter("app_problem_count", "Error answers by code.", ["code"], registry=registry)
        self.failures = Counter(
            "app_failure_count", "Answers with a status of 500 or above, by endpoint.", ["endpoint"], registry=registry
        )
        self.requests_in_progress = Gauge("app_requests_in_progress", "Requests in progress.", registry=registry)
        self.connections_open = Gauge("app_connections_open", "Open connections.", registry=registry)
        self.write_batches = Counter(
            "app_write_batch_count", "Batches in which answers were written.", registry=registry
        )
        self.sockets_open = Gauge("app_sockets_open", "Open WebSockets.", registry=registry)
        self.truncated = Counter("app_truncated_count", "Texts truncated before scoring.", registry=registry)
        self.unfamiliar = Counter(
            "app_unfamiliar_count", "Texts of which the model knows hardly any n-gram.", registry=registry
        )
        self.unsupported_languages = Counter(
            "app_unsupported_language_count",
            "Texts in a language that the model does not support, by detected language.",
            ["language"],
            registry=registry,
        )
        self.log_dropped = Counter(
            "app_log_dropped_count",
            "Lines missing in the log because its queue was full or its output failed.",
            ["reason"],
            registry=registry,
        )
        self.batch_texts = Histogram(
            "app_batch_texts", "Texts per batch request.", buckets=_BATCH_BUCKETS, registry=registry
        )
        self.model_info = Gauge(
            "model_info",
            "1 for the champion that is served.",
            ["name", "version", "digest", "source"],
            registry=registry,
        )
        self.model_reloads = Counter(
            "model_reload_count",
            "Polls of the registry that loaded a model, refused one, or got no answer.",
            ["outcome"],
            registry=registry,
        )
        self.registry_reachable = Gauge(
            "model_registry_reachable", "1 while the model registry answers.", registry=registry
        )
        self.candidate_info = Gauge(
            "model_candidate_info",
            "1 for the model loaded as shadow or canary.",
            ["role", "name", "version", "digest", "source"],
            registry=registry,
        )
        self.candidate_reloads = Counter(
            "model_candidate_reload_count",
            "Polls of the registry for shadow or canary that loaded a model, refused one, or got no answer.",
            ["role", "outcome"],
            registry=registry,
        )
        self.shadow_texts = Counter(
            "model_shadow_text_count",
            "Answered texts that the shadow scored too, by its version and by whether it gave the same label.",
            ["version", "outcome"],
            registry=registry,
        )
        self.shadow_difference = Histogram(
            "model_shadow_score_difference",
            "Absolute difference between the score of an answer and the shadow's.",
            ["version"],
            buckets=_DIFFERENCE_BUCKETS,
            registry=registry,
        )
        self.shadow_dropped = Counter(
            "model_shadow_dropped_count",
            "Answered texts that the shadow did not score because its queue was full or it failed.",
            ["reason"],
            registry=registry,
        )
        self.feedback = Counter(
            "feedback_count", "Corrections accepted, stored, refused, or lost.", ["outcome"], registry=registry
        )
        self.feedback_queue_length = Gauge(
            "feedback_queue_length", "Corrections waiting for the database.", registry=registry
        )
        self.feedback_queue_bytes = Gauge(
            "feedback_queue_bytes", "Memory of the texts of waiting corrections.", registry=registry
        )
        self.feedback_database = Gauge(
            "feedback_database_state",
            "1 for the state of the database at the last attempt to store.",
            ["state"],
            registry=registry,
        )
        self.failures.labels("/predict")  # the objective of availability divides by a series that must exist
        for outcome in ("loaded", "refused", "unavailable"):
            self.model_reloads.labels(outcome)
        for reason in ("full", "failed"):
            self.shadow_dropped.labels(reason)
            self.log_dropped.labels(reason)
        self.total_cost.set_function(lambda: requests.seconds * usd_per_second)
        self.cost_per_request.set_function(lambda: requests.seconds * usd_per_second / max(requests.timed, 1))

    def reloaded(self, role: RoleName, outcome: str) -> None:
        """Count a poll of the registry; `outcome` is loaded, refused or unavailable."""
        if role == "champion":
            self.model_reloads.labels(outcome).inc()
        else:
            self.candidate_reloads.labels(role, outcome).inc()

    def serves(self, role: RoleName, model: ModelIdentity, source: Source) -> None:
        """Record which model fills a role."""
        names = (model["name"], _shown(model["version"]), model["digest"], source)
        if role == "champion":
            self.model_info.clear()
            self.model_info.labels(*names).set(1)
        else:
            self.candidate_info.remove_by_labels({"role": role})
            self.candidate_info.labels(role, *names).set(1)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, in the format that the scraper asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


def _shown(version: int | None) -> str:
    return "" if version is None else str(version)
