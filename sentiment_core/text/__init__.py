"""From UTF-8 bytes to token hashes: the readable specification, the scalar and vectorized tokenizers, negation."""
