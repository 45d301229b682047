"""Evaluation of scores: metrics, slices, paired confidence intervals and plots."""
