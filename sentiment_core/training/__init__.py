"""Training a model: vectorizer, calibration, cross-validation, learning curve, the MLflow run."""
