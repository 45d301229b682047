"""Compilation of functions to machine code: the rules for every function marked `@compiled`.

A compiled function releases the GIL, uses one thread and does not check its indices. It is compiled at its first call,
never at import, so a process can import its module and then fork. Its arguments are numbers, arrays and tuples of them.

Numba caches the machine code. The cache key is the processor's name and features (an image fixes both with
`NUMBA_CPU_NAME` and `NUMBA_CPU_FEATURES`) and the file that defines the function. Numba does not notice a change in its
callees, so `make` empties the cache when any of these files changes. By default Numba ignores a cache
that it cannot write. Here Numba reads a read-only cache that is already filled, such as the one that an image ships.
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
    """Compile at the first call or load the cached machine code; cache it if a folder is writable."""
    dispatcher = njit(nogil=True, boundscheck=False, error_model="numpy")(function)
    try:
        dispatcher._cache = _Cache(function)
    except RuntimeError:  # neither the package's folder nor the user's cache folder is writable
        log.debug("no cache for %s", function.__qualname__)
    return dispatcher


class _Filled:
    """Mixin that makes a Numba cache locator accept a read-only folder that holds the function's machine code."""

    _py_file: str
    _lineno: int

    def ensure_cache_path(self) -> None:
        folder = Path(self.get_cache_path())  # type: ignore[attr-defined]
        if os.access(folder, os.W_OK) or not any(folder.glob(f"{Path(self._py_file).stem}.*-{self._lineno}.*.nbi")):
            raise PermissionError  # makes Numba try the next locator


class _FilledInTree(_Filled, InTreeCacheLocator):  # type: ignore[misc]
    pass


class _FilledUserProvided(_Filled, UserProvidedCacheLocator):  # type: ignore[misc]
    pass


class _CacheFiles(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_FilledUserProvided, _FilledInTree, *CompileResultCacheImpl._locator_classes)


class _Cache(FunctionCache):  # type: ignore[misc]
    _impl_class = _CacheFiles

    def save_overload(self, sig: Any, data: Any) -> None:
        """Cache the machine code. If the write fails, the code serves this process only."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            log.warning("compiled code cannot be cached in %s: %s", self.cache_path, error.strerror)
