"""What an electron microscope would show of a procedural cell, and points on its surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.data.distance_shapes import Field, Floats
from cellml.data.procedural_cells import VoxelCell
from cellml.errors import CellmlError
from cellml.imaging.artefacts.illumination import Illumination, light_unevenly
from cellml.imaging.artefacts.noise import Noise, add_noise
from cellml.imaging.frame import Frame
from cellml.surfaces.extraction import marching_tetrahedra
from cellml.types import Surface

_NEWTON_STEPS = 6


@dataclass(frozen=True)
class MicroscopeLook:
    """membrane_nm: thickness of a stained membrane, shown no thinner than 1.2 voxels; electrons: range of the dose a voxel (drawn evenly on
    a logarithmic scale); texture: standard deviation of the cytoplasm's grain, as a share of the stain's contrast; blur: standard
    deviation of the probe in voxels; tilt: largest change of brightness from the centre to the edge of a section, as a share.
    """

    membrane_nm: float = 8.0
    electrons: tuple[float, float] = (30.0, 300.0)
    texture: float = 0.12
    blur: float = 0.6
    tilt: float = 0.1


def render(made: VoxelCell, rng: np.random.Generator, look: MicroscopeLook | None = None) -> NDArray[np.float32]:
    """(Z, Y, X) float32, mean 0 and standard deviation 1: membranes dark, each compartment of its own grey, grain, blur, shading, noise."""
    from scipy.ndimage import gaussian_filter

    look, spacing, shape = look or MicroscopeLook(), made.spacing, made.labels.shape
    greys = np.concatenate([[1.0], rng.uniform(0.55, 1.0, len(made.cell.compartments))])
    grain = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 1.5, mode="wrap")
    clean = greys[made.labels.data] + look.texture * grain / grain.std()
    half = max(look.membrane_nm / 2, 0.6 * min(spacing))
    stain = np.exp(-((membrane_distances(made) / half) ** 2))
    clean = gaussian_filter(clean * (1 - stain), look.blur).astype(np.float32)
    frame = Frame(spacing, float(clean.mean()), float(clean.std()))
    tilt = rng.uniform(-look.tilt, look.tilt, 2)
    shaded = light_unevenly(clean, Illumination(float(tilt[0]), float(tilt[1])), frame)
    dose = float(np.exp(rng.uniform(*np.log(look.electrons))))
    noisy = add_noise(shaded, Noise(dose, 0.0, int(rng.integers(2**31))), frame)
    return np.asarray((noisy - noisy.mean()) / noisy.std(), np.float32)


def membrane_distances(made: VoxelCell) -> NDArray[np.float32]:
    """|distance| of each voxel to the nearest stained surface, (Z, Y, X) in nm."""
    known = {id(part.field): distance for part, distance in zip(made.cell.compartments, made.distances, strict=True)}
    fields = [known[id(field)] if id(field) in known else _on_grid(field, made) for field in made.cell.stained]
    return np.asarray(np.abs(fields).min(axis=0), np.float32)


def _on_grid(field: Field, made: VoxelCell) -> NDArray[np.float32]:
    axes = [np.arange(n) * s for n, s in zip(made.labels.shape, made.spacing, strict=True)]
    rows = [np.stack(np.meshgrid(axes[2], axes[1], [z], indexing="xy"), axis=-1).reshape(-1, 3) for z in axes[0]]
    return np.stack([field(row).astype(np.float32).reshape(made.labels.shape[1:]) for row in rows])


def exact_surface(made: VoxelCell, number: int) -> Surface:
    """The surface of compartment `number` (from 0), nm: its zero level on the grid, every vertex moved onto the zero of the formula.

    Raises CellmlError where the grid is too coarse to see the compartment.
    """
    part = made.cell.compartments[number]
    vertices, faces = marching_tetrahedra(made.distances[number].astype(float), made.spacing, (0.0, 0.0, 0.0))
    if not len(faces):
        raise CellmlError(f"No voxel of {made.spacing} nm lies in the {part.name} of {made.labels.name!r}; take finer voxels.")
    return Surface(onto_zero(part.field, vertices, 0.5 * min(made.spacing)), faces, part.name)


def onto_zero(field: Field, points: Floats, most: float) -> Floats:
    """Points (P, 3) near a surface moved onto it by Newton steps p ← p − f ∇f / ‖∇f‖², each at most `most` nm long."""
    for _ in range(_NEWTON_STEPS):
        slope = gradient(field, points, 1e-3 * most)
        step = -field(points)[:, None] * slope / np.maximum((slope**2).sum(axis=1, keepdims=True), 0.25)
        length = np.linalg.norm(step, axis=1, keepdims=True)
        points = points + step * np.minimum(1, most / np.maximum(length, 1e-12))
    return points


def gradient(field: Field, points: Floats, step: float) -> Floats:
    """Central differences over ± step nm, (P, 3)."""
    moves = step * np.eye(3)
    return np.stack([(field(points + move) - field(points - move)) / (2 * step) for move in moves], axis=1)


def surface_points(surface: Surface, field: Field, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """`count` points uniform in area on a surface, moved onto the zero of its formula, and outward unit normals; (count, 3) each, nm."""
    areas = surface.areas()
    drawn = rng.choice(len(areas), count, p=areas / areas.sum())
    root, v = np.sqrt(rng.random(count)), rng.random(count)
    weights = np.stack([1 - root, root * (1 - v), root * v], axis=1)
    flat = np.einsum("pc,pcd->pd", weights, surface.vertices[surface.faces[drawn]])
    reach = float(np.sqrt(areas.mean()))
    points = onto_zero(field, flat, 0.5 * reach)
    slope = gradient(field, points, 1e-3 * reach)
    return points, slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12)
