"""Marker-controlled watershed: what is surely inside and surely outside, and between them the steepest edge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.blocks import OpenBlock
from cellml.errors import CellmlError
from cellml.pixels.feature_net import refined
from cellml.pixels.features import PixelFeatures
from cellml.pixels.fitted import Field, FittedNet, Triple
from cellml.pixels.samples import draw_anywhere, labelled_slabs, pixels_at
from cellml.pixels.threads import in_parallel
from cellml.segmentation.thresholds import otsu_thresholds

_MOST_SECTIONS = 6  # of a training block, evenly spaced, on which level and depth are chosen


class MarkerWatershed(FittedNet):
    """Two classes from markers and the gradient (Beucher & Meyer 1993).

    The grey values are cut into levels by Otsu's method. Markers are what lies deeper than `depth` inside one level (the class), and deeper
    than `depth` outside of it (the background); water rises from both over |∇(G_σ * I)|, and they meet on its crests. Which level and which
    depth: those with the best IoU on some sections of the training blocks.

    spacing: (z, y, x) in nm; levels: 2 to 5; smoothing_nm: σ; depths_nm: to choose from; stride: voxels averaged to one before. Water knows
    no bounds, so that tiles agree with the whole only nearly: `reach_nm` more context than the filters need is read for it.
    """

    fitted = ("thresholds", "chosen")

    def __init__(
        self,
        spacing: Sequence[float] = (10.0, 10.0, 10.0),
        in_channels: int = 1,
        out_channels: int = 2,
        levels: int = 3,
        smoothing_nm: float = 15.0,
        depths_nm: Sequence[float] = (10.0, 20.0, 40.0, 80.0),
        reach_nm: float = 300.0,
        stride: Sequence[int] = (1, 1, 1),
        samples: int = 200_000,
        seed: int = 0,
    ) -> None:
        super().__init__(in_channels, out_channels)
        if out_channels != 2 or in_channels != 1:
            raise CellmlError(f"A marker watershed tells two classes of one channel apart, not {out_channels} of {in_channels} channel(s).")
        self.features = PixelFeatures(spacing=spacing, scales_nm=(smoothing_nm,), stride=stride, texture=False)
        self.levels, self.depths_nm, self.reach_nm, self.samples, self.seed = levels, tuple(depths_nm), reach_nm, samples, seed

    @property
    def multiple(self) -> Triple:  # type: ignore[override]
        """Sizes must be multiples of these (z, y, x)."""
        z, y, x = self.features.stride
        return (z, y, x)

    @property
    def halo(self) -> Triple:  # type: ignore[override]
        """The field of view of the filters and `reach_nm` more, in voxels."""
        more = [self.reach_nm / s if axis in self.features.axes else 0 for axis, s in enumerate(self.features.spacing)]
        z, y, x = (h + int(np.ceil(m)) for h, m in zip(self.features.halo, more, strict=True))
        return (z, y, x)

    def fit(self, data: Any, target: Any) -> dict[str, float]:
        """Thresholds from the histogram of the training blocks, then level and depth from their labels."""
        blocks = data.training_blocks
        grey = pixels_at(blocks, draw_anywhere(blocks, self.samples, self.seed), self.features).features[:, 0]
        thresholds = otsu_thresholds(grey, self.levels)
        tried = list(product(range(self.levels), self.depths_nm))
        hits, sums = np.zeros(len(tried)), np.zeros(len(tried))
        for image, truth in self._pieces(blocks, target):
            fields = self.features(image)
            for index, (level, depth) in enumerate(tried):
                found = self._flood(fields, thresholds, level, depth)
                known = truth >= 0
                hits[index] += (found & (truth == 1)).sum()
                sums[index] += ((found & known) | (truth == 1)).sum()
        best = int(np.argmax(hits / np.maximum(sums, 1)))
        self.keep(thresholds=thresholds, chosen=np.array(tried[best], np.float32))
        return {"level": tried[best][0], "depth_nm": tried[best][1]}

    def probabilities(self, image: Field) -> Field:
        """Normalised image (1, Z, Y, X) → 0 or 1 for both classes, (2, Z, Y, X), with ramps only between coarser voxels."""
        level, depth = self.kept("chosen")
        found = self._flood(self.features(image), self.kept("thresholds"), int(level), float(depth))
        return refined(np.stack([~found, found]).astype(np.float32), image.shape[1:])

    def _flood(self, fields: Field, thresholds: NDArray[np.float32], level: int, depth: float) -> NDArray[np.bool_]:
        """Grey value and gradient, the first two of (F, Z', Y', X'), → where the class is."""
        inside = np.digitize(fields[0], thresholds) == level
        result = np.zeros_like(inside)
        flat = self.features.axes == (1, 2)
        spacing = self.features.working_spacing

        def part(z: slice) -> None:
            here = inside[z].squeeze(0) if flat else inside[z]
            edge = fields[1, z].squeeze(0) if flat else fields[1, z]
            result[z] = flooded(here, edge, spacing[1:] if flat else spacing, depth)

        in_parallel(part, [slice(z, z + 1) for z in range(len(inside))] if flat else [slice(0, len(inside))])
        return result

    def _pieces(self, blocks: Sequence[OpenBlock], target: Any) -> Iterator[tuple[Field, NDArray[np.int64]]]:
        """Yield image (1, z, y, x) and classes (z', y', x') of its working voxels, −1 where unknown: some sections, or a slab in 3D."""
        stride = self.features.stride
        for block in blocks:
            depth = block.shape[0]
            wanted = set(np.linspace(0, depth - 1, min(_MOST_SECTIONS, depth)).astype(int).tolist())
            for first, numbers, known in labelled_slabs(block, target):
                last, middle = first + len(numbers), (depth - 1) // 2
                flat = [slice(z, z + 1) for z in range(first, last) if z in wanted]
                for z in flat if self.features.axes == (1, 2) else [slice(first, last)] if first <= middle < last else []:
                    inner = slice(z.start - first, z.stop - first)
                    sizes = [n // s * s for n, s in zip((z.stop - z.start, *block.shape[1:]), stride, strict=True)]
                    centres = tuple(slice(s // 2, n, s) for n, s in zip(sizes, stride, strict=True))
                    region = (slice(z.start, z.start + sizes[0]), slice(0, sizes[1]), slice(0, sizes[2]))
                    yield block.read_image(region), np.where(known[inner], numbers[inner], -1)[centres]


def flooded(inside: NDArray[np.bool_], edge: Field, spacing: Sequence[float], depth: float) -> NDArray[np.bool_]:
    """Where water from deeper than `depth` inside meets that from deeper than `depth` outside; nowhere if there is no such inside.

    inside, edge: one section or volume; spacing: of their voxels, in the unit of depth.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.segmentation import watershed

    if inside.all() or not inside.any():
        return inside.copy()
    markers = np.zeros(inside.shape, np.int32)
    markers[distance_transform_edt(~inside, sampling=spacing) > depth] = 1
    markers[distance_transform_edt(inside, sampling=spacing) > depth] = 2
    if markers.max() < 2:
        return np.zeros_like(inside)
    return np.asarray(watershed(edge, markers) == 2)
