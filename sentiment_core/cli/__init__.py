"""The command line `sentiment`: one module a verb. The console script names `main` here."""

from sentiment_core.cli.group import main

__all__ = ["main"]
