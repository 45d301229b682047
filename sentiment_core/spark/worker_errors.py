"""The sentence of an error of this package in a Spark worker, which Spark's own exception has below a traceback."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sentiment_core.errors
from sentiment_core.errors import SparkWorkerFailed

_SENTENCE: Final = re.compile(rf"^{re.escape(sentiment_core.errors.__name__)}\.\w+: (.+)$", re.MULTILINE)


@contextmanager
def worker_sentences() -> Iterator[None]:
    """Raise `SparkWorkerFailed` in place of Spark's exception if a worker failed with an error of this package."""
    from pyspark.errors import PythonException  # noqa: PLC0415 -- the module can be imported without Spark

    try:
        yield
    except PythonException as error:
        found = _SENTENCE.findall(str(error))
        if not found:
            raise
        raise SparkWorkerFailed(why=found[-1]) from error
