"""The model bundle (manifest, arrays, model card, drift reference) and the scorer that runs it."""
