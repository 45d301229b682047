"""Labelled reviews: collection, correction votes, snapshots, data checks, splits and active learning."""
