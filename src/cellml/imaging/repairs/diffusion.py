"""Non-linear anisotropic diffusion (NAD), the denoising standard of electron tomography."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.frame import require_image, require_range
from cellml.imaging.repairs.diffusivity import EdgeEnhancing
from cellml.imaging.repairs.selling import selling
from cellml.imaging.repairs.structure_tensor import COMPONENTS, eigen, structure_tensor
from cellml.types import Triple

Floats = NDArray[np.float32]
_CHUNK = 2**16  # voxels whose tensors are decomposed at once: what fits into the cache


@dataclass(frozen=True)
class AnisotropicDiffusion:
    """Solves ∂u/∂t = div(D(J) ∇u), D with the eigenvectors of the structure tensor J and eigenvalues of a `diffusivity` (Weickert 1998).

    diffusivity: (eigenvalues, scale) → μ, see `cellml.imaging.repairs.diffusivity`; length_nm: √(2t), the standard deviation of the
    Gaussian that the same time of ordinary diffusion would be; updates: how often D follows the image; noise_nm, integration_nm: σ and ρ
    of J; deviation: standard deviation of the image's grey values, which the diffusivity's contrast counts in, none to measure it on what
    is given. No grey value leaves the range of the image, and its mean is kept, for the stencil has no negative weight and moves grey
    from voxel to voxel only.
    """

    diffusivity: Any = field(default_factory=EdgeEnhancing)
    length_nm: float = 20.0
    updates: int = 5
    noise_nm: float = 7.0
    integration_nm: float = 10.0
    deviation: float | None = None

    def __post_init__(self) -> None:
        require_range(self.length_nm, 0, 1e9, "length_nm")
        require_range(self.updates, 1, 1000, "updates")
        require_range(self.noise_nm, 0, 1e9, "noise_nm")
        require_range(self.integration_nm, 0, 1e9, "integration_nm")

    def measured(self, deviation: float) -> AnisotropicDiffusion:
        """The same filter for an image of this standard deviation, so that all of its blocks are filtered alike."""
        return self if self.deviation is not None else replace(self, deviation=deviation)

    def halo(self, spacing: Triple) -> tuple[int, int, int]:
        """Four diffusion lengths and the reach of the structure tensor, in voxels (z, y, x).

        Blocks then agree with the whole to a hundredth of the image's deviation at worst: lengths of time steps differ from block to block.
        """
        z, y, x = (int(4 * self.length_nm / s + 3 * (self.noise_nm + self.integration_nm) / s + 2) for s in spacing)
        return (z, y, x)

    def __call__(self, image: NDArray[Any], spacing: Triple) -> Floats:
        """image: (Z, Y, X); spacing: nm. No flux crosses the border. Memory: some 150 bytes a voxel."""
        u = require_image(image, "Anisotropic diffusion").copy()
        deviation = self.deviation if self.deviation is not None else float(u.std())
        if deviation <= 1e-12 * max(1.0, float(np.abs(u).max())) or self.length_nm == 0:
            return u
        scale, each = deviation / min(spacing), 0.5 * self.length_nm**2 / self.updates
        for _ in range(self.updates):
            weights, steps = self._stencil(u, spacing, scale)
            u = diffuse(u, weights, steps, each)
        return u

    def _stencil(self, u: Floats, spacing: Triple, scale: float) -> tuple[Floats, NDArray[np.int16]]:
        """Weights (6, N) per nm² and steps (6, 3, N) of D at each voxel."""
        tensor = structure_tensor(u, spacing, self.noise_nm, self.integration_nm).reshape(6, -1)
        weights, steps = np.empty((6, u.size), np.float32), np.empty((6, 3, u.size), np.int16)
        for start in range(0, u.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            values, vectors = eigen(tensor[:, part])
            mu = np.maximum(self.diffusivity(values, scale), 1e-3)
            d = np.stack([(mu * vectors[:, a] * vectors[:, b]).sum(axis=0) / (spacing[a] * spacing[b]) for a, b in COMPONENTS])
            weights[:, part], steps[:, :, part] = selling(d)
        return weights, steps


def diffuse(u: Floats, weights: Floats, steps: NDArray[np.int16], time: float) -> Floats:
    """Explicit steps of du/dt = Σ_k div_k(w_k grad_k u) with a fixed stencil, as many as stability asks for.

    u: (Z, Y, X); weights (6, N) per unit of time, steps (6, 3, N). The flux ½ w_k(v) (u(v + e_k) − u(v)) enters v and leaves v + e_k, and
    likewise for v − e_k (Fehrenbach and Mirebeau 2014, eq. 3): L = B + Bᵀ − diag((B + Bᵀ) 1), B holding ½ w_k. With τ times the largest
    diagonal at most 1, each new value is a mean of old ones.
    """
    links = _links(u.shape, weights, steps)
    ones = np.ones(u.size)
    degree = links @ ones + links.T @ ones
    most = float(degree.max())
    if not np.isfinite(most):
        raise CellmlError(
            "Anisotropic diffusion met weights that are not finite; the image's values are too large or too small, rescale it."
        )
    count = max(1, int(np.ceil(time * most / 0.95)))
    flat, tau = u.ravel().astype(np.float64), time / count
    for _ in range(count):
        flat += tau * (links @ flat + links.T @ flat - degree * flat)
    return flat.reshape(u.shape).astype(np.float32)


def _links(shape: tuple[int, ...], weights: Floats, steps: NDArray[np.int16]) -> Any:
    """The sparse matrix B, twelve entries a row; a step out of the image leads nowhere."""
    from scipy.sparse import csr_array

    depth, height, width = shape
    count = depth * height * width
    number = np.arange(count, dtype=np.int32)
    here = (number // (height * width), number // width % height, number % width)
    ends, halves = np.empty((count, 12), np.int32), np.empty((count, 12))
    for k, (weight, step) in enumerate(zip(weights, steps, strict=True)):
        for side, sign in enumerate((1, -1)):
            z, y, x = (h + np.int32(sign) * s for h, s in zip(here, step, strict=True))
            inside = (z >= 0) & (z < depth) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
            ends[:, 2 * k + side] = np.where(inside, (z * height + y) * width + x, number)
            halves[:, 2 * k + side] = np.where(inside, np.float32(0.5) * weight, 0)
    return csr_array((halves.ravel(), ends.ravel(), np.arange(0, 12 * count + 1, 12, dtype=np.int32)), shape=(count, count))
