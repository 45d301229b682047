"""The aliases and tags by which the registry knows versions."""

CHAMPION = "champion"


CHALLENGER = "challenger"


DIGEST_TAG = "digest"
