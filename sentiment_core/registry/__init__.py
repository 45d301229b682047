"""The registered model in MLflow: REST client, versions, artifacts, aliases."""
