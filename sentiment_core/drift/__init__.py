"""Drift of a day's reviews from the model's reference: statistics, reports, HTML page and MLflow run."""
