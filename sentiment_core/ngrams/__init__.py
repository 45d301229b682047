"""From token hashes to known n-grams: lookup, spans for explanations, document frequencies and near-duplicates."""
