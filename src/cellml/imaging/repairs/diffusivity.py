"""How strongly grey values diffuse along the three directions of the local structure: the choices of anisotropic diffusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.imaging.frame import require_range

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class EdgeEnhancing:
    """Diffusion within surfaces, none across them (Weickert 1998, eq. 5.2 and 5.3, in three dimensions).

    μ₁ = 1 − exp(−3.31488 / (s/λ)⁸), μ₂ = μ₃ = 1; s: slope along the first eigenvector. contrast: λ, in standard deviations of the image
    per voxel of the finest axis; steeper slopes are kept as edges.
    """

    contrast: float = 0.15

    def __post_init__(self) -> None:
        require_range(self.contrast, 1e-9, 1e9, "contrast of the diffusivity")

    def __call__(self, values: Floats, scale: float) -> Floats:
        """values: eigenvalues (3, N) of the structure tensor, descending; scale: what slope 1 means. Returns μ (3, N) in [0, 1]."""
        ratio = np.maximum(values[0].astype(np.float64), 0) / (self.contrast * scale) ** 2
        first = np.where(ratio > 1e-3, 1 - np.exp(-3.31488 / np.maximum(ratio, 1e-3) ** 4), 1.0)
        one = np.ones_like(first)
        return np.stack([first, one, one]).astype(np.float32)


@dataclass(frozen=True)
class CoherenceEnhancing:
    """Diffusion along lines only (Weickert 1999, eq. 5; in tomography Frangakis and Hegerl 2001).

    μ₁ = μ₂ = α and μ₃ = α + (1 − α) exp(−C / κ), κ = (s₁² − s₃²)², with slopes s in the units of `contrast`. least: α.
    """

    contrast: float = 0.15
    least: float = 0.01

    def __post_init__(self) -> None:
        require_range(self.contrast, 1e-9, 1e9, "contrast of the diffusivity")
        require_range(self.least, 1e-4, 1, "least diffusivity")

    def __call__(self, values: Floats, scale: float) -> Floats:
        """As `EdgeEnhancing`."""
        spread = (values[0] - values[2]).astype(np.float64) / (self.contrast * scale) ** 2
        last = self.least + (1 - self.least) * np.exp(-1.0 / np.maximum(spread, 1e-3) ** 2)
        low = np.full_like(last, self.least)
        return np.stack([low, low, last]).astype(np.float32)


@dataclass(frozen=True)
class Hybrid:
    """Coherence-enhancing where the structure is clearly oriented, edge-enhancing elsewhere (Frangakis and Hegerl 2001, section 2.3).

    coherence: threshold on s₁² − s₃² in squared units of `edge.contrast`, above which lines and surfaces are taken for structure.
    """

    edge: Any = EdgeEnhancing()
    line: Any = CoherenceEnhancing()
    coherence: float = 1.0

    def __call__(self, values: Floats, scale: float) -> Floats:
        """As `EdgeEnhancing`."""
        oriented = values[0] - values[2] > self.coherence * (self.edge.contrast * scale) ** 2
        return np.where(oriented, self.line(values, scale), self.edge(values, scale))
