"""Twenty shapes with a closed form for their volume, sampled at voxel centres: 10 nm voxels unless the name says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.types import Labels

Array = NDArray[Any]
Grid = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
PI = np.pi

# The middle of a shape lies off the middle of its volume by this (z, y, x), nm: circles that are centred on a lattice of voxels would
# have up to 4 % too many or too few of them.
_OFF_NM = (3.1, 1.7, 4.3)


@dataclass(frozen=True, eq=False)
class Shape:
    """Labels, and the volume in nm³ of all of them together by the closed form."""

    labels: Labels
    volume_nm3: float


def shape(name: str) -> Shape:
    """One of `SHAPES` by its name."""
    return SHAPES[name]()


def _sampled(size: tuple[int, int, int], inside: Callable[..., Array], volume: float, spacing: tuple[float, float, float]) -> Shape:
    """size: voxels (z, y, x); inside: labels from coordinates z, y, x in nm from the middle of the shape; volume in nm³."""
    axes = [(np.arange(n) - (n - 1) / 2) * s - off for n, s, off in zip(size, spacing, _OFF_NM, strict=True)]
    data = inside(*np.meshgrid(*axes, indexing="ij"))
    return Shape(Labels(data.astype(np.uint8), spacing), volume)


def _iso(size: tuple[int, int, int], inside: Callable[..., Array], volume: float) -> Callable[[], Shape]:
    return lambda: _sampled(size, inside, volume, (10.0, 10.0, 10.0))


def _norm(*parts: Array) -> Array:
    return np.asarray(np.sqrt(sum(part**2 for part in parts)))


def _ball_volume(radius: float) -> float:
    return 4 / 3 * PI * radius**3


def _cap_volume(radius: float, height: float) -> float:
    """Spherical cap: π h² (3r − h) / 3."""
    return PI * height**2 * (3 * radius - height) / 3


def _to_segment(z: Array, y: Array, x: Array, half: float) -> Array:
    """Distance from the segment |x| ≤ half on the x axis."""
    return _norm(z, y, np.maximum(np.abs(x) - half, 0))


def _rounded_box(z: Array, y: Array, x: Array) -> Array:
    return _norm(*(np.maximum(np.abs(w) - half, 0) for w, half in zip((z, y, x), (60, 90, 120), strict=True))) < 60


def _rounded_box_volume(a: float, b: float, c: float, r: float) -> float:
    """Steiner: V + S r + M r² + 4/3 π r³ of the box (a, b, c), with mean curvature M = π (a + b + c)."""
    return a * b * c + 2 * (a * b + b * c + c * a) * r + PI * (a + b + c) * r**2 + _ball_volume(r)


def _rounded_disc(z: Array, y: Array, x: Array) -> Array:
    """A disc of radius 100 and no height, and all within 60 of it."""
    return _norm(np.maximum(_norm(y, x) - 100, 0), z) < 60


def _rounded_disc_volume(a: float, r: float) -> float:
    """Disc of radius a grown by r: 2 π a² r + π² a r² + 4/3 π r³."""
    return 2 * PI * a**2 * r + PI**2 * a * r**2 + _ball_volume(r)


def _dumbbell(z: Array, y: Array, x: Array) -> Array:
    return (_norm(z, y, np.abs(x) - 160) < 100) | ((_norm(z, y) < 45) & (np.abs(x) < 160))


def _dumbbell_volume(radius: float, neck: float, apart: float) -> float:
    """Two balls, the neck between their poles, and the two caps of the balls that are in neither."""
    depth = np.sqrt(radius**2 - neck**2)
    return 2 * (_ball_volume(radius) - _cap_volume(radius, radius - depth)) + PI * neck**2 * 2 * (apart - depth)


def _helix(z: Array, y: Array, x: Array) -> Array:
    """A tube of radius 45 around one and a half turns of radius 130 and rise 300 a turn, with round ends."""
    turn = np.linspace(-1.5 * PI, 1.5 * PI, 600)
    from scipy.spatial import cKDTree

    curve = np.stack([300 * turn / (2 * PI), 130 * np.sin(turn), 130 * np.cos(turn)], axis=1)
    reach = cKDTree(curve).query(np.stack([z, y, x], axis=-1).reshape(-1, 3))[0]
    return np.asarray(reach.reshape(z.shape) < 45)


def _helix_volume() -> float:
    """π r² L by Pappus, and two half balls at the ends."""
    return PI * 45**2 * 3 * PI * np.hypot(130, 300 / (2 * PI)) + _ball_volume(45)


def _lens_volume(radius: float, apart: float) -> float:
    return 2 * _cap_volume(radius, radius - apart)


def _tangent(z: Array, y: Array, x: Array) -> Array:
    left, right = _norm(z, y, x + 100) < 100, _norm(z, y, x - 100) < 100
    return np.where(left, 1, np.where(right, 2, 0))


def _shells(z: Array, y: Array, x: Array) -> Array:
    return 3 - np.digitize(_norm(z, y, x), (60, 110, 160))


def _nucleus(z: Array, y: Array, x: Array) -> Array:
    cell = _norm(z / 140, y / 170, x / 200) < 1
    return np.where(_norm(z - 20, y + 30, x - 40) < 70, 2, cell.astype(int))


def _two_lobes(z: Array, y: Array, x: Array) -> Array:
    return (_norm(z, y, np.abs(x) - 80) < 120).astype(int)


SHAPES: dict[str, Callable[[], Shape]] = {
    "ball of 200 nm": _iso((48, 48, 48), lambda z, y, x: _norm(z, y, x) < 200, _ball_volume(200)),
    "ball of 80 nm": _iso((22, 22, 22), lambda z, y, x: _norm(z, y, x) < 80, _ball_volume(80)),
    "ball, voxels 40 x 10 x 10": lambda: _sampled(
        (16, 48, 48), lambda z, y, x: _norm(z, y, x) < 200, _ball_volume(200), (40.0, 10.0, 10.0)
    ),
    "oblate ellipsoid": _iso((24, 48, 48), lambda z, y, x: _norm(z / 90, y / 200, x / 200) < 1, 4 / 3 * PI * 90 * 200 * 200),
    "prolate ellipsoid": _iso((24, 24, 60), lambda z, y, x: _norm(z / 90, y / 90, x / 260) < 1, 4 / 3 * PI * 90 * 90 * 260),
    "thick torus": _iso((24, 56, 56), lambda z, y, x: _norm(_norm(y, x) - 160, z) < 80, 2 * PI**2 * 160 * 80**2),
    "thin torus": _iso((16, 56, 56), lambda z, y, x: _norm(_norm(y, x) - 190, z) < 45, 2 * PI**2 * 190 * 45**2),
    "capsule": _iso((24, 24, 56), lambda z, y, x: _to_segment(z, y, x, 160) < 80, PI * 80**2 * 320 + _ball_volume(80)),
    "rounded disc": _iso((20, 40, 40), _rounded_disc, _rounded_disc_volume(100, 60)),
    "rounded box": _iso((32, 38, 44), _rounded_box, _rounded_box_volume(120, 180, 240, 60)),
    "cylinder through the block": _iso((24, 24, 40), lambda z, y, x: _norm(z, y) < 90, PI * 90**2 * 400),
    "slab through the block": _iso((24, 30, 30), lambda z, y, x: np.abs(z) < 50, 100 * 300 * 300),
    "half ball at a wall": _iso((22, 44, 44), lambda z, y, x: _norm(z + 110 + _OFF_NM[0], y, x) < 180, _ball_volume(180) / 2),
    "shell around a cavity": _iso(
        (44, 44, 44), lambda z, y, x: (_norm(z, y, x) < 180) & (_norm(z, y, x) > 90), _ball_volume(180) - _ball_volume(90)
    ),
    "three nested balls": _iso((40, 40, 40), _shells, _ball_volume(160)),
    "nucleus off the middle of an ellipsoid": _iso((34, 40, 46), _nucleus, 4 / 3 * PI * 140 * 170 * 200),
    "two tangent balls, two labels": _iso((26, 26, 46), _tangent, 2 * _ball_volume(100)),
    "two merged balls": _iso((30, 30, 46), _two_lobes, 2 * _ball_volume(120) - _lens_volume(120, 80)),
    "dumbbell": _iso((26, 26, 58), _dumbbell, _dumbbell_volume(100, 45, 160)),
    "helical tube": _iso((64, 42, 42), _helix, _helix_volume()),
}
