"""Scoring in Spark: a dataframe (`score`), and a job that scores a lake partition by partition (`job.py`)."""

from sentiment_core.spark.scoring import score

__all__ = ["score"]
