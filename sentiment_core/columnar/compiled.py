"""How functions become machine code: the rules for all that is marked `@compiled`.

Such a function releases the GIL, uses one thread, does not check its indices, and is compiled at its first call, never
at import, so a process may import its module and fork. It takes numbers, arrays and tuples of them.

Numba keeps the machine code in a cache, by the processor's name and features (an image fixes both by `NUMBA_CPU_NAME`
and `NUMBA_CPU_FEATURES`) and by the file that a function stands in: a change in what it calls goes unnoticed, so `make`
empties the cache when any of these files changes. Numba by itself passes over a cache that it cannot write; here one
that was filled before, as an image ships it, is read all the same.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, InTreeCacheLocator, UserProvidedCacheLocator

log = logging.getLogger(__name__)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile at the first call, or find the machine code that was kept, and keep it where a folder can be written."""
    dispatcher = njit(nogil=True, boundscheck=False, error_model="numpy")(function)
    try:
        dispatcher._cache = _Cache(function)
    except RuntimeError:  # neither the package's folder nor the user's cache folder can be written
        log.debug("no cache for %s", function.__qualname__)
    return dispatcher


class _Filled:
    """Makes a locator of Numba's take a folder that holds the function's machine code and cannot be written."""

    _py_file: str
    _lineno: int

    def ensure_cache_path(self) -> None:
        folder = Path(self.get_cache_path())  # type: ignore[attr-defined]
        if os.access(folder, os.W_OK) or not any(folder.glob(f"{Path(self._py_file).stem}.*-{self._lineno}.*.nbi")):
            raise PermissionError  # which tells Numba to look elsewhere


class _FilledInTree(_Filled, InTreeCacheLocator):  # type: ignore[misc]
    pass


class _FilledUserProvided(_Filled, UserProvidedCacheLocator):  # type: ignore[misc]
    pass


class _CacheFiles(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_FilledUserProvided, _FilledInTree, *CompileResultCacheImpl._locator_classes)


class _Cache(FunctionCache):  # type: ignore[misc]
    _impl_class = _CacheFiles

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep machine code; where the folder takes no more it serves this process only."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            log.warning("compiled code cannot be kept in %s: %s", self.cache_path, error.strerror)
