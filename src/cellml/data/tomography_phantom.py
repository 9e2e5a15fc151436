"""A cell-like phantom for electron tomography, made by code: what tilt series can be projected from when truth must be known.

A cell in vacuum, dense where it stains: plasma membrane, mitochondria with two membranes and cristae, endoplasmic sheets, microtubules,
thin filaments, vesicles and granules. It fits the field of view at every tilt, and nothing in it stems from an image. Each kind of
structure is drawn from random numbers of its own, so that leaving one out changes nothing else: what a repair shows in its place, it
invented.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels, Volume

SPACING_NM = 5.0
KINDS = ("cytoplasm", "membrane", "mitochondrion", "sheet", "microtubule", "filament", "vesicle", "granule")
_DENSITY = dict(zip(KINDS, (0.35, 1.0, 0.55, 0.9, 1.0, 0.8, 0.9, 1.2), strict=True))
_MEMBRANE = 0.9  # voxels of half thickness: 9 nm of stained membrane at 5 nm

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass
class _Cell:
    """What is drawn into: density, labels (Z, Y, X), the inside of the cell that is still free, and unit coordinates of voxels."""

    density: Floats
    labels: NDArray[np.uint8]
    free: Bools
    grid: NDArray[np.float32]

    def paint(self, box: tuple[slice, ...], where: Bools, kind: str, density: float | None = None) -> None:
        self.density[box][where] = _DENSITY[kind] if density is None else density
        self.labels[box][where] = KINDS.index(kind) + 1


def cell_phantom(
    shape: tuple[int, int, int] = (127, 127, 127), *, seed: int = 0, without: Collection[str] = (), spacing_nm: float = SPACING_NM
) -> tuple[Volume, Labels]:
    """Draw a cell.

    shape: (Z, Y, X), at least 24 voxels each; seed: of everything random; without: kinds of `KINDS` (not cytoplasm) to leave out, the
    rest unchanged where they were. Returns the density (Z, Y, X) float32, 0 in vacuum, 0.35 in cytoplasm, up to 1.2 in granules, smoothed
    by 0.6 voxels; and semantic labels by the names of KINDS, 1 … 8, 0 for vacuum. Equal arguments give equal bytes. About two seconds for
    127³ on one core. Raises CellmlError for a small shape or an unknown kind.
    """
    from scipy.ndimage import gaussian_filter

    if len(shape) != 3 or min(shape) < 24:
        raise CellmlError(f"A cell phantom needs three axes of at least 24 voxels each, got {tuple(shape)}.")
    unknown = sorted(set(without) - set(KINDS[1:]))
    if unknown:
        raise CellmlError(f"without={unknown} names no structure of the phantom; it has {', '.join(KINDS[1:])}.")
    generators = dict(zip(KINDS, np.random.default_rng(seed).spawn(len(KINDS)), strict=True))
    cell = _body(shape, generators["cytoplasm"])
    for kind, draw in _DRAWN:
        before = cell.density.copy(), cell.labels.copy()
        draw(cell, generators[kind])  # drawn even if it is left out: what follows must find the same free places
        if kind in without:
            cell.density, cell.labels = before
    spacing = (float(spacing_nm),) * 3
    density = gaussian_filter(cell.density, 0.6, mode="constant")
    names = dict(enumerate(KINDS, start=1))
    labels = Labels(cell.labels, spacing, kind="semantic", names=names, name=f"structures of cell {seed}")  # type: ignore[arg-type]
    return Volume(density, spacing, name=f"cell {seed}"), labels  # type: ignore[arg-type]


def _body(shape: tuple[int, int, int], rng: np.random.Generator) -> _Cell:
    """Cytoplasm within r(θ, y) around the tilt axis: 0.78 of the half field of view, bumpy, closed at both ends."""
    axes = [np.linspace(-1, 1, n, dtype=np.float32) for n in shape]
    grid = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape), indexing="ij"))
    z, y, x = axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]
    angle = np.arctan2(z, x)
    radius = np.full((shape[0], 1, shape[2]), 0.78, np.float32) * np.ones((1, shape[1], 1), np.float32)
    for order in (2, 3, 4, 6):
        phase, drift = rng.uniform(0, 2 * np.pi), rng.uniform(-2, 2)
        radius += np.float32(0.09 / order * 2 * rng.uniform(0.4, 1)) * np.cos(order * angle + phase + drift * y)
    level = np.sqrt((z**2 + x**2) / np.minimum(radius, 0.94) ** 2 + (y / 0.9) ** 4)
    inside = level < 1
    texture = _texture(shape, 3.0, rng)
    density = np.where(inside, _DENSITY["cytoplasm"] + 0.04 * texture, 0).astype(np.float32)
    return _Cell(density, inside.astype(np.uint8), inside, grid)


def _membrane(cell: _Cell, rng: np.random.Generator) -> None:
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(cell.free)
    cell.paint((slice(None),) * 3, (depth > 0) & (depth <= 2 * _MEMBRANE), "membrane")
    cell.free = depth > 2 * _MEMBRANE + 2


def _mitochondria(cell: _Cell, rng: np.random.Generator) -> None:
    for axes, where in _scattered(cell, rng, count=5, low=0.07, high=0.11, stretch=1.8, margin=2):
        box, level, along = _ellipsoid(cell, where, axes, rng)
        scale = float(min(axes))
        shell = np.abs(level - 1) * scale
        cell.paint(box, level < 1, "mitochondrion", _DENSITY["mitochondrion"])
        crista = (np.abs(np.sin(along * np.pi / 5)) < 0.35) & (level < 0.8)
        cell.paint(box, crista | (shell < _MEMBRANE) | (np.abs(level - 0.84) * scale < 0.7 * _MEMBRANE), "mitochondrion", 0.95)


def _sheets(cell: _Cell, rng: np.random.Generator) -> None:
    """Pieces of endoplasmic reticulum: thin, waved discs in any orientation, some of them parallel to the wedge."""
    for axes, where in _scattered(cell, rng, count=8, low=0.08, high=0.14, stretch=1.0, margin=-4):
        box = _box(cell, where, 1.2 * float(max(axes)))
        offset, frame = cell.grid[(slice(None), *box)] - where[:, None, None, None], _frame(rng)
        u, v, w = np.tensordot(frame, offset, axes=1)
        height = w - 1.8 * np.sin(u / 5 + rng.uniform(0, 6)) - 0.02 * v**2 / max(axes)
        disc = (u**2 + v**2 < axes[0] ** 2) & cell.free[box]
        cell.paint(box, disc & (np.abs(np.abs(height) - 2) < 0.8), "sheet")
        cell.free[box] &= ~(disc & (np.abs(height) < 4))


def _lines(kind: str, count: int, radius: float, hollow: float, wobble: float) -> Callable[[_Cell, np.random.Generator], None]:
    """Curves across the cell: tubes of a radius with a core left empty, in voxels; count: for 127³, growing with the cross-section."""

    def draw(cell: _Cell, rng: np.random.Generator) -> None:
        extent = np.asarray(cell.free.shape, float)
        for _ in range(max(2, round(count * (extent.prod() / 127**3) ** (2 / 3)))):
            start, course = rng.uniform(0.2, 0.8, 3) * extent, _frame(rng)
            t = np.arange(-extent.max(), extent.max(), 0.5)[:, None]
            bend = np.sin(2 * np.pi * t / 90 + rng.uniform(0, 6))
            points = start + t * course[0] + wobble * bend * course[1]
            _tube(cell, points[((points >= 2) & (points < extent - 3)).all(axis=1)], kind, radius, hollow)

    return draw


def _tube(cell: _Cell, points: NDArray[np.float64], kind: str, radius: float, hollow: float) -> None:
    reach = int(np.ceil(radius)) + 1
    steps = np.stack(np.meshgrid(*(np.arange(-reach, reach + 1),) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    for inner, density in ((radius, _DENSITY[kind]), (hollow, _DENSITY["cytoplasm"])):
        voxels = (np.round(points).astype(int)[:, None] + steps).reshape(-1, 3)
        near = (np.abs(voxels.reshape(len(points), -1, 3) - points[:, None]) ** 2).sum(axis=-1).ravel() < inner**2
        voxels = voxels[near & ((voxels >= 0) & (voxels < cell.free.shape)).all(axis=1)]
        voxels = voxels[cell.free[tuple(voxels.T)]]
        cell.density[tuple(voxels.T)] = density
        cell.labels[tuple(voxels.T)] = KINDS.index(kind) + 1


def _vesicles(cell: _Cell, rng: np.random.Generator) -> None:
    for axes, where in _scattered(cell, rng, count=40, low=0.025, high=0.05, stretch=1.0, margin=1):
        box, level, _ = _ellipsoid(cell, where, axes, rng)
        cell.paint(box, np.abs(level - 1) * float(min(axes)) < _MEMBRANE, "vesicle")


def _granules(cell: _Cell, rng: np.random.Generator) -> None:
    """Ribosome-like dots of 1 to 1.8 voxels radius, one for each 1,500 free voxels."""
    places = np.argwhere(cell.free)
    if not len(places):
        return
    for where in places[rng.integers(0, len(places), len(places) // 1500)]:
        box = _box(cell, where.astype(float), 2.0)
        square = ((cell.grid[(slice(None), *box)] - (where + rng.uniform(-0.5, 0.5, 3))[:, None, None, None]) ** 2).sum(axis=0)
        cell.paint(box, (square < rng.uniform(1.0, 1.8) ** 2) & cell.free[box], "granule")


def _scattered(
    cell: _Cell, rng: np.random.Generator, *, count: int, low: float, high: float, stretch: float, margin: float
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Half axes and centres, in voxels, of bodies that fit into free places; they occupy them unless the margin is negative (overlap)."""
    from scipy.ndimage import distance_transform_edt

    placed = []
    for _ in range(count):
        size = rng.uniform(low, high) * min(cell.free.shape)
        axes = np.array([size * rng.uniform(1, stretch), size, size * rng.uniform(0.8, 1)])
        room = distance_transform_edt(cell.free[::2, ::2, ::2]) * 2
        places = np.argwhere(room > axes[1] + margin) * 2
        if len(places):
            where = places[rng.integers(len(places))].astype(float)
            box = _box(cell, where, float(axes[0]) + margin)
            square = ((cell.grid[(slice(None), *box)] - where[:, None, None, None]) ** 2).sum(axis=0)
            if margin > 0:
                cell.free[box] &= square > (axes.max() + margin) ** 2
            placed.append((axes, where))
    return placed


