"""Real objects of label volumes as procedural cells: shapes that nature made, in images that are rendered around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.data.compartment_distances import compartment_distances
from cellml.data.distance_shapes import Floats
from cellml.data.procedural_cells import Compartment, ProceduralCell, three_numbers
from cellml.errors import CellmlError
from cellml.types import Triple

_MARGIN = 2  # voxels between an object and the box


@dataclass(frozen=True, eq=False)
class Interpolated:
    """Trilinear values of a distance on voxels: values (Z, Y, X) in nm; spacing (z, y, x) in nm; origin (x, y, z): first voxel's centre."""

    values: NDArray[np.float32]
    spacing: Triple
    origin: Floats

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,); beyond the voxels as at their border."""
        indices = ((points - self.origin) / np.asarray(self.spacing[::-1]))[:, ::-1]
        return np.asarray(ndimage.map_coordinates(self.values, indices.T, order=1, mode="nearest"), float)


@dataclass(frozen=True)
class LabelledObject:
    """An object of label volumes, drawn from those that no border cuts and that fit into the box: mirrored at random, else as it is.

    files: label volumes with instances, `FILE.npz:ARRAY` or names of data sets; spacing_nm: (z, y, x) of all of them; name: of the
    compartment; min_voxels: of an object. Of an object in several pieces the largest is taken.
    """

    files: Sequence[str]
    spacing_nm: Sequence[float]
    name: str = "mitochondrion"
    min_voxels: int = 1000

    def __call__(self, rng: np.random.Generator, extent: Floats) -> ProceduralCell:
        """Draw one. extent: (x, y, z) of the box in nm. Raises CellmlError where no object fits into it."""
        spacing = three_numbers(self.spacing_nm, "spacing_nm", "[15,16,16]")
        masks = [mask for file in self.files for mask in whole_objects(str(file), self.min_voxels)]
        room = extent[::-1] / spacing - 2 * _MARGIN
        fitting = [mask for mask in masks if (np.asarray(mask.shape) <= room).all()]
        for number in rng.permutation(len(fitting)):
            cell = self._cell(fitting[number], spacing, rng, extent)
            if cell is not None:
                return cell
        raise CellmlError(
            f"None of the {len(masks)} objects of {', '.join(map(str, self.files))} with {self.min_voxels} voxels or more that no border "
            f"cuts fits, in one piece, into a box of {extent[::-1].round().tolist()} nm (z, y, x); give a larger data.shape."
        )

    def _cell(self, mask: NDArray[np.bool_], spacing: Triple, rng: np.random.Generator, extent: Floats) -> ProceduralCell | None:
        """The object at a random place of the box; None where its smooth surface falls into pieces."""
        from cellml.meshing.topology import surface_topology
        from cellml.surfaces.extraction import marching_tetrahedra

        turned = np.flip(mask, tuple(axis for axis in range(3) if rng.random() < 0.5))
        shape = np.floor(extent[::-1] / spacing).astype(int) + 1
        first = [int(rng.integers(_MARGIN, n - m - _MARGIN + 1)) for n, m in zip(shape, turned.shape, strict=True)]
        labels = np.zeros(shape, np.uint8)
        labels[tuple(slice(f, f + m) for f, m in zip(first, turned.shape, strict=True))] = turned
        values = compartment_distances(labels, spacing, [[1]])[0]
        found = surface_topology(marching_tetrahedra(values.astype(float), spacing, (0.0, 0.0, 0.0))[1])
        if found.components != 1:
            return None
        slack = (extent - (shape[::-1] - 1) * np.asarray(spacing[::-1])) / 2
        field = Interpolated(values, spacing, slack)
        return ProceduralCell("object", (Compartment(self.name, field, 1 - found.euler // 2),), (field,), extent)


@cache
def whole_objects(file: str, min_voxels: int) -> tuple[NDArray[np.bool_], ...]:
    """Masks, (z, y, x) each in its bounding box, of the largest pieces of all labels that no border of the volume cuts, by label."""
    from cellml.data.references import resolve
    from cellml.io import open_image

    opened = open_image(resolve(file, "labels")[0], spacing_nm=[1.0, 1.0, 1.0], usual="labels")
    labels = np.asarray(opened.read()).astype(np.int64)
    masks = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None or any(part.start == 0 or part.stop == size for part, size in zip(box, labels.shape, strict=True)):
            continue
        pieces, _ = ndimage.label(labels[box] == number)
        sizes = np.bincount(pieces.reshape(-1))[1:]
        if sizes.max() < min_voxels:
            continue
        largest = pieces == 1 + int(sizes.argmax())
        masks.append(largest[ndimage.find_objects(largest.astype(np.uint8))[0]])
    return tuple(masks)
