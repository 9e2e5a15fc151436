"""An electron-microscopy phantom made by code: neurites, membranes, mitochondria, noise and uneven light.

It stands in for a real block where none can be had, and it is the small data of the tests. It looks like neuropil at 10 nm and is drawn
without any real image; results on it say nothing about real tissue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.data.connectivity import reconnect
from cellml.errors import CellmlError
from cellml.types import Labels, Volume

SPACING_NM = 10.0
_VOXELS_PER_NEURITE = 30_000  # as dense as FIB-25: 397 bodies in 10.6 million voxels of 10 nm
_MARGIN = 3  # voxels between a mitochondrion and the membrane of its neurite

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Neurite:
    """A centre line through the volume: points and unit tangents (P, 3) in voxels (z, y, x), radius (P,) in voxels."""

    points: NDArray[np.float64]
    tangents: NDArray[np.float64]
    radius: NDArray[np.float64]


def em_phantom(shape: tuple[int, int, int] = (128, 128, 128), *, seed: int = 0, neurites: int | None = None) -> tuple[Volume, Labels]:
    """Draw a block of dense neurites as a FIB-SEM would show it, at 10 nm in every direction.

    Curved tubes of varying radius are drawn, and every voxel goes to the nearest tube, so that the block is filled as in neuropil; the
    membranes stand where labels change. shape: (Z, Y, X), at least 8 voxels each; neurites: how many are drawn, one for each 30,000
    voxels (at least six) if None. Returns raw (Z, Y, X) uint8, bright cytoplasm and dark membranes, and neurons (Z, Y, X) uint16: labels
    1…N without a gap, each one 6-connected component, no background. Equal seeds give equal bytes. Two seconds for 128³ on one core.
    Raises CellmlError for a shape below 8 voxels and for more neurites than uint16 can number.
    """
    _check(shape, neurites)
    rng = np.random.default_rng(seed)
    count = neurites if neurites is not None else max(6, int(np.prod(shape)) // _VOXELS_PER_NEURITE)
    drawn = [_neurite(shape, rng) for _ in range(count)]
    labels = _territories(shape, drawn)
    raw = _expose(labels, _mitochondria(labels, drawn, rng), rng)
    spacing = (SPACING_NM, SPACING_NM, SPACING_NM)
    return Volume(raw, spacing, name=f"phantom {seed}"), Labels(labels, spacing, name=f"neurites of phantom {seed}")


def _check(shape: tuple[int, int, int], neurites: int | None) -> None:
    if len(shape) != 3 or min(shape) < 8:
        raise CellmlError(f"A phantom needs three axes of at least 8 voxels each, got {tuple(shape)}.")
    if neurites is not None and not 1 <= neurites < 2**16:
        raise CellmlError(f"A phantom holds 1 to {2**16 - 1} neurites, got {neurites}.")


def _neurite(shape: tuple[int, int, int], rng: np.random.Generator) -> _Neurite:
    """A curve p(t) = p₀ + t d + Σ a sin(2π f t + φ), cut to the piece around p₀ that lies within the block."""
    extent = np.asarray(shape, dtype=float)
    start, direction = rng.uniform(0, extent - 1), rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    reach = int(2 * np.linalg.norm(extent))
    t = np.arange(-reach, reach + 1) / 2.0
    points = start + t[:, None] * direction
    for period, height in ((160.0, 12.0), (60.0, 4.0)):
        phase = rng.uniform(0, 2 * np.pi, 3)
        swing = np.sin(2 * np.pi * t[:, None] / period + phase) - np.sin(phase)
        points = points + rng.normal(0, height, 3) * swing
    swelling = np.sin(np.pi * t / rng.uniform(50, 120) + rng.uniform(0, np.pi)) ** 4
    radius = rng.lognormal(np.log(2.0), 0.7) * (1 + rng.uniform(0, 2.0) * swelling)
    tangents = np.gradient(points, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    inside = ((points >= 0) & (points <= extent - 1)).all(axis=1)
    outside = np.concatenate([[-1], np.flatnonzero(~inside), [len(t)]])
    first, last = int(outside[outside < reach].max()) + 1, int(outside[outside > reach].min())
    return _Neurite(points[first:last], tangents[first:last], np.clip(radius[first:last], 1.5, 18.0))


def _territories(shape: tuple[int, int, int], drawn: list[_Neurite]) -> NDArray[np.uint16]:
    """Give each voxel to the nearest tube, then make each label one component and number them 1…N."""
    from scipy.ndimage import distance_transform_edt

    tubes = np.zeros(shape, dtype=np.uint16)
    for number, neurite in enumerate(drawn, start=1):
        _stamp(tubes, neurite, number)
    nearest = distance_transform_edt(tubes == 0, return_distances=False, return_indices=True)
    return reconnect(tubes[tuple(nearest)]).astype(np.uint16)


def _stamp(tubes: NDArray[np.uint16], neurite: _Neurite, number: int) -> None:
    """Draw balls of the local radius along the centre line."""
    centres, radii = np.round(neurite.points).astype(int), np.ceil(neurite.radius).astype(int)
    for radius in np.unique(radii):
        axis = np.arange(-radius, radius + 1)
        offsets = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        ball = offsets[(offsets**2).sum(axis=1) <= radius**2]
        along = centres[radii == radius][:: max(1, radius // 3)]  # large balls overlap enough with a wider step
        voxels = (along[:, None] + ball).reshape(-1, 3)
        voxels = voxels[((voxels >= 0) & (voxels < tubes.shape)).all(axis=1)]
        tubes[tuple(voxels.T)] = number


def _mitochondria(labels: NDArray[np.uint16], drawn: list[_Neurite], rng: np.random.Generator) -> Floats:
    """Normalised distance from the axis of the nearest mitochondrion, (Z, Y, X): 1 at its outline, 2 where there is none."""
    field = np.full(labels.shape, 2.0, dtype=np.float32)
    for neurite in drawn:
        for centre in np.flatnonzero(rng.random(len(neurite.radius)) < 0.015):
            if neurite.radius[centre] > 3.5:
                _place_ellipsoid(field, labels, neurite, int(centre), length=float(rng.uniform(1.5, 3.5)) * neurite.radius[centre])
    return field


def _place_ellipsoid(field: Floats, labels: NDArray[np.uint16], neurite: _Neurite, index: int, *, length: float) -> None:
    centre, tangent, radius = neurite.points[index], neurite.tangents[index], neurite.radius[index]
    low = np.maximum(np.floor(centre - length), 0).astype(int)
    high = np.minimum(np.ceil(centre + length) + 1, labels.shape).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    offsets = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1) - centre
    along = offsets @ tangent
    across = np.maximum((offsets**2).sum(axis=-1) - along**2, 0.0)
    level = np.sqrt((along / length) ** 2 + across / (0.85 * radius) ** 2)
    own = labels[tuple(np.round(centre).astype(int))]
    level[(labels[box] != own) | ~_deep(labels[box] == own)] = 2.0
    field[box] = np.minimum(field[box], level)


def _deep(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(mask, iterations=_MARGIN, border_value=1))


def membranes(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Voxels (Z, Y, X) one of whose six neighbours carries another label."""
    edge = np.zeros(labels.shape, dtype=bool)
    for axis in range(labels.ndim):
        low, high = [slice(None)] * labels.ndim, [slice(None)] * labels.ndim
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        change = labels[tuple(low)] != labels[tuple(high)]
        edge[tuple(low)] |= change
        edge[tuple(high)] |= change
    return edge


