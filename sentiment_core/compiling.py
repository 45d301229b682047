"""How functions become machine code: the rules for all that is marked `@compiled`.

Such a function releases the GIL, uses one thread, does not check its indices, and is compiled at its first call, never
at import, so a process may import its module and fork. It takes numbers, arrays and tuples of them. Numba keeps the
machine code in its cache and notices a change in a function's own file only: `make` empties the cache when any of these
files changes.
"""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Compile at the first call and keep the machine code on disk, where a folder can be written."""
    try:
        return njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")(function)
    except RuntimeError:  # neither the package's folder nor the user's cache folder can be written
        return njit(nogil=True, boundscheck=False, error_model="numpy")(function)
