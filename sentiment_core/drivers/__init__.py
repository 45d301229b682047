"""Why the sentiment of a set of reviews differs from that of another set: the phrases that moved it."""
