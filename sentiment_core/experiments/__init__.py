"""Trials of other models, and their comparison with the shipped configuration."""
