"""Names of the registry's aliases and version tags."""

CHAMPION = "champion"


CHALLENGER = "challenger"


DIGEST_TAG = "digest"
