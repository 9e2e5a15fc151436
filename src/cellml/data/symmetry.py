"""Mirrored and turned samples: the same cell as it might have lain in the microscope, with nothing interpolated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cellml.types import Triple
from cellml.uncertainty.symmetry import Symmetry as VoxelSymmetry


class Symmetry(VoxelSymmetry):
    """One of the 48 symmetries of a cube, of which a volume has those that keep its shape and spacing; for points and vectors as well."""

    @classmethod
    def draw(cls, rng: np.random.Generator, shape: Sequence[int], spacing: Sequence[float]) -> Symmetry:
        """Any with the same probability. shape: (Z, Y, X); spacing: (z, y, x) in nm; axes change places only where both are equal."""
        alike = [(int(n), float(s)) for n, s in zip(shape, spacing, strict=True)]
        order = list(range(3))
        for kind in sorted(set(alike)):
            places = [axis for axis in range(3) if alike[axis] == kind]
            for place, axis in zip(places, rng.permutation(places), strict=True):
                order[place] = int(axis)
        z, y, x = (bool(flip) for flip in rng.random(3) < 0.5)
        return cls((order[0], order[1], order[2]), (z, y, x))

    def of_points(self, points: Tensor, shape: Sequence[int], spacing: Triple) -> Tensor:
        """Points (…, 3), columns (x, y, z) in nm, the centre of the first voxel at 0, of a volume of this shape and spacing (z, y, x)."""
        last = points.new_tensor([(n - 1) * s for n, s in zip(shape, spacing, strict=True)])[list(self.axes)]
        turned = points.flip(-1)[..., list(self.axes)]
        return torch.where(torch.tensor(self.flips), last - turned, turned).flip(-1)

    def of_vectors(self, vectors: Tensor) -> Tensor:
        """Vectors (…, 3), columns (x, y, z)."""
        turned = vectors.flip(-1)[..., list(self.axes)]
        return torch.where(torch.tensor(self.flips), -turned, turned).flip(-1)
