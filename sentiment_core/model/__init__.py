"""The model bundle (manifest, arrays, card, drift reference) and the scorer that runs it."""
