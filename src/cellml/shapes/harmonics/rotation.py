"""Harmonic coefficients over a turned sphere, and the turn that brings one shape's parameters to another's."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.harmonics.basis import degree_of, real_harmonics

Floats = NDArray[np.float64]

_STEP = 1e-4  # rad, of the central difference that gives the generators
_ROUNDS, _SETTLED = 12, 1e-7


def turned(values: Floats, rotation: Floats) -> Floats:
    """Coefficients c' with Σ c'_k y_k(n) = Σ c_k y_k(R n), values: (C, (L+1)²), rotation R: (3, 3)."""
    return np.asarray(values @ turning_matrix(rotation, degree_of(values.shape[1])))


def turning_matrix(rotation: Floats, degree: int) -> Floats:
    """D with y_k(R n) = Σ_j D_kj y_j(n), (K, K): D_kj = ∫ y_k(R n) y_j(n) dΩ, exact by a rule for degree 2L. It mixes equal l only."""
    nodes, weights = _rule(degree)
    return np.asarray(real_harmonics(nodes @ rotation.T, degree).T @ (weights[:, None] * _at_nodes(degree)))


def rotation_of(vector: NDArray[np.floating]) -> Floats:
    """The rotation by |vector| rad about a vector (3,), (3, 3), by Rodrigues' formula."""
    angle = float(np.linalg.norm(vector))
    cross = np.array([[0, -vector[2], vector[1]], [vector[2], 0, -vector[0]], [-vector[1], vector[0], 0]])
    if angle < 1e-12:
        return np.eye(3) + cross
    return np.asarray(np.eye(3) + np.sin(angle) / angle * cross + (1 - np.cos(angle)) / angle**2 * cross @ cross)


def turn_onto(values: Floats, target: Floats) -> Floats:
    """The small rotation R that minimises |turned(values, R) − target|², (3, 3), by Gauss-Newton steps from no rotation.

    values, target: (C, K). The residual is linear in a small turn ω: c(R exp[ω]) = c + Σ ω_k c G_k, G_k the generators.
    """
    degree = degree_of(values.shape[1])
    generators = _generators(degree)
    rotation, now = np.eye(3), values
    cost = float(((now - target) ** 2).sum())
    for _ in range(_ROUNDS):
        slopes = np.stack([(now @ g).ravel() for g in generators], axis=1)
        step = np.linalg.lstsq(slopes, (target - now).ravel(), rcond=1e-9)[0]
        step *= min(1.0, 0.5 / max(float(np.linalg.norm(step)), 1e-300))
        trial = rotation @ rotation_of(step)
        found = turned(values, trial)
        new_cost = float(((found - target) ** 2).sum())
        if new_cost >= cost:
            break
        rotation, now, cost = trial, found, new_cost
        if float(np.linalg.norm(step)) < _SETTLED:
            break
    return rotation


@cache
def _generators(degree: int) -> tuple[Floats, ...]:
    turns = [
        turning_matrix(rotation_of(_STEP * axis), degree) - turning_matrix(rotation_of(-_STEP * axis), degree)
        for axis in np.eye(3, dtype=np.float64)
    ]
    return tuple(turn / (2 * _STEP) for turn in turns)


@cache
def _rule(degree: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre in z times even steps in longitude: nodes (Q, 3) and weights (Q,)."""
    heights, weights = np.polynomial.legendre.leggauss(degree + 1)
    turns = 2 * degree + 1
    angle = 2 * np.pi * np.arange(turns) / turns
    z = np.repeat(heights, turns)
    flat = np.sqrt(1 - z**2)
    nodes = np.stack([flat * np.tile(np.cos(angle), degree + 1), flat * np.tile(np.sin(angle), degree + 1), z], axis=1)
    return nodes, np.repeat(weights, turns) * 2 * np.pi / turns


@cache
def _at_nodes(degree: int) -> Floats:
    return real_harmonics(_rule(degree)[0], degree)
