"""Label volumes that break meshers, made by code: `hostile(seed)` is the same volume for ever.

The seed picks the kind, by turns, and feeds the random numbers. Volumes are small (at most 40³ voxels), so that a thousand of them are
meshed in minutes; what is hard about them is their shape, their topology, their numbers and their frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.types import Labels

Random = np.random.Generator
Array = NDArray[Any]
Frame = tuple[float, float, float]

_FRAMES: tuple[Frame, ...] = ((10.0, 10.0, 10.0), (15.0, 16.0, 16.0), (4.0, 4.0, 4.0), (40.0, 10.0, 10.0))


@dataclass(frozen=True, eq=False)
class Hostile:
    """A volume, the name of its kind, and whether it is one of the smooth random fields."""

    seed: int
    kind: str
    labels: Labels

    @property
    def smooth(self) -> bool:
        """Whether this is a random field whose wavelength a voxel grid resolves."""
        return self.kind in ("smooth field", "smooth labels")


def hostile(seed: int) -> Hostile:
    """The hostile volume of a seed ≥ 0; its kind is `CYCLE[seed % len(CYCLE)]`."""
    kind = CYCLE[seed % len(CYCLE)]
    made = KINDS[kind](np.random.default_rng((seed, 20261)))
    data, spacing = made if isinstance(made, tuple) else (made, _FRAMES[seed % 2])
    return Hostile(seed, kind, Labels(data, spacing, name=f"hostile {seed} ({kind})"))


def _shape(rng: Random, low: int = 20, high: int = 32) -> tuple[int, int, int]:
    z, y, x = (int(n) for n in rng.integers(low, high + 1, 3))
    return z, y, x


def _field(rng: Random, shape: tuple[int, int, int], sigma: Any) -> NDArray[np.float64]:
    """White noise smoothed by σ voxels, with mean 0 and deviation 1."""
    field = ndimage.gaussian_filter(rng.normal(size=shape), sigma, mode="reflect")
    return np.asarray((field - field.mean()) / field.std())


def _blob(rng: Random, shape: tuple[int, int, int], radius: float = 0.36, roughness: float = 0.12) -> NDArray[np.bool_]:
    """One bumpy ball of about `radius` times the size of the volume, in its middle."""
    grid = np.stack(np.meshgrid(*((np.arange(n) - (n - 1) / 2) / n for n in shape), indexing="ij"))
    return np.asarray(np.sqrt((grid**2).sum(axis=0)) < radius * (1 + roughness * _field(rng, shape, 3.0)))


def _smooth_field(rng: Random) -> tuple[Array, Frame]:
    field = _field(rng, _shape(rng), float(rng.choice([2.0, 2.5, 3.0, 4.0, 6.0])))
    return field > np.quantile(field, rng.uniform(0.3, 0.7)), _FRAMES[int(rng.integers(3))]


def _smooth_labels(rng: Random) -> tuple[Array, Frame]:
    shape, sigma = _shape(rng), float(rng.choice([3.0, 4.0, 6.0]))
    count = int(rng.integers(2, 5))
    member = np.argmax([_field(rng, shape, sigma) for _ in range(count)], axis=0) + 1
    outside = _field(rng, shape, sigma) > rng.uniform(0.0, 1.0)
    return np.where(outside, 0, member).astype(np.uint16), _FRAMES[int(rng.integers(3))]


def _rough_field(rng: Random) -> Array:
    field = _field(rng, _shape(rng, 16, 24), float(rng.uniform(0.7, 1.4)))
    return np.asarray(np.digitize(field, sorted(rng.uniform(-0.5, 1.5, int(rng.integers(1, 4))))).astype(np.uint8))


def _white_noise(rng: Random) -> Array:
    return rng.integers(0, int(rng.integers(2, 5)), _shape(rng, 10, 16)).astype(np.uint8)


def _sparse_dots(rng: Random) -> Array:
    return (rng.random(_shape(rng)) < rng.uniform(0.0005, 0.02)).astype(np.uint8)


def _checkerboard(rng: Random) -> Array:
    z, y, x = np.indices(_shape(rng, 8, 14)) // int(rng.integers(1, 4))
    return ((z + y + x) % 2 + int(rng.integers(2))).astype(np.uint8)


def _contacts(rng: Random) -> Array:
    """Boxes, or blobs, that meet in a corner or along an edge; of one label or of two."""
    n = int(rng.integers(7, 12))
    data = np.zeros((2 * n + 6,) * 3, np.uint8)
    first, middle = slice(3, 3 + n), slice(3 + n, 3 + 2 * n)
    data[first, first, first] = 1
    data[(middle, middle, (middle, first)[int(rng.integers(2))])] = int(rng.integers(1, 3))
    if rng.random() < 0.5:
        data[middle, first, middle] = 1
    return data


def _tunnels(rng: Random) -> Array:
    """A block, bumpy or plain, that one-voxel channels pierce; some end blind or become cavities."""
    shape = _shape(rng, 22, 30)
    data = _blob(rng, shape, 0.42) if rng.random() < 0.5 else np.pad(np.ones(tuple(n - 6 for n in shape), bool), 3)
    data = data.astype(np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        axis, width = int(rng.integers(3)), int(rng.integers(1, 3))
        line: list[slice] = [slice(int(at), int(at) + width) for at in rng.integers(8, 14, 3)]
        line[axis] = slice(0, None) if rng.random() < 0.6 else slice(6, 15)
        data[tuple(line)] = 0
    return data


def _sheets(rng: Random) -> Array:
    """Cisternae: parallel sheets of one or two voxels inside a body, some of which reach its membrane."""
    data = _blob(rng, _shape(rng, 24, 32), 0.42).astype(np.uint8)
    width = int(rng.integers(1, 3))
    for start in range(8, data.shape[0] - 8, width + int(rng.integers(2, 5))):
        sheet = np.zeros(data.shape, bool)
        margin = int(rng.integers(2, 9))
        sheet[start : start + width, margin:-margin, margin:-margin] = True
        data[sheet & (data == 1)] = 2
    return data


def _staircase(rng: Random) -> Array:
    """An incline in steps of one or several voxels, as terraced sections leave it."""
    z, y, x = np.indices(_shape(rng, 18, 28))
    step = int(rng.integers(1, 6))
    top = 4 + (y // step) * int(rng.integers(1, step + 1)) // 2 + (x // step) // 2
    return ((z < top) * (1 + (z < top // 2) * (rng.random() < 0.5))).astype(np.uint8)


def _many_labels(rng: Random) -> Array:
    """A Voronoi tessellation into 9 to 60 labels, with or without a gap between them."""
    shape = _shape(rng, 20, 28)
    count = int(rng.integers(9, 61))
    seeds = np.zeros(shape, np.int64)
    seeds[tuple(rng.integers(0, n, count) for n in shape)] = np.arange(1, count + 1)
    place = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    data = seeds[tuple(place)]
    if rng.random() < 0.5:
        data[ndimage.maximum_filter(data, 3) != ndimage.minimum_filter(data, 3)] = 0
    return np.asarray(data)


def _nested_shells(rng: Random) -> Array:
    shape = _shape(rng, 24, 32)
    grid = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij"))
    radius = np.sqrt((grid**2).sum(axis=0)) + 0.4 * _field(rng, shape, 3.0)
    edges = np.cumsum(np.r_[rng.uniform(2, 4), rng.uniform(1.0, 4.0, int(rng.integers(1, 4)))])
    shells = len(edges) - np.digitize(radius, edges)
    return np.where(shells == 2, 0, shells).astype(np.uint8) if rng.random() < 0.3 else shells.astype(np.uint8)


def _touches_all_borders(rng: Random) -> Array:
    shape = _shape(rng, 18, 28)
    if rng.random() < 0.2:
        return np.ones(shape, np.uint8)
    grid = np.stack(np.meshgrid(*(2 * np.abs((np.arange(n) - (n - 1) / 2) / n) for n in shape), indexing="ij"))
    bars = (np.sort(grid, axis=0)[:2] ** 2).sum(axis=0) < rng.uniform(0.1, 0.35)
    inner = (grid**2).sum(axis=0) < 0.16
    return (bars + (bars & inner) * (rng.random() < 0.5)).astype(np.uint8)


def _empty(rng: Random) -> Array:
    return np.zeros(_shape(rng, 1, 24), np.uint8)


def _one_voxel(rng: Random) -> Array:
    data = np.zeros(_shape(rng, 1, 12), np.uint8)
    data[tuple(int(rng.integers(n)) for n in data.shape)] = 1
    return data


def _odd_spacing(rng: Random) -> tuple[Array, Frame]:
    """A bumpy ball in voxels of a thousandth of a nanometre, of a metre, or of three unlike edges."""
    z, y, x = ((1e-3, 1e-3, 1e-3), (1e9, 1e9, 1e9), (1e-2, 3e-2, 2e-2), (7e5, 7e5, 7e5), (3.0, 11.0, 5.0))[int(rng.integers(5))]
    return _blob(rng, _shape(rng, 20, 26)).astype(np.uint8), (z, y, x)


def _ten_to_one(rng: Random) -> tuple[Array, Frame]:
    """Sections ten times as thick as their pixels: a field that is smooth in nanometres."""
    shape = (int(rng.integers(6, 13)), 40, 40)
    field = _field(rng, shape, (rng.uniform(0.5, 1.2), 6.0, 6.0))
    return field > np.quantile(field, rng.uniform(0.4, 0.7)), (45.0, 4.5, 4.5)


def _one_slice(rng: Random) -> Array:
    field = _field(rng, (1, 40, 40), (0.0, 3.0, 3.0)) > 0
    return np.asarray(np.moveaxis(field, 0, int(rng.integers(3))).astype(np.uint8))


def _far_apart_numbers(rng: Random) -> Array:
    """Two to four blobs whose labels lie anywhere between 1 and 2⁴⁰."""
    shape = _shape(rng, 24, 30)
    field = _field(rng, shape, 4.0)
    numbers = np.concatenate([[0], rng.integers(1, 2**40, int(rng.integers(2, 5)))])
    parts = np.digitize(field, np.linspace(0.0, 1.2, len(numbers) - 1))
    return np.asarray(numbers[parts])


def _thin_plates(rng: Random) -> Array:
    """A curved plate of one to three voxels, free or through the whole volume."""
    z, y, x = np.indices(_shape(rng, 20, 28))
    middle = 10 + 3 * np.sin(y / rng.uniform(3, 8)) + 2 * np.cos(x / rng.uniform(3, 8))
    plate = np.abs(z - middle) < 0.5 * int(rng.integers(1, 4))
    if rng.random() < 0.5:
        plate &= (np.minimum(y, x) > 3) & (y < y.max() - 3) & (x < x.max() - 3)
    return plate.astype(np.uint8)


def _filaments(rng: Random) -> Array:
    """Random walks dilated to one to four voxels: microtubules, filopodia, tangles."""
    shape = np.array(_shape(rng, 24, 32))
    data = np.zeros(shape, bool)
    for _ in range(int(rng.integers(1, 5))):
        steps = ndimage.gaussian_filter1d(rng.normal(size=(200, 3)), 12.0, axis=0)
        path = rng.uniform(0.2, 0.8, 3) * shape + np.cumsum(steps / np.linalg.norm(steps, axis=1, keepdims=True) * 0.3, axis=0)
        path = path[((path >= 0) & (path < shape - 0.5)).all(axis=1)]
        data[tuple(np.round(path).astype(int).T)] = True
    width = int(rng.integers(1, 5))
    return ndimage.binary_dilation(data, np.ones((width,) * 3)).astype(np.uint8)


def _debris(rng: Random) -> Array:
    """A bumpy body among crumbs of 1 to 30 voxels, with crumbs missing inside it."""
    shape = _shape(rng, 26, 34)
    body = _blob(rng, shape, 0.3)
    crumbs = _field(rng, shape, 0.8) > 2.6
    return np.asarray((body ^ crumbs).astype(np.uint8))


def _jittered_sections(rng: Random) -> Array:
    """A body with an organelle, each section of which was moved by up to three pixels."""
    shape = _shape(rng, 26, 34)
    body = _blob(rng, shape, 0.33).astype(np.uint8)
    body[_blob(rng, shape, 0.16)] = 2
    strength = int(rng.integers(1, 4))
    moves = rng.integers(-strength, strength + 1, (shape[0], 2))
    return np.stack([np.roll(section, move, axis=(0, 1)) for section, move in zip(body, moves, strict=True)])


def _holes(rng: Random) -> Array:
    """A bumpy body with cavities of one to a few hundred voxels."""
    shape = _shape(rng, 26, 32)
    body = _blob(rng, shape, 0.42)
    return np.asarray((body & ~(_field(rng, shape, float(rng.uniform(0.5, 2.0))) > 1.8)).astype(np.uint8))


def _boxes(rng: Random) -> Array:
    """Boxes of several labels over one another, with sharp edges and faces that coincide."""
    data = np.zeros(_shape(rng, 20, 28), np.uint8)
    for number in rng.integers(0, 4, int(rng.integers(2, 7))):
        low = rng.integers(0, 14, 3)
        data[tuple(slice(int(a), int(a) + int(size)) for a, size in zip(low, rng.integers(2, 16, 3), strict=True))] = number
    return data


KINDS: dict[str, Callable[[Random], Array | tuple[Array, Frame]]] = {
    "smooth field": _smooth_field,
    "smooth labels": _smooth_labels,
    "rough field": _rough_field,
    "white noise": _white_noise,
    "sparse dots": _sparse_dots,
    "checkerboard": _checkerboard,
    "corner and edge contacts": _contacts,
    "tunnels": _tunnels,
    "sheets": _sheets,
    "staircase": _staircase,
    "many labels": _many_labels,
    "nested shells": _nested_shells,
    "touches all borders": _touches_all_borders,
    "empty": _empty,
    "one voxel": _one_voxel,
    "odd spacing": _odd_spacing,
    "ten to one": _ten_to_one,
    "one slice": _one_slice,
    "far-apart numbers": _far_apart_numbers,
    "thin plates": _thin_plates,
    "filaments": _filaments,
    "debris": _debris,
    "jittered sections": _jittered_sections,
    "holes": _holes,
    "boxes": _boxes,
}

# Five of thirty are smooth fields of one label and two of several: the shapes of which a share must succeed.
CYCLE: tuple[str, ...] = (*KINDS, "smooth field", "smooth field", "smooth field", "smooth field", "smooth labels")
