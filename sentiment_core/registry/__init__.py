"""The registered model in MLflow: REST client, versions, artifacts and aliases."""
