"""Names of the registry's aliases and version tags."""

CHAMPION = "champion"


CHALLENGER = "challenger"


DIGEST_TAG = "digest"


# The first release of MLflow with aliases (2.3) and with datasets as inputs of runs (2.4).
LEAST_MLFLOW = "2.4"
