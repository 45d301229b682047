"""Alerts to people: what happened, a link, and the next step, sent once for each cause."""
