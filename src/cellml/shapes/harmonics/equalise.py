"""Areas on the sphere made equal to areas on the surface, without turning a face over."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.harmonics.star import solid_angles

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_MEMORY = 8  # pairs of steps that L-BFGS remembers
_HALVINGS = 30
_ROUNDING = 0.02  # of a face's squared sides, added to each: a sliver counts as a triangle with angles of some ten degrees


@dataclass(frozen=True, eq=False)
class Energy:
    """What is minimised over positions on the unit sphere.

    E = Σ_v m_v (s_v + 1/s_v − 2) + λ Σ_f m_f (q_f − 1), where s_v is a vertex's share of the sphere (a third of its faces' solid angles)
    over its share m_v of the surface's area, and q_f = Σ_i cot α_i |e_i|² / 4Ω_f ≥ 1 (about) the conformal distortion of a face (MIPS,
    Hormann & Greiner 2000). q grows without bound as Ω_f → 0, so no face can turn over on a path of falling energy.

    Brechbühler et al. (1995) demand exact areas of the quadrilaterals of voxels, of which there are as many as vertices; of triangles there
    are twice as many, so here the areas around vertices are what is made equal.
    """

    faces: Index
    vertex_shares: Floats
    face_shares: Floats
    cotangents: Floats
    weight: float

    def at(self, points: Floats) -> tuple[float, Floats]:
        """Energy and gradient (V, 3) at points (V, 3) of length 1; infinite where a face is turned over."""
        corners = points[self.faces]
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        cross = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
        above = np.einsum("ij,ij->i", a, cross[:, 0])
        if not (above > 0).all():
            return np.inf, points
        others = corners.sum(axis=1, keepdims=True) - corners
        below = 1.0 + 0.5 * np.einsum("ijk,ijk->i", corners, others)
        angle = 2.0 * np.arctan2(above, below)
        slope = 2.0 * (below[:, None, None] * cross - above[:, None, None] * others) / (above**2 + below**2)[:, None, None]
        share = np.bincount(self.faces.ravel(), weights=np.repeat(angle / (12 * np.pi), 3), minlength=len(points))
        ratio = share / self.vertex_shares
        edges = np.roll(corners, -2, axis=1) - np.roll(corners, -1, axis=1)  # opposite corner i
        stretch = 0.25 * np.einsum("ij,ijk,ijk->i", self.cotangents, edges, edges)
        value = float(self.vertex_shares @ (ratio + 1 / ratio - 2) + self.weight * (self.face_shares @ (stretch / angle - 1)))
        by_angle = (1 - ratio**-2)[self.faces].sum(axis=1) / (12 * np.pi) - self.weight * self.face_shares * stretch / angle**2
        pull = 0.5 * self.cotangents[:, :, None] * edges
        by_corner = np.roll(pull, -1, axis=1) - np.roll(pull, 1, axis=1)
        force = by_angle[:, None, None] * slope + (self.weight * self.face_shares / angle)[:, None, None] * by_corner
        flat = self.faces.ravel()
        gradient = np.stack([np.bincount(flat, weights=force[:, :, k].ravel(), minlength=len(points)) for k in range(3)], axis=1)
        return value, gradient - points * np.einsum("ij,ij->i", gradient, points)[:, None]


def energy_of(faces: Index, masses: Floats, vertices: Floats | None, weight: float) -> Energy:
    """The energy of a level, its vertices numbered from 0. vertices: (V, 3), nm, whose faces' angles are to be kept; None for even ones."""
    if vertices is None:
        cotangents = np.full(faces.shape, 1 / np.sqrt(3.0))
        return Energy(faces, masses / masses.sum(), np.full(len(faces), 1.0 / len(faces)), cotangents, weight)
    corners = vertices[faces]
    squares = ((np.roll(corners, -2, axis=1) - np.roll(corners, -1, axis=1)) ** 2).sum(axis=2)  # of the side opposite each corner
    squares += _ROUNDING * squares.sum(axis=1, keepdims=True)
    total = squares.sum(axis=1, keepdims=True)
    area = 0.25 * np.sqrt(total[:, 0] ** 2 - 2 * (squares**2).sum(axis=1))  # Heron
    cotangents = (total - 2 * squares) / (4 * area[:, None])
    return Energy(faces, masses / masses.sum(), area / area.sum(), cotangents, weight)


def descend(energy: Energy, points: Floats, steps: int, tolerance: float = 1e-7) -> Floats:
    """Points after so many steps of L-BFGS (Liu & Nocedal 1989) along the sphere, each halved until the energy falls and no face turns."""
    value, gradient = energy.at(points)
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=_MEMORY)
    for _ in range(steps):
        direction = _two_loops(gradient, pairs)
        if np.vdot(direction, gradient) >= 0:
            pairs.clear()
            direction = -gradient
        if not pairs:
            steepest = float(np.linalg.norm(direction, axis=1).max())
            if steepest < 1e-14:
                break
            direction *= 0.1 * _typical_edge(points, energy.faces) / steepest
        moved = _line_search(energy, points, value, gradient, direction)
        if moved is None:
            if not pairs:
                break
            pairs.clear()
            continue
        new_points, new_value, new_gradient = moved
        change, turn = new_points - points, new_gradient - gradient
        curvature = float(np.vdot(change, turn))
        if curvature > 1e-12 * float(np.vdot(turn, turn)):
            pairs.append((change, turn, curvature))
        done = value - new_value < tolerance * max(value, 1e-12)
        points, value, gradient = new_points, new_value, new_gradient
        if done:
            break
    return points


def _two_loops(gradient: Floats, pairs: deque[tuple[Floats, Floats, float]]) -> Floats:
    direction, factors = -gradient.copy(), []
    for change, turn, curvature in reversed(pairs):
        factor = float(np.vdot(change, direction)) / curvature
        factors.append(factor)
        direction -= factor * turn
    if pairs:
        change, turn, curvature = pairs[-1]
        direction *= curvature / float(np.vdot(turn, turn))
    for (change, turn, curvature), factor in zip(pairs, reversed(factors), strict=True):
        direction += (factor - float(np.vdot(turn, direction)) / curvature) * change
    return direction


def _line_search(energy: Energy, points: Floats, value: float, gradient: Floats, direction: Floats) -> tuple[Floats, float, Floats] | None:
    slope, step = float(np.vdot(direction, gradient)), 1.0
    for _ in range(_HALVINGS):
        trial = points + step * direction
        trial /= np.linalg.norm(trial, axis=1, keepdims=True)
        found, turned = energy.at(trial)
        if found <= value + 1e-4 * step * slope:
            return trial, found, turned
        step *= 0.5
    return None


def _typical_edge(points: Floats, faces: Index) -> float:
    return float(np.sqrt(np.median(solid_angles(points, faces))))
