"""Reads reviews, scores them and stores the result: the library behind the DAGs, the service and the command line."""

__version__ = "0.2.0"
