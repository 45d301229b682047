"""Measured comparisons: each module is a script, `python -m benchmarks.NAME [--json FILE]`."""
