"""Over-segmentation of affinities into fragments, the nodes that agglomeration merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.basins import ascent_basins
from cellml.segmentation.neighbourhood import BLENDED, NEAREST, check_offsets, pair_slices


class Fragments(Protocol):
    """Anything that turns affinities (K, Z, Y, X) into fragments (Z, Y, X), 0 where nothing is to be segmented."""

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Return fragments numbered from 1."""
        ...


class FragmentDecoder:
    """A decoder that first makes fragments and then clusters them; a subclass has the field `fragments` and says how in `cluster`."""

    fragments: Fragments

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Objects (Z, Y, X) from affinities (K, Z, Y, X) in [0, 1]; 0 outside `mask` and in the background of the fragments."""
        check_affinities(affinities, offsets, mask)
        return self.cluster(affinities, self.fragments(affinities, offsets, mask), offsets)

    def cluster(self, affinities: NDArray[Any], fragments: NDArray[np.uint32], offsets: Sequence[Sequence[int]]) -> NDArray[np.uint32]:
        """Objects from given fragments."""
        raise NotImplementedError


@dataclass(frozen=True)
class DistanceFragments:
    """Basins of the smoothed distance to the nearest boundary voxel, which do not reach across low affinities.

    A voxel is boundary where its `voxel_affinity` is at most `threshold`, and ascent does not pass between voxels whose affinity is at
    most that: else the smoothed map of a large object draws in the rim of a small one, and agglomeration then takes the affinities
    inside that rim for those of the contact. sigma: width in voxels of the Gaussian that smooths the distance map, larger for fewer
    fragments; sampling: size of a voxel along (z, y, x) in any one unit, for anisotropic volumes; per_slice: treat each z section by itself
    and disregard affinities between sections, for sections that jump; background_below: voxels whose affinity is below it stay 0 (0 labels
    everything, as dense tissue needs; sparse objects, whose surroundings have affinity 0, need about 0.3).
    """

    threshold: float = 0.5
    sigma: float = 0.7
    sampling: tuple[float, float, float] = (1.0, 1.0, 1.0)
    per_slice: bool = False
    background_below: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sampling", tuple(float(s) for s in self.sampling))

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Fragments (Z, Y, X), numbered from 1; 0 outside `mask` and in the background."""
        check_affinities(affinities, offsets, mask)
        axes = (1, 2) if self.per_slice else (0, 1, 2)
        inside = voxel_affinity(affinities, axes)
        mask = foreground(inside, self.background_below, mask)
        return ascent_basins(self._height(inside), mask, affinities[:3] > self.threshold, axes=axes)

    def _height(self, inside: NDArray[np.float32]) -> NDArray[np.float32]:
        from scipy.ndimage import gaussian_filter

        distance = boundary_distance(inside, self.threshold, self.sampling, per_slice=self.per_slice)
        finest = min(self.sampling[1:] if self.per_slice else self.sampling)
        widths = [0.0 if self.per_slice and axis == 0 else self.sigma * finest / step for axis, step in enumerate(self.sampling)]
        return np.asarray(gaussian_filter(distance, widths, truncate=3.0), np.float32)


def check_affinities(affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None) -> None:
    """Raise CellmlError unless affinities are (K, Z, Y, X) in [0, 1] for K valid offsets, and the mask covers the same voxels."""
    if affinities.ndim != 4:
        raise CellmlError(f"Affinities must have the axes (K, Z, Y, X), got shape {affinities.shape}.")
    check_offsets(offsets, affinities.shape[0])
    if affinities.size == 0:
        raise CellmlError(f"The affinities hold no voxels: their shape is {affinities.shape}.")
    low, high = float(affinities.min()), float(affinities.max())
    if not (low >= 0.0 and high <= 1.0 + BLENDED):
        raise CellmlError(f"Affinities must lie in [0, 1] and be finite, got values from {low} to {high}; apply a sigmoid to logits.")
    if mask is not None and mask.shape != affinities.shape[1:]:
        raise CellmlError(f"The mask has shape {mask.shape}, but the affinities cover {affinities.shape[1:]} voxels.")


def voxel_affinity(affinities: NDArray[Any], axes: Sequence[int] = (0, 1, 2)) -> NDArray[np.float32]:
    """How far each voxel is from any boundary in its direct neighbourhood, (Z, Y, X) float32 from 0 to 1.

    The mean affinity to the two neighbours along an axis, and of the given axes the smallest: the mean over all six neighbours would not
    see a thin boundary, whose other five affinities are high. Channels as in the neighbourhood's contract.
    """
    shape = affinities.shape[1:]
    smallest = np.ones(shape, np.float32)
    for channel in axes:
        here, there = pair_slices(shape, NEAREST[channel])
        if affinities[channel][here].size == 0:
            continue
        total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for side in (here, there):
            total[side] += affinities[channel][here]
            count[side] += 1.0
        np.minimum(smallest, total / count, out=smallest)
    return smallest


def foreground(inside: NDArray[np.float32], background_below: float, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Voxels to segment: inside `mask` and with affinity at least `background_below`; None for all of them."""
    if background_below <= 0.0:
        return None if mask is None else mask.astype(bool)
    kept = inside >= background_below
    return kept if mask is None else kept & mask.astype(bool)


def boundary_distance(
    inside: NDArray[np.float32], threshold: float, sampling: Sequence[float], *, per_slice: bool = False
) -> NDArray[np.float32]:
    """Euclidean distance of each voxel to the nearest voxel with inside ≤ threshold, in units of `sampling`, (Z, Y, X) float32.

    Without any such voxel (in the volume, or in the section with per_slice) the distance is 0 everywhere.
    """
    from scipy.ndimage import distance_transform_edt

    interior = inside > threshold
    blocks = list(interior) if per_slice else [interior]
    step = tuple(sampling)[1:] if per_slice else tuple(sampling)
    distances = [distance_transform_edt(block, sampling=step) if not block.all() else np.zeros(block.shape) for block in blocks]
    return (np.stack(distances) if per_slice else distances[0]).astype(np.float32)
