"""Betti numbers of a mask: how many pieces, tunnels and cavities it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.metrics.slab_components import cavity_count, component_count

Slabs = Callable[[], Iterable[NDArray[np.bool_]]]


@dataclass(frozen=True)
class BettiNumbers:
    """components (b0), tunnels (b1) and cavities (b2) of a mask whose voxels touch by faces, edges and corners (26), its background by
    faces (6). What lies beyond the region counts as background.
    """

    components: int
    tunnels: int
    cavities: int

    @property
    def euler(self) -> int:
        """χ = b0 − b1 + b2."""
        return self.components - self.tunnels + self.cavities

    def error(self, truth: BettiNumbers) -> int:
        """Betti error Σ |b_k − b_k(truth)|."""
        return abs(self.components - truth.components) + abs(self.tunnels - truth.tunnels) + abs(self.cavities - truth.cavities)


def betti_numbers(slabs: Slabs) -> BettiNumbers:
    """Of a mask read slab by slab; slabs: a function that starts from the first slab, (z, Y, X) bool, anew.

    b0 and b2 count components of the mask and enclosed ones of its background, b1 = b0 + b2 − χ, with the Euler number χ of the union of
    the closed voxels. The slabs are read once for each of the three.
    """
    components, cavities = component_count(slabs(), corners=True), cavity_count(slabs())
    return BettiNumbers(components, components + cavities - euler_number(slabs()), cavities)


def euler_number(slabs: Iterable[NDArray[np.bool_]]) -> int:
    """Vertices − edges + faces − cubes of the union of closed voxels, 26-connectivity.

    slabs: bool arrays (z, Y, X) that follow each other along z. The cells in the plane between two sections are those of the union of the
    two, the cells between two planes those of the section there, so that χ = Σ_planes χ₂(above ∪ below) − Σ_sections χ₂(section), with the
    Euler number χ₂ of sections, 8-connectivity: only the last section of a slab is kept.
    """
    total, above = 0, None
    for slab in slabs:
        if not len(slab):
            continue
        mask = np.asarray(slab, bool)
        before = np.concatenate([np.zeros_like(mask[:1]) if above is None else above, mask[:-1]])
        total += _sections_euler(before | mask) - _sections_euler(mask)
        above = mask[-1:]
    return total if above is None else total + _sections_euler(above)


def _sections_euler(sections: NDArray[np.bool_]) -> int:
    """Σ over sections of vertices − edges + squares of the union of closed pixels; sections: (z, Y, X) bool."""
    framed = np.pad(sections, ((0, 0), (1, 1), (1, 1)))
    across, down = framed[:, :, 1:] | framed[:, :, :-1], framed[:, 1:] | framed[:, :-1]
    vertices = across[:, 1:] | across[:, :-1]
    edges = np.count_nonzero(across[:, 1:-1]) + np.count_nonzero(down[:, :, 1:-1])
    return int(np.count_nonzero(vertices) - edges + np.count_nonzero(sections))


def in_memory(mask: NDArray[np.bool_]) -> Slabs:
    """One slab that holds all of a mask (Z, Y, X)."""

    def once() -> Iterator[NDArray[np.bool_]]:
        yield mask

    return once
