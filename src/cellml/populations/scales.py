"""The scale on which a column is compared with others: logarithms where it spans more than a factor, else as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]

_SPAN = 3.0  # largest over smallest, above which relative differences are what counts


@dataclass(frozen=True, eq=False)
class Columns:
    """names: of K columns; values: (N, K), logarithms where `logarithms` (K,) says so; constant columns are left out, `dropped`."""

    names: tuple[str, ...]
    values: Floats
    logarithms: NDArray[np.bool_]
    dropped: tuple[str, ...] = ()

    @classmethod
    def of(cls, columns: Mapping[str, Floats]) -> Columns:
        """Columns (N,) by name; the natural logarithm is taken of positive ones whose largest value is above three times the smallest.

        Raises CellmlError where no column varies.
        """
        kept = {name: np.asarray(values, np.float64) for name, values in columns.items() if np.ptp(values) > 0}
        if not kept:
            raise CellmlError(f"None of the columns {', '.join(columns) or '(none)'} varies; there is nothing to relate.")
        logarithms = np.array([bool(v.min() > 0 and v.max() > _SPAN * v.min()) for v in kept.values()])
        values = np.stack([np.log(v) if log else v for v, log in zip(kept.values(), logarithms, strict=True)], axis=1)
        return cls(tuple(kept), values, logarithms, tuple(name for name in columns if name not in kept))

    def standard(self) -> Floats:
        """(N, K) with mean 0 and standard deviation 1."""
        return np.asarray((self.values - self.values.mean(axis=0)) / self.values.std(axis=0))


def group_numbers(groups: Sequence[str], count: int) -> NDArray[np.int64]:
    """Group of each of `count` rows as a number from 0. Raises CellmlError for another number of groups, or fewer than two of them."""
    if len(groups) != count:
        raise CellmlError(f"{count} shapes have {len(groups)} groups; give one group a shape.")
    names, numbers = np.unique(np.asarray(groups, str), return_inverse=True)
    if len(names) < 2:
        only = str(names[0]) if len(names) else ""
        raise CellmlError(
            f"All shapes are of the group {only!r}; intervals over groups need two or more. Where shapes are independent of each other, "
            "each is a group of its own: the same `cellml populate` once more with group_pattern=.* says so, and simulates nothing again."
        )
    return np.asarray(numbers.reshape(-1), np.int64)