def _expose(labels: NDArray[np.uint16], mitochondria: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Grey values: cytoplasm near 150, membranes near 90, mitochondria near 95 with a darker outline, then texture, light and noise."""
    from scipy.ndimage import gaussian_filter

    cytoplasm = rng.normal(150, 12, int(labels.max()) + 1).astype(np.float32)
    image = cytoplasm[labels]
    image += _smooth_noise(labels.shape, 2.0, 9.0, rng)
    cristae = 12 * np.sin(9 * mitochondria) + _smooth_noise(labels.shape, 1.0, 6.0, rng)
    image = np.where(mitochondria < 1.0, 98 + cristae, image)
    image = np.where((mitochondria >= 0.85) & (mitochondria < 1.0), 70, image)
    coat = gaussian_filter(membranes(labels).astype(np.float32), 0.7)
    image += coat * (85 - image)
    image *= 1 + _smooth_noise(labels.shape, min(labels.shape) / 3, 0.04, rng)
    image = gaussian_filter(image, 0.5) + rng.standard_normal(labels.shape, dtype=np.float32) * 6
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def _smooth_noise(shape: tuple[int, ...], scale: float, height: float, rng: np.random.Generator) -> Floats:
    """Correlated Gaussian noise of a correlation length (voxels), scaled to a standard deviation; coarse fields are interpolated."""
    from scipy.ndimage import gaussian_filter, zoom

    step = max(1, int(scale // 2))
    coarse = tuple(-(-n // step) + 1 for n in shape)
    field = gaussian_filter(rng.standard_normal(coarse, dtype=np.float32), scale / step, mode="wrap")
    if step > 1:
        field = zoom(field, step, order=1)
    field = field[tuple(slice(n) for n in shape)]
    return np.asarray((field - field.mean()) * (height / max(float(field.std()), 1e-6)), dtype=np.float32)
