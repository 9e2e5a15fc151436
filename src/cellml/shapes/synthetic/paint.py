"""Stained tissue before any microscope: a brightness for each point of a scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.synthetic.look import Look
from cellml.shapes.synthetic.scene import Scene

Image = NDArray[np.float32]


def paint(scene: Scene, look: Look, to_membrane: Image, rng: np.random.Generator) -> Image:
    """(Z, Y, X) brightness, about 0 to 1. to_membrane: as `Scene.to_membrane` gives it."""
    greys = rng.normal(*look.cytoplasm, int(scene.cells.max()) + 1)
    greys[rng.random(len(greys)) < look.dark_share] = look.dark
    image = greys.astype(np.float32)[scene.cells]
    grain = smooth_noise(scene, look.grain_nm, rng)
    image += look.grain * grain
    _vesicles(image, scene, look, rng)
    _organelles(image, scene, look, rng)
    uneven = 1 - look.staining * np.abs(smooth_noise(scene, 8 * look.grain_nm, rng))
    cover = line(to_membrane, look.membrane_nm) * uneven
    return blended(image, look.membrane, np.asarray(cover, np.float32))


def line(distance: Image, thickness_nm: float) -> Image:
    """Coverage of a stained sheet at a distance from its middle: exp(−(2 d / thickness)²), whose integral is 0.89 of the thickness."""
    return np.asarray(np.exp(-((2 * distance / max(thickness_nm, 1e-6)) ** 2)), np.float32)


def blended(image: Image, grey: float, cover: Image) -> Image:
    """What is covered takes the grey; cover from 0 to 1."""
    return np.asarray(image * (1 - cover) + grey * cover, np.float32)


def smooth_noise(scene: Scene, length_nm: float, rng: np.random.Generator) -> Image:
    """Gaussian noise of mean 0 and variance 1 with correlation exp(−r² / (4 length²)), (Z, Y, X)."""
    from scipy.ndimage import gaussian_filter

    sigma = [length_nm / s for s in scene.grid.spacing]
    noise = gaussian_filter(rng.standard_normal(scene.cells.shape, dtype=np.float32), sigma, mode="wrap", truncate=3)
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-12), np.float32)


def _vesicles(image: Image, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Rings of stain, at places drawn evenly over the box and kept with the chance of their cell."""
    spacing, shape = np.array(scene.grid.spacing), np.array(scene.grid.shape)
    chance = rng.random(int(scene.cells.max()) + 1)
    centres = rng.uniform(0, 1, (rng.poisson(look.vesicles * scene.grid.volume / 1e9), 3)) * shape
    radii = rng.uniform(*look.vesicle_nm, len(centres)) / 2
    cells = scene.cells[tuple(centres.astype(int).T)]
    for centre, radius, cell in zip(centres, radii, cells, strict=True):
        if rng.random() > chance[cell]:
            continue
        reach = (radius + 8) / spacing
        box = tuple(slice(max(int(c - r), 0), int(c + r) + 2) for c, r in zip(centre, reach, strict=True))
        part = image[box]
        away = [(np.arange(s.start, s.start + n) + 0.5 - c) * d for s, n, c, d in zip(box, part.shape, centre, spacing, strict=True)]
        distance = np.sqrt(away[0][:, None, None] ** 2 + away[1][:, None] ** 2 + away[2] ** 2)
        cover = line(np.abs(distance - max(radius - 4, 0)), 10.0) * (scene.cells[box] == cell)
        part[:] = blended(part, look.vesicle, cover)


def _organelles(image: Image, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    from scipy.ndimage import distance_transform_edt, find_objects

    half = 0.5 * min(scene.grid.spacing)
    warp, patches = (smooth_noise(scene, length, rng) for length in (60.0, 80.0))
    for number, found in enumerate(find_objects(scene.organelles), 1):
        if found is None:
            continue
        margins = [int(look.envelope_nm / s) + 2 for s in scene.grid.spacing]
        box = tuple(slice(max(p.start - m, 0), p.stop + m) for p, m in zip(found, margins, strict=True))
        inside = scene.organelles[box] == number
        depth = distance_transform_edt(np.pad(inside, 1, mode="edge"), sampling=scene.grid.spacing)[1:-1, 1:-1, 1:-1] - half
        away = distance_transform_edt(~inside, sampling=scene.grid.spacing) - half
        part = image[box]
        part[inside] += rng.normal(*look.interior) - np.median(part[inside])  # the grain of the cytoplasm goes on inside
        if look.cristae_nm[1] > 0:
            cover = _cristae(scene, look, box, warp, patches, rng) * (depth > look.envelope_nm)
            part[:] = blended(part, look.crista, cover.astype(np.float32))
        part[:] = blended(part, look.envelope, line(np.where(inside, depth, away).astype(np.float32), look.envelope_nm))


def _cristae(scene: Scene, look: Look, box: tuple[slice, ...], warp: Image, patches: Image, rng: np.random.Generator) -> Image:
    """Parallel sheets across a random direction, bent by noise and interrupted: coverage in the box."""
    from scipy.special import ndtri

    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    period = rng.uniform(*look.cristae_nm)
    axes = [axis[s] for axis, s in zip(scene.grid.axes(), box, strict=True)]
    along = axes[0][:, None, None] * direction[0] + axes[1][:, None] * direction[1] + axes[2] * direction[2]
    phase = along + 0.4 * period * warp[box]
    distance = np.abs((phase / period) % 1 - 0.5) * period
    there = patches[box] < ndtri(np.clip(look.cristae_share, 1e-6, 1 - 1e-6))
    return line(distance.astype(np.float32), look.crista_nm) * there
