"""Patterns of sparse matrices that are assembled many times: where each contribution goes, found once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Grouped:
    """Contributions (n,) to entries of a square matrix, sorted by row and column.

    order: (n,) contributions by entry; starts: (E,) where each entry begins in it; pointers, columns: CSR of the E entries.
    """

    order: Index
    starts: NDArray[np.int64]
    pointers: Index
    columns: Index

    @property
    def places(self) -> Index:
        """The entry that each contribution goes to, (n,)."""
        first = np.zeros(len(self.order), np.int32)
        first[self.starts] = 1
        found = np.empty(len(self.order), np.int32)
        found[self.order] = np.cumsum(first, dtype=np.int32) - 1
        return found


def grouped(rows: Index, columns: Index, count: int) -> Grouped:
    """Sort contributions by (row, column) of a matrix (count, count): a radix sort of two linear passes in compiled code."""
    from scipy.sparse import coo_array

    contributions = coo_array((np.arange(len(rows), dtype=np.int32), (rows, columns)), shape=(count, count))
    contributions.has_canonical_format = True  # nothing is to be added up: these are places
    ordered = contributions.tocsc().tocsr()
    first = np.ones(ordered.nnz, bool)
    np.not_equal(ordered.indices[1:], ordered.indices[:-1], out=first[1:])
    begins = ordered.indptr[:-1]
    first[begins[begins < ordered.indptr[1:]]] = True
    starts = np.flatnonzero(first)
    return Grouped(ordered.data, starts, np.searchsorted(starts, ordered.indptr).astype(np.int32), ordered.indices[starts])


def block_diagonal(blocks: Sequence[Any]) -> Any:
    """Square CSR matrices along the diagonal of one; a single block is returned as it is."""
    from scipy.sparse import csr_array

    if len(blocks) == 1:
        return blocks[0]
    sizes, entries = np.cumsum([0, *(b.shape[0] for b in blocks)]), np.cumsum([0, *(b.nnz for b in blocks)])
    indices = np.concatenate([b.indices + size for b, size in zip(blocks, sizes, strict=False)])
    pointers = np.concatenate([[0], *(b.indptr[1:] + begin for b, begin in zip(blocks, entries, strict=False))])
    return csr_array((np.concatenate([b.data for b in blocks]), indices, pointers), shape=(int(sizes[-1]), int(sizes[-1])))
