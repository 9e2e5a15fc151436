"""What a decoder knows of a block of a volume without having seen the others, so that all blocks together give exactly the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Inner = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Piece:
    """labels: (z, y, x) uint32, numbered from 1 within the block; links: for z, y and x, which voxels of the block's first plane along
    that axis belong to the same object as the voxel before them, in the neighbouring block (False at the border of the volume); values:
    the class of each label where the result holds classes, None where it holds objects.
    """

    labels: NDArray[np.uint32]
    links: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]
    values: NDArray[np.int64] | None = None


class PiecewiseDecoder(Protocol):
    """A decoder whose result on a volume follows from its pieces.

    whole_sections: whether blocks must span y and x; context: voxels beyond a block that it reads; least: objects of fewer voxels become
    background once they are joined over all blocks; leading: how many of the first offsets' affinities it reads, None for all.
    """

    whole_sections: bool
    context: int
    least: int
    leading: int | None

    def piece(self, probabilities: NDArray[Any], offsets: Sequence[Any], inner: Inner) -> Piece:
        """The piece of a block. probabilities: (K, z, y, x) of the block and its context; inner: where the block lies in it."""
        ...


def no_links(shape: Sequence[int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Links of a block whose objects end at its faces. shape: (z, y, x)."""
    z, y, x = shape
    return np.zeros((y, x), bool), np.zeros((z, x), bool), np.zeros((z, y), bool)


def piece_of_pairs(inside: NDArray[np.bool_], joined: NDArray[np.bool_], inner: Inner) -> Piece:
    """The components of a block. inside: (z, y, x), joined: (3, z, y, x) of block and context, as `joined_components` takes them."""
    from cellml.segmentation.labelling import joined_components

    own = joined[(slice(None), *inner)].copy()
    z, y, x = own[0][0].copy(), own[1][:, 0].copy(), own[2][:, :, 0].copy()
    own[0][0] = own[1][:, 0] = own[2][:, :, 0] = False
    return Piece(joined_components(inside[inner], own), (z, y, x))
