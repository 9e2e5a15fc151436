"""What each projection should look like: the projection of a volume reconstructed from other tilts than its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.tomography.geometry import rays
from cellml.tomography.sirt import Sirt

Floats = NDArray[np.float32]


def reprojected(images: Floats, tilts: NDArray[np.float64], chosen: NDArray[np.bool_], depth: int, iterations: int) -> Floats:
    """The `chosen` projections as the others predict them, (number chosen, Y, X).

    images: (N, Y, X), aligned, the axis along Y; tilts: (N,) degrees; depth: voxels along z; iterations: of SIRT. The volume is wider than
    the images, for at a high tilt they show what lies beside them at a low one. A projection that took part in the reconstruction would be
    found where it already is.
    """
    import torch

    from cellml.tomography.line_integrals import project

    width = images.shape[2]
    breadth = wide(width, tilts, depth)
    lines = torch.from_numpy(np.ascontiguousarray(images[~chosen].transpose(0, 2, 1)))
    volume = Sirt(iterations)(lines, rays(tilts[~chosen], depth=depth, breadth=breadth, width=width))
    wanted = project(volume, rays(tilts[chosen], depth=depth, breadth=breadth, width=width))
    return np.ascontiguousarray(wanted.numpy().transpose(0, 2, 1))


def misfit(images: Floats, weights: Floats, tilts: NDArray[np.float64], depth: int, iterations: int) -> float:
    """Share of the images' energy that SIRT from all of them does not explain, Σ w (p − A x)² / Σ w p²; images and weights: (N, Y, X)."""
    import torch

    from cellml.tomography.line_integrals import project

    width = images.shape[2]
    lines = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 2, 1)))
    along = rays(tilts, depth=depth, breadth=wide(width, tilts, depth), width=width)
    rest = (lines - project(Sirt(iterations)(lines, along), along)).numpy().transpose(0, 2, 1)
    return float((weights * rest**2).sum(dtype=np.float64) / max(float((weights * images**2).sum(dtype=np.float64)), 1e-30))


def wide(width: int, tilts: NDArray[np.float64], depth: int, most: float = 2.0) -> int:
    """Voxels along x that the most tilted projection shows, at most `most` times the width."""
    steep = np.deg2rad(min(float(np.abs(tilts).max()), 85.0))
    seen = (width + depth * np.sin(steep)) / np.cos(steep)
    return int(np.ceil(min(most * width, max(width, seen))))


def seen(shape: tuple[int, int], shifts: NDArray[np.float64], edge: float) -> Floats:
    """(N, Y, X) 1 where a projection moved back by its shift (v, u) holds what was recorded, falling to 0 at that border over `edge`."""
    along, across = (
        _fade(np.minimum(n / 2 - np.abs(x)[None], n / 2 - np.abs(x[None] + shifts[:, axis, None])), edge)
        for axis, n in enumerate(shape)
        for x in [np.arange(n) - (n - 1) / 2]
    )
    return np.asarray(along[:, :, None] * across[:, None, :], np.float32)


def shared(width: int, tilts: NDArray[np.float64], edge: float) -> Floats:
    """(N, 1, X) 1 where a tilted slab shows what it shows at 0°, |u| ≤ W/2 cos t, falling to 0 there; at least a quarter of the width."""
    half = np.maximum(width / 2 * np.cos(np.deg2rad(tilts)), width / 8)
    place = np.abs(np.arange(width) - (width - 1) / 2)
    return np.asarray(_fade(half[:, None] - place[None], edge)[:, None, :], np.float32)


def _fade(distance: NDArray[np.float64], edge: float) -> NDArray[np.float64]:
    """0 outside, 1 from the distance `edge` on, a half cosine between."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(distance / edge, 0, 1)))
