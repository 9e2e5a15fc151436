"""Correlated Gaussian random fields, made section by section for volumes of any size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

_CUT = 3.5  # standard deviations at which kernels are cut off
_FIRST = 1 << 20  # sections before the volume have non-negative seeds too


class CorrelatedField:
    """g(v), standard normal at each voxel, with correlation exp(−d²/(2 l²)) between voxels a distance d apart.

    White noise convolved with a Gaussian of σ = l/√2 and unit sum of squares. shape: (Z, Y, X); spacing: (z, y, x) in nm; length_nm: l;
    seed: one number, or several that count together. The noise of a section depends on (seed, z) alone, so that any slab can be asked for,
    in any division, and is the same field. Raises CellmlError for a length that is not positive.
    """

    def __init__(self, shape: Sequence[int], spacing: Sequence[float], length_nm: float, seed: int | Sequence[int] = 0) -> None:
        if not (np.isfinite(length_nm) and length_nm > 0):
            raise CellmlError(f"A correlation length must be a positive number of nm, got {length_nm}.")
        self.shape, self.seed = tuple(int(n) for n in shape), [seed] if isinstance(seed, int) else list(seed)
        self.kernels = [_kernel(length_nm / np.sqrt(2) / step) for step in spacing]
        self._planes: dict[int, NDArray[np.float32]] = {}

    def slab(self, z: slice) -> NDArray[np.float32]:
        """The field of sections z.start to z.stop, (n, Y, X) float32."""
        kernel = self.kernels[0]
        radius = len(kernel) // 2
        wanted = range(z.start - radius, z.stop + radius)
        self._planes = {k: plane for k, plane in self._planes.items() if k in wanted}
        out = np.zeros((z.stop - z.start, *self.shape[1:]), np.float32)
        for number in wanted:
            plane = self._planes.get(number)
            if plane is None:
                plane = self._planes[number] = self._plane(number)
            for row in range(max(0, number - radius - z.start), min(len(out), number + radius + 1 - z.start)):
                out[row] += kernel[number - (z.start + row) + radius] * plane
        return out

    def _plane(self, z: int) -> NDArray[np.float32]:
        """White noise of one section, smoothed along y and x; a margin is made and cut off, so that borders are like the inside."""
        from scipy.ndimage import correlate1d

        margins = [len(kernel) // 2 for kernel in self.kernels[1:]]
        size = [n + 2 * m for n, m in zip(self.shape[1:], margins, strict=True)]
        plane = np.random.default_rng([*self.seed, _FIRST + z]).standard_normal(size, dtype=np.float32)
        for axis, kernel in enumerate(self.kernels[1:]):
            plane = correlate1d(plane, kernel, axis=axis, mode="constant")
        return np.ascontiguousarray(plane[margins[0] : size[0] - margins[0], margins[1] : size[1] - margins[1]])


def _kernel(sigma: float) -> NDArray[np.float32]:
    """A Gaussian of `sigma` voxels whose squares sum to 1, so that unit variance stays unit variance."""
    radius = int(np.ceil(_CUT * sigma)) if sigma > 0.25 else 0
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (x / sigma) ** 2) if radius else np.ones(1)
    return (weights / np.sqrt((weights**2).sum())).astype(np.float32)
