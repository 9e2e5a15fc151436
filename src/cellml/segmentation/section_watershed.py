"""Closed outlines in single sections from membranes with gaps: seeds inside cells, flooded until they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.fragments import check_affinities
from cellml.segmentation.neighbourhood import NEAREST
from cellml.segmentation.piece import Inner, Piece, no_links


class SectionDecoder:
    """A decoder that takes each section by itself, so that blocks of whole sections give the whole volume."""

    whole_sections: ClassVar[bool] = True
    context: ClassVar[int] = 0
    least: ClassVar[int] = 0
    leading: ClassVar[int | None] = len(NEAREST)

    def piece(self, probabilities: NDArray[Any], offsets: Sequence[Any], inner: Inner) -> Piece:
        """As `cellml.segmentation.piece.PiecewiseDecoder`; probabilities are affinities."""
        labels = self(probabilities[(slice(None), *inner)], offsets)
        return Piece(labels, no_links(labels.shape))

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Segments (Z, Y, X) of affinities."""
        raise NotImplementedError


@dataclass(frozen=True)
class SectionWatershed(SectionDecoder):
    """Each section by itself: connected interiors are seeds, and flooding along low membrane probability gives every pixel to one of them.

    The membrane probability is smoothed by a Gaussian of `sigma` pixels, which closes gaps; interiors are the 4-connected regions below
    `threshold` of at least `min_seed` pixels, and smaller ones are flooded by their neighbours; the watershed of the smoothed probability
    leaves no pixel out, as V_rand wants it. A lower threshold and a larger sigma close more gaps and split more thin processes.
    Segments of different sections have different numbers.
    """

    threshold: float = 0.4
    sigma: float = 1.0
    min_seed: int = 40

    def __post_init__(self) -> None:
        if not 0.0 < self.threshold <= 1.0 or self.sigma < 0.0 or self.min_seed < 0:
            raise CellmlError(
                f"A section watershed needs a threshold in (0, 1] and sigma and min_seed of at least 0, got {self.threshold}, {self.sigma} "
                f"and {self.min_seed}."
            )

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Segments (Z, Y, X) from the affinities (3, Z, Y, X) of a boundary map; those between sections do not count; 0 outside `mask`.

        Raises CellmlError for long-range affinities: networks of those see boundaries between pixels, which no pixel shows.
        """
        from scipy.ndimage import label

        check_affinities(affinities, offsets, mask)
        _require_boundary_map(offsets)

        def seeds(height: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[Any]:
            return without_small(label((height < self.threshold) & inside)[0], self.min_seed)

        return flooded_sections(section_boundary(affinities), self.sigma, seeds, mask)


@dataclass(frozen=True)
class SectionDynamics(SectionDecoder):
    """Each section by itself: basins of the membrane probability, of which those less deep than `depth` are joined.

    Seeds are the minima that remain after the h-minima transform with h = depth (Soille 2003, section 6.3.4): a cell counts as one if a
    path that never rises by `depth` above its darkest point leads everywhere in it. Contrast decides, not the level, so that faint
    membranes in bright surroundings hold; sigma: Gaussian smoothing in pixels; min_seed: smaller minima (pixels) are no seeds.
    """

    choose_along: ClassVar[str] = "depth"

    depth: float = 0.1
    sigma: float = 2.0
    min_seed: int = 1

    def __post_init__(self) -> None:
        if not 0.0 < self.depth < 1.0 or self.sigma < 0.0 or self.min_seed < 0:
            raise CellmlError(
                f"Section dynamics need a depth in (0, 1) and sigma and min_seed of at least 0, got {self.depth}, {self.sigma} "
                f"and {self.min_seed}."
            )

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """As `SectionWatershed`."""
        from scipy.ndimage import label

        check_affinities(affinities, offsets, mask)
        _require_boundary_map(offsets)

        def seeds(height: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[Any]:
            return without_small(label(deep_minima(height, self.depth) & inside)[0], self.min_seed)

        return flooded_sections(section_boundary(affinities), self.sigma, seeds, mask)


def _require_boundary_map(offsets: Sequence[Sequence[int]]) -> None:
    if len(offsets) != 3:
        raise CellmlError(
            f"Section decoders read membrane or boundary probabilities, but the network gives affinities at {len(offsets)} offsets; choose "
            "another decoder, with per_slice fragments for sections that stand for themselves."
        )


def section_boundary(affinities: NDArray[Any]) -> NDArray[np.float32]:
    """Boundary probability (Z, Y, X) of each pixel: 1 − the largest affinity to its four neighbours in the section.

    For affinities that were made of a boundary map (a = 1 − max of two pixels) this is the map again, except that a pixel darker than all
    its neighbours takes the darkest neighbour's value.
    """
    largest = np.zeros(affinities.shape[1:], np.float32)
    for channel, axis in ((1, 1), (2, 2)):
        later = [slice(None)] * 3
        earlier = [slice(None)] * 3
        later[axis], earlier[axis] = slice(1, None), slice(None, -1)
        pairs = affinities[channel][tuple(later)]
        for side in (tuple(later), tuple(earlier)):
            np.maximum(largest[side], pairs, out=largest[side])
    return 1.0 - largest


def flooded_sections(boundary: NDArray[np.float32], sigma: float, seeds: Any, mask: NDArray[np.bool_] | None) -> NDArray[np.uint32]:
    """Smooth each section, ask seeds(height (Y, X), inside (Y, X)) → numbers, and flood; a section without seeds is one segment."""
    from scipy.ndimage import gaussian_filter
    from skimage.segmentation import watershed

    labels = np.zeros(boundary.shape, np.uint32)
    last = 0
    for z, section in enumerate(boundary):
        inside = np.ones(section.shape, bool) if mask is None else mask[z].astype(bool)
        if not inside.any():
            continue
        height = gaussian_filter(section, sigma) if sigma > 0 else section
        markers = seeds(height, inside)
        if not markers.any():
            markers = inside.astype(np.int32)
        found = watershed(height, markers, mask=inside)
        found = _pieces_without_seed(found, inside)
        labels[z] = np.where(found > 0, found + last, 0)
        last = int(labels[z].max(initial=last))
    return labels


def _pieces_without_seed(found: NDArray[Any], inside: NDArray[np.bool_]) -> NDArray[Any]:
    """Parts of the mask that no flood reaches become segments of their own."""
    from scipy.ndimage import label

    left = inside & (found == 0)
    if not left.any():
        return found
    return np.where(left, label(left)[0] + found.max(), found)


def deep_minima(height: NDArray[np.float32], depth: float) -> NDArray[np.bool_]:
    """Pixels of the regional minima of the h-minima transform: where the reconstruction by erosion of height + depth is minimal."""
    from skimage.morphology import local_minima, reconstruction

    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    raised = reconstruction(height + np.float32(depth), height, method="erosion", footprint=cross)
    return np.asarray(local_minima(raised, connectivity=1, allow_borders=True)) | (raised == raised.min())


def without_small(labels: NDArray[Any], min_size: int) -> NDArray[Any]:
    """Labels without the regions below `min_size` pixels."""
    if min_size <= 1:
        return labels
    small = np.bincount(labels.ravel()) < min_size
    small[0] = False
    return np.where(small[labels], 0, labels)
