"""Paths through the space of codes: straight, or geodesic in the metric of the shapes they decode to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.model import ShapeModel

Floats = NDArray[np.float64]
Decode = Callable[[Floats], Floats]  # codes (N, K) → corresponding points (N, P), nm

KINDS = ("linear", "geodesic")
_ROUNDS = 12
_ENOUGH = 1e-4  # relative change of the energy
_STEP = 1e-3  # of codes, for differences


@dataclass(frozen=True, eq=False)
class Path:
    """codes: (T, K), the ends first and last; lengths: (T − 1,) root mean square distance in nm of corresponding points of neighbours, NaN
    where the model's surfaces do not correspond; kind: how it was found.
    """

    codes: Floats
    lengths: Floats
    kind: str

    @property
    def length(self) -> float:
        """Sum of the lengths, nm."""
        return float(self.lengths.sum())


def find_path(model: ShapeModel, start: Floats, end: Floats, frames: int, kind: str = "linear") -> Path:
    """A path of so many frames from a code (K,) to another.

    linear: evenly spaced on the straight line between the codes. geodesic: the discrete path of least energy ½ Σ ‖x_{t+1} − x_t‖², where
    x_t are the points of the decoded surface: the shortest way in the metric JᵀJ that the decoder pulls back from shapes to codes
    (Arvanitidis, Hansen & Hauberg 2018), at even speed. Raises CellmlError for fewer than two frames, another kind, and a geodesic
    of a model whose surfaces do not correspond vertex by vertex.
    """
    if frames < 2:
        raise CellmlError(f"frames={frames} is too few: a path has two ends.")
    if kind not in KINDS:
        raise CellmlError(f"kind={kind!r} is not known; use {' or '.join(KINDS)}.")
    share = np.linspace(0.0, 1.0, frames)[:, None]
    straight = (1 - share) * start + share * end
    if kind == "linear":
        try:
            points = points_of(model)(straight)
        except CellmlError:
            return Path(straight, np.full(frames - 1, np.nan), kind)
        return Path(straight, _lengths(points), kind)
    decode = points_of(model)
    codes = shortest(decode, straight)
    return Path(codes, _lengths(decode(codes)), kind)


def points_of(model: ShapeModel) -> Decode:
    """The decoder as a map to vertices divided by √(number of vertices), so that distances are root mean squares in nm."""

    def decode(codes: Floats) -> Floats:
        surfaces = model.decode(codes)
        counts = {len(surface.vertices) for surface in surfaces}
        if len(counts) > 1 or any((s.faces != surfaces[0].faces).any() for s in surfaces[1:] if s.faces.shape == surfaces[0].faces.shape):
            raise CellmlError(
                "This model's surfaces do not correspond vertex by vertex, so that its shapes have no distance that a geodesic could make "
                "short; use kind=linear."
            )
        return np.stack([surface.vertices.ravel() for surface in surfaces]) / np.sqrt(counts.pop())

    return decode


def shortest(decode: Decode, codes: Floats) -> Floats:
    """Codes (T, K) with the same ends and least energy, by Levenberg–Marquardt on all inner codes at once.

    With J_t the derivative of x_t by its code, the normal equations are block-tridiagonal: 2 J_tᵀJ_t on the diagonal, −J_tᵀJ_{t+1} beside
    it; their right side is J_tᵀ(x_{t−1} − 2 x_t + x_{t+1}). Stops where the energy falls by less than 10⁻⁴ of itself.
    """
    count, size = codes.shape
    points = decode(codes)
    energy, damping = _energy(points), 1e-3
    for _ in range(_ROUNDS if count > 2 else 0):
        slopes = [_slope(decode, code, here) for code, here in zip(codes[1:-1], points[1:-1], strict=True)]
        matrix, right = _normal(slopes, points)
        while True:
            damped = matrix + damping * np.diag(np.diag(matrix) + 1e-12 * np.trace(matrix))
            step = np.linalg.solve(damped, right).reshape(count - 2, size)
            trial = codes.copy()
            trial[1:-1] += step
            found = decode(trial)
            if _energy(found) <= energy:
                break
            damping *= 10
            if damping > 1e6:
                return codes
        gained = energy - _energy(found)
        codes, points, energy, damping = trial, found, _energy(found), damping / 5
        if gained < _ENOUGH * energy:
            break
    return codes


def _normal(slopes: list[Floats], points: Floats) -> tuple[Floats, Floats]:
    """The matrix ((T − 2) K, (T − 2) K) and the right side of the normal equations."""
    inner, size = len(slopes), slopes[0].shape[0]
    matrix = np.zeros((inner, size, inner, size))
    for t, slope in enumerate(slopes):
        matrix[t, :, t] = 2 * slope @ slope.T
        if t + 1 < inner:
            matrix[t, :, t + 1] = -slope @ slopes[t + 1].T
            matrix[t + 1, :, t] = matrix[t, :, t + 1].T
    curve = points[:-2] - 2 * points[1:-1] + points[2:]
    right = np.concatenate([slope @ bend for slope, bend in zip(slopes, curve, strict=True)])
    return matrix.reshape(inner * size, inner * size), right


def _slope(decode: Decode, code: Floats, here: Floats) -> Floats:
    """Derivative of the points by each number of the code, (K, P), by differences."""
    return np.asarray((decode(code + _STEP * np.eye(len(code))) - here) / _STEP)


def _energy(points: Floats) -> float:
    return float(0.5 * (np.diff(points, axis=0) ** 2).sum())


def _lengths(points: Floats) -> Floats:
    return np.asarray(np.linalg.norm(np.diff(points, axis=0), axis=1))