def _ellipsoid(
    cell: _Cell, where: NDArray[np.float64], axes: NDArray[np.float64], rng: np.random.Generator
) -> tuple[tuple[slice, ...], Floats, Floats]:
    """Box, level (1 at the surface) and coordinate along the long axis in voxels, of an ellipsoid in a random orientation."""
    box = _box(cell, where, 1.3 * float(max(axes)))
    offset = np.tensordot(_frame(rng), cell.grid[(slice(None), *box)] - where[:, None, None, None], axes=1)
    level = np.sqrt(((offset / axes[:, None, None, None]) ** 2).sum(axis=0))
    return box, np.asarray(level, np.float32), np.asarray(offset[0], np.float32)


def _box(cell: _Cell, where: NDArray[np.float64], reach: float) -> tuple[slice, ...]:
    low = np.maximum(np.floor(where - reach - 2), 0).astype(int)
    high = np.minimum(np.ceil(where + reach + 3), cell.free.shape).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _frame(rng: np.random.Generator) -> NDArray[np.float64]:
    """A random rotation, (3, 3): rows are unit vectors (z, y, x)."""
    return np.asarray(np.linalg.qr(rng.normal(size=(3, 3)))[0])


def _texture(shape: tuple[int, int, int], scale: float, rng: np.random.Generator) -> Floats:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), scale, mode="wrap")
    return np.asarray(field / max(float(field.std()), 1e-6), np.float32)


# In the order of drawing; each takes the free places that the ones before it left.
_DRAWN: tuple[tuple[str, Callable[[_Cell, np.random.Generator], None]], ...] = (
    ("membrane", _membrane),
    ("mitochondrion", _mitochondria),
    ("sheet", _sheets),
    ("vesicle", _vesicles),
    ("microtubule", _lines("microtubule", 8, radius=2.4, hollow=1.3, wobble=2.0)),
    ("filament", _lines("filament", 24, radius=1.0, hollow=0.0, wobble=5.0)),
    ("granule", _granules),
)
