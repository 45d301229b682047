"""Drift of a day's reviews against the model's reference: statistics, reports, the page, the MLflow run."""
