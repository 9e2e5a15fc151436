"""Values of projections that are no numbers: named, or filled from the columns beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

_NAMED = 4  # projections listed in a message


def checked_values(values: NDArray[Any], name: str, numbers: NDArray[np.int64], *, fill: bool = False) -> NDArray[Any]:
    """The projections (N, Y, X), if all values are finite or `fill` could make them so.

    numbers: (N,) what each projection is called. With fill, each row is interpolated linearly over its bad columns, and a row without a
    good column takes the nearest row that has one. Raises CellmlError, naming projections and columns, otherwise.
    """
    bad = ~np.isfinite(values)
    if not bad.any():
        return values
    lost = bad.all(axis=(1, 2))
    if fill and not lost.any():
        return _filled(values, bad)
    places = []
    hit = np.flatnonzero(bad.any(axis=(1, 2)))
    for index in hit[:_NAMED]:
        columns = np.flatnonzero(bad[index].any(axis=0))
        places.append(f"projection {numbers[index]} {_columns(columns, values.shape[2])}")
    more = f" and {len(hit) - _NAMED} more projections" if len(hit) > _NAMED else ""
    whole = [int(numbers[index]) for index in np.flatnonzero(lost)]
    left_out = whole or [int(numbers[index]) for index in hit]
    remedy = f"Leave those projections out with exclude={left_out}" if len(left_out) < len(values) else "Every projection has some"
    remedy += "" if whole else "; fill=true replaces them by the columns beside them"
    remedy += " (options of cellml reconstruct, and of cellml align, which writes a series that other commands take)."
    raise CellmlError(f"{name} has values that are not finite numbers (NaN or infinite): {', '.join(places)}{more}. {remedy}")


def _columns(columns: NDArray[np.int64], width: int) -> str:
    if len(columns) == width:
        return "in all columns"
    first, last = int(columns[0]), int(columns[-1])
    if len(columns) == 1:
        return f"in column {first}"
    return f"in columns {first} to {last}" if len(columns) == last - first + 1 else f"in {len(columns)} columns from {first} to {last}"


def _filled(values: NDArray[Any], bad: NDArray[np.bool_]) -> NDArray[Any]:
    """A copy with bad values interpolated along x, then rows without any good value taken from the nearest row."""
    done, columns = values.copy(), np.arange(values.shape[2])
    for index, row in zip(*np.nonzero(np.any(bad, axis=2) & ~np.all(bad, axis=2)), strict=True):
        good = ~bad[index, row]
        done[index, row] = np.interp(columns, columns[good], values[index, row, good])
    empty = np.all(bad, axis=2)
    for index in np.flatnonzero(np.any(empty, axis=1)):
        whole = np.flatnonzero(~empty[index])
        for row in np.flatnonzero(empty[index]):
            done[index, row] = done[index, whole[np.abs(whole - row).argmin()]]
    return done
