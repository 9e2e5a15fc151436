"""Loops over voxels, compiled when first called and kept for the next process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a loop that runs without the interpreter's lock, sums in any order, and is cached beside its source or in the user's cache.

    Where neither folder can be written, numba refuses to cache; then every process compiles anew, which takes seconds but works.
    """
    try:
        return njit(nogil=True, cache=True, fastmath=_FAST)(function)  # type: ignore[no-any-return]
    except RuntimeError:
        return njit(nogil=True, fastmath=_FAST)(function)  # type: ignore[no-any-return]


# Sums may be reordered, which is what vector instructions need; infinities and NaN keep their meaning, for a leaf's threshold is infinite.
_FAST = {"reassoc", "contract", "nsz"}
