"""The HTTP service: scores single texts and small batches with the champion model."""
