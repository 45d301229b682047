"""The service's Prometheus metrics; the first five keep the names of the systems that this one replaces."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

_LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_BATCH_BUCKETS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)


class Metrics:
    """All metrics of one app, in a registry of its own. Endpoints are route templates, never raw paths."""

    def __init__(self, hourly_price_usd: float) -> None:
        self._usd_per_second = hourly_price_usd / 3600
        self._requests_seen = 0
        self._total_cost_usd = 0.0
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "app_request_count", "Requests by method and endpoint.", ["method", "endpoint"], registry=registry
        )
        self.latency = Histogram(
            "app_request_latency_seconds",
            "Seconds from a request's headers to the end of its handler.",
            ["endpoint"],
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.predictions = Counter(
            "model_prediction_count", "Texts scored, by label.", ["prediction"], registry=registry
        )
        self.cost_per_request = Gauge(
            "app_cost_per_request_usd", "Mean price of the time that a request takes.", registry=registry
        )
        self.total_cost = Gauge("app_total_cost_usd", "Price of the time that all requests took.", registry=registry)
        self.problems = Counter("app_problem_count", "Answers that are errors, by code.", ["code"], registry=registry)
        self.batch_texts = Histogram(
            "app_batch_texts", "Texts a batch request.", buckets=_BATCH_BUCKETS, registry=registry
        )
        self.model_info = Gauge(
            "model_info",
            "1 for the model that answers now.",
            ["name", "version", "digest", "source"],
            registry=registry,
        )
        self.model_reloads = Counter(
            "model_reload_count",
            "Looks at the registry that loaded a model, refused one, or got no answer.",
            ["outcome"],
            registry=registry,
        )
        self.registry_reachable = Gauge(
            "model_registry_reachable", "1 while the model registry answers.", registry=registry
        )
        for outcome in ("loaded", "refused", "unavailable"):
            self.model_reloads.labels(outcome)
        self.total_cost.set_function(lambda: self._total_cost_usd)
        self.cost_per_request.set_function(lambda: self._total_cost_usd / max(self._requests_seen, 1))
        # Looking a child up by its labels takes longer than counting.
        self._requests_by = cache(self.requests.labels)
        self._latency_of = cache(self.latency.labels)
        self._predictions_of = cache(self.predictions.labels)

    def observe(self, method: str, endpoint: str, seconds: float | None) -> None:
        """Count one answered request and its cost; a stream has no `seconds`, its duration says nothing of speed."""
        self._requests_by(method if method in _METHODS else "other", endpoint).inc()
        if seconds is None:
            return
        self._latency_of(endpoint).observe(seconds)
        self._requests_seen += 1
        self._total_cost_usd += seconds * self._usd_per_second

    def predicted(self, label: str) -> None:
        """Count one scored text."""
        self._predictions_of(label).inc()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, in the format that the scraper asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
