"""Labelled reviews: collection, correction votes, snapshots, checks, splits, active learning."""
