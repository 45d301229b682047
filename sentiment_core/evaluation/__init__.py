"""How good scores are: metrics, slices, paired confidence intervals, plots."""
