"""Blocks: the boxes of labelled volumes that training and validation are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.image_box import ImageBox
from cellml.data.labelled import UNLABELLED, LabelRules, Region, where_labelled
from cellml.errors import CellmlError


@dataclass(frozen=True)
class Block:
    """One box of one volume, all of it or parts of it labelled.

    image, labels: files, `FILE.npz:NAME`, `FILE.h5:/dataset`, or the name of a known data set (labels default to the array `labels`, or to
    what the data set calls them); region: {axis: [start, stop]} in voxels, an axis left out is taken whole; spacing_nm: (z, y, x) where the
    file does not know it.

    What is labelled: everything, but for voxels whose number in the file is `ignore`, or one of them (scribbles, strays), and but for what
    lies outside `labelled_sections` (z of the volume) and `labelled` (boxes like the region), where these are given. `values` makes class
    numbers of the file's: {1: 0, 2: 1}. Voxels that are not labelled read as `UNLABELLED`.
    """

    image: str
    labels: str | None = None
    region: Mapping[str, Sequence[int]] | None = None
    spacing_nm: Sequence[float] | None = None
    ignore: int | Sequence[int] | None = None
    labelled_sections: Sequence[int] | None = None
    labelled: Sequence[Mapping[str, Sequence[int]]] | None = None
    values: Mapping[int, int] | None = None


class OpenBlock(ImageBox):
    """A block whose files are open: normalised image and labels of any part of it, in the block's own voxel frame.

    need_labels: false for images that nothing was labelled in, where labels are neither opened nor asked for and read as unlabelled;
    spacing_key: what the user types to give a voxel size that no file states, as messages call it.
    Raises CellmlError where image and labels differ in shape or spacing, or nothing is labelled.
    """

    def __init__(
        self, block: Block, *, normalisation: str = "volume", need_labels: bool = True, spacing_key: str = "data.spacing_nm"
    ) -> None:
        from cellml.data.references import resolve

        self.block, self._spacing_key = block, spacing_key
        self._label_file = resolve(block.labels or block.image, "labels")[0] if need_labels else ""
        self.filled: NDArray[Any] | None = None
        super().__init__(block.image, block.region, normalisation)

    def check(self) -> None:
        """Raise CellmlError where image and labels differ in shape or spacing, or nothing is labelled."""
        self._require_axes()
        self.rules = LabelRules.of_block(self.block, self._image.shape[-3:])
        if self._labels is not None:
            self._require_one_grid(self._label_file)
            self._require_labelled()

    def _require_one_grid(self, labels: str) -> None:
        block, whole, other = self.block, self._image.shape, self._labels.shape
        if tuple(whole) != tuple(other):
            raise CellmlError(
                f"{block.image} has {tuple(whole)} voxels but its labels {labels} have {tuple(other)}; they must be one grid."
            )
        if any(abs(a - b) > 0.01 * a for a, b in zip(self._image.spacing, self._labels.spacing, strict=True)):
            raise CellmlError(
                f"{block.image} has voxels of {self._image.spacing} nm (z, y, x) "
                f"but its labels {labels} of {self._labels.spacing} nm; correct one of them."
            )

    def reopen(self) -> None:
        """Open image and labels anew."""
        from cellml.io import open_image

        spacing = list(self.block.spacing_nm) if self.block.spacing_nm else None
        frame: dict[str, Any] = {"spacing_nm": spacing, "spacing_key": self._spacing_key}
        self._image = open_image(self._reference, **frame)
        self._labels: Any = open_image(self._label_file, **frame, usual="labels") if self._label_file else None

    @property
    def counting(self) -> tuple[Region, ...]:
        """The boxes whose labels count: those that `labelled` and `labelled_sections` name, or all of the block."""
        if self.rules.boxes is None:
            return (self.box,)
        parts = (
            tuple(slice(max(p.start, q.start), min(p.stop, q.stop)) for p, q in zip(box, self.box, strict=True)) for box in self.rules.boxes
        )
        return tuple((z, y, x) for z, y, x in parts if min(z.stop - z.start, y.stop - y.start, x.stop - x.start) > 0)

    @property
    def image(self) -> Any:
        """The opened image, whole."""
        return self._image

    def read_raw(self) -> NDArray[Any]:
        """Grey values of the whole block as stored."""
        return np.asarray(self._image.read(self.box))

    def read_labels(self, region: Region | None = None) -> NDArray[Any]:
        """Labels, (z, y, x) integers, UNLABELLED where nobody labelled, or where a prediction was filled in, its class.

        Raises CellmlError for labels stored as numbers that are not whole.
        """
        absolute = self._absolute(region)
        if self._labels is None:
            labels = np.full([s.stop - s.start for s in absolute], UNLABELLED, np.int64)
        else:
            labels = self.rules.apply(self._whole_numbers(self._labels.read(absolute)), absolute, self._label_file)
        if self.filled is not None:
            labels = np.where(labels == UNLABELLED, self.filled if region is None else self.filled[region], labels)
        return labels

    def fill(self, labels: NDArray[Any]) -> None:
        """Let these labels (z, y, x) of the whole block stand wherever nobody labelled, such as a model's predictions."""
        if labels.shape != self.shape:
            raise CellmlError(f"{self.name} has {self.shape} voxels (z, y, x), but the labels to fill in have {labels.shape}.")
        self.filled = labels

    def known(self, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Where somebody labelled."""
        return np.asarray(labels != UNLABELLED)

    def slabs(self, depth: int = 16) -> Iterator[tuple[int, NDArray[Any]]]:
        """The block's labels from top to bottom: first section of the slab, (dz, y, x) labels."""
        z, y, x = self.shape
        for start in range(0, z, depth):
            yield start, self.read_labels((slice(start, min(start + depth, z)), slice(0, y), slice(0, x)))

    def _whole_numbers(self, labels: NDArray[Any]) -> NDArray[Any]:
        if np.issubdtype(labels.dtype, np.floating):
            if not np.isfinite(labels).all() or (labels != np.round(labels)).any():
                raise CellmlError(
                    f"{self._label_file} holds fractional or non-finite values ({labels.dtype}); labels must be whole numbers."
                )
            labels = labels.astype(np.int64)
        return np.asarray(labels)

    def _require_axes(self) -> None:
        if "T" in self._image.axes:
            raise CellmlError(
                f"{self._reference} has a time axis ({self._image.axes}); training needs one volume: save the frames as separate files."
            )
        if self._labels is not None and self._labels.axes != "ZYX":
            raise CellmlError(f"{self._label_file} has the axes {self._labels.axes}; labels need the axes ZYX, one number for each voxel.")

    def _require_labelled(self) -> None:
        """Look for a known label above 0, slab by slab, and stop at the first."""
        if self.rules.nothing or any((labels > 0).any() for _, labels in self.slabs()):
            return
        z, y, x = self.shape
        ignored = f" or {', '.join(map(str, self.rules.ignore))}, which is ignored" if self.rules.ignore else ""
        sparse = "" if self.rules.boxes is None else f", or lies outside the {len(self.rules.boxes)} box(es) that count as labelled"
        raise CellmlError(
            f"{self._label_file} has no labelled voxel in the region of {z} × {y} × {x} voxels (z, y, x) of {self.name}: every label is 0"
            f"{ignored}{sparse}. {where_labelled(self._labels, self.rules)}"
        )
