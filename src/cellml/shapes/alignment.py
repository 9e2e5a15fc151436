"""Shapes brought into one frame, by choices that are said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.harmonics.star import volume_centroid
from cellml.shapes.population import Population
from cellml.types import Surface

Floats = NDArray[np.float64]

_ROTATIONS = ("axes", "z", "base", "none")
_CENTRES = ("volume", "vertices", "none")
_ALIKE = 1.05  # ratio of spreads along two axes below which their order says little
_EVEN = 0.02  # skewness below which a direction says little


@dataclass(frozen=True)
class Alignment:
    """How shapes are laid upon each other.

    centre: "volume" (centroid of what is enclosed), "vertices" (their mean) or "none"; rotate: "axes" (the principal axes of the surface
    along x, y, z, the longest along x; positive x and y where the third moment is), "z" (likewise, but about z only, which a microscope
    makes unlike x and y), "base" (the middle of a spine's base at the origin, the way into it along x, turned about z only;
    `cellml.shapes.base`) or "none"; scale: divide lengths by the cube root of the volume and multiply by the population's mean one;
    refinements: rounds in which parameters are turned onto the mean shape's (`aligned_coefficients`). Raises CellmlError for other words.
    """

    centre: str = "volume"
    rotate: str = "axes"
    scale: bool = False
    refinements: int = 3

    def __post_init__(self) -> None:
        for what, value, known in (("centre", self.centre, _CENTRES), ("rotate", self.rotate, _ROTATIONS)):
            if value not in known:
                raise CellmlError(f"alignment.{what} is one of {', '.join(known)}, not {value!r}.")
        if self.refinements < 0:
            raise CellmlError(f"alignment.refinements is 0 or more, not {self.refinements}.")


@dataclass(frozen=True, eq=False)
class Frame:
    """aligned = scale · (x − centre) Rᵀ; rotation R: (3, 3); centre: (3,) nm; doubt: why the rotation is uncertain, "" where it is not."""

    rotation: Floats
    centre: Floats
    scale: float = 1.0
    doubt: str = ""

    def put(self, points: Floats) -> Floats:
        """Points (N, 3) of the original in the common frame."""
        return np.asarray(self.scale * (points - self.centre) @ self.rotation.T)

    def back(self, points: Floats) -> Floats:
        """Points (N, 3) of the common frame in the original's."""
        return np.asarray(points / self.scale @ self.rotation + self.centre)


@dataclass(frozen=True, eq=False)
class Aligned:
    """population: the surfaces in the common frame; frames: how each came there; report: what was chosen and what is doubtful, in lines."""

    population: Population
    frames: tuple[Frame, ...]
    report: tuple[str, ...] = field(default=())


def align(population: Population, alignment: Alignment | None = None) -> Aligned:
    """Bring each shape into the common frame. Raises CellmlError for shapes without volume, and spines without a base that can be told."""
    chosen = alignment or Alignment()
    size = float(np.mean([np.cbrt(abs(s.volume())) for s in population.surfaces])) if chosen.scale else None
    frames = tuple(frame_of(surface, chosen, size) for surface in population.surfaces)
    moved = tuple(Surface(f.put(s.vertices), s.faces, s.name) for f, s in zip(frames, population.surfaces, strict=True))
    made = Population(population.names, moved, population.groups, population.classes, population.excluded, population.repaired)
    return Aligned(made, frames, _account(chosen, frames, population.names))


def frame_of(surface: Surface, alignment: Alignment, size: float | None = None) -> Frame:
    """The frame of one shape; size: nm that the cube root of its volume becomes, None to keep it."""
    rotation, centre, doubt = np.eye(3), np.zeros(3), ""
    if alignment.centre != "none":
        used = surface.vertices[np.unique(surface.faces)]
        centre = volume_centroid(surface) if alignment.centre == "volume" else used.mean(axis=0)
    if alignment.rotate == "base":
        from cellml.shapes.base import base_frame, cut_fan

        rotation, centre = base_frame(cut_fan(surface))
    elif alignment.rotate != "none":
        rotation, doubt = principal_rotation(surface, only_z=alignment.rotate == "z")
    return Frame(rotation, centre, 1.0 if size is None else size / float(np.cbrt(surface.volume())), doubt)


def principal_rotation(surface: Surface, *, only_z: bool = False) -> tuple[Floats, str]:
    """Rotation (3, 3) that lays the principal axes of the surface, weighted by area, along x, y and z, and why it is in doubt.

    The longest lies along x. Of the four ways to do so that one is taken with positive third moments along x and y; z follows.
    """
    middles, areas = surface.vertices[surface.faces].mean(axis=1), surface.areas()
    middles = middles - np.average(middles, axis=0, weights=areas)
    spread = np.cov(middles.T, aweights=areas, ddof=0)
    if only_z:
        spread[2, :2] = spread[:2, 2] = 0.0
    values, axes = np.linalg.eigh(spread[:2, :2] if only_z else spread)
    values, axes = values[::-1], axes[:, ::-1]
    if only_z:
        axes = np.block([[axes, np.zeros((2, 1))], [np.zeros((1, 2)), np.ones((1, 1))]])
    along = middles @ axes
    third = np.average(along**3, axis=0, weights=areas) / np.average(along**2, axis=0, weights=areas) ** 1.5
    axes = axes * np.where(third < 0, -1.0, 1.0)
    if only_z:
        axes[:, 2] = (0.0, 0.0, 1.0)
        axes[:, 1] *= np.sign(np.linalg.det(axes))
    else:
        axes[:, 2] *= np.sign(np.linalg.det(axes))
    signs = third[:1] if only_z else third[:2]
    doubts = []
    if (np.sqrt(values[:-1] / np.maximum(values[1:], 1e-300)) < _ALIKE).any():
        doubts.append("two principal axes are of like length")
    if (np.abs(signs) < _EVEN).any():
        doubts.append("it is as good as symmetric along an axis, whose sign is chance")
    return axes.T, " and ".join(doubts)


def _account(chosen: Alignment, frames: Sequence[Frame], names: Sequence[str]) -> tuple[str, ...]:
    doubtful = [(name, frame.doubt) for name, frame in zip(names, frames, strict=True) if frame.doubt]
    lines = [f"{len(names)} shapes: centre={chosen.centre}, rotate={chosen.rotate}, scale={str(chosen.scale).lower()}"]
    if doubtful:
        lines.append(f"the rotation of {len(doubtful)} is in doubt (first: {doubtful[0][0]}: {doubtful[0][1]})")
    return tuple(lines)


def __getattr__(name: str) -> Any:
    # The contract's place for these; they need `align`, so they live in a module of their own.
    if name in ("AlignedCoefficients", "aligned_coefficients"):
        from cellml.shapes import correspondence

        return getattr(correspondence, name)
    raise AttributeError(f"module 'cellml.shapes.alignment' has no attribute {name!r}")
