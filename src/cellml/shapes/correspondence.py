"""Harmonic coefficients of a whole population, comparable number by number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.alignment import Alignment, Frame, align
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.harmonics.kept import kept_map
from cellml.shapes.harmonics.rotation import turn_onto, turned
from cellml.shapes.harmonics.vector import VectorFit, fit_vector
from cellml.shapes.population import Population

Floats = NDArray[np.float64]

_TELLING = 5  # degree up to which the mean shape turns a parameterisation


@dataclass(frozen=True, eq=False)
class AlignedCoefficients:
    """values: (N, 3 (L+1)²) nm, x, y and z one after the other, index l² + l + m in each; frames: of each shape; errors: (N,) nm, of each
    series (`VectorFit.error`); mean: (3, (L+1)²) that parameters were turned onto; report: choices, doubts and distances, in lines;
    left_out: (name, reason) of shapes without harmonics.
    """

    values: Floats
    names: tuple[str, ...]
    frames: tuple[Frame, ...]
    errors: Floats
    mean: Floats
    report: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def harmonics(self, number: int) -> Harmonics:
        """One shape in the common frame."""
        return Harmonics(self.values[number].reshape(3, -1), np.zeros(3), self.names[number])


def aligned_coefficients(
    population: Population,
    degree: int,
    alignment: Alignment | None = None,
    *,
    reference: AlignedCoefficients | None = None,
    skip: bool = False,
) -> AlignedCoefficients:
    """Vector-valued harmonics of each aligned shape, with parameters in correspondence.

    A point's place on the sphere is arbitrary up to a rotation. It is fixed before any statistics: first by the ellipsoid of degree 1,
    x = A n (Brechbühler et al. 1995, section 5): n is turned by R so that A R is symmetric (polar decomposition A = P Rᵀ), and a direction
    n means, to first order, the part of the aligned shape that lies that way. No sign remains to be chosen: A R is positive definite. Then,
    in rounds, by least squares on the mean shape of all (degrees up to 5).

    reference: coefficients of other shapes (those that were learned from), whose mean is taken instead, so that held-out shapes get no say;
    skip: leave out shapes that are no deformed spheres, and say so, as long as one is left; else CellmlError is raised, naming them. Raises
    it for a reference of another degree, too.
    """
    chosen = alignment or Alignment()
    aligned = align(population, chosen)
    kept, fits, left_out = _fits(aligned.population, degree, skip)
    values = np.stack([_first_order(fit.harmonics) for fit in fits])
    start = _scatter(values)
    values, mean = _refined(values, chosen.refinements, reference, degree)
    errors = np.array([fit.error for fit in fits])
    report = (*aligned.report, *_account(fits, start, _scatter(values), errors))
    names, frames = tuple(population.names[n] for n in kept), tuple(aligned.frames[n] for n in kept)
    return AlignedCoefficients(values.reshape(len(values), -1), names, frames, errors, mean, report, left_out)


def _fits(population: Population, degree: int, skip: bool) -> tuple[list[int], list[VectorFit], tuple[tuple[str, str], ...]]:
    """Numbers of the shapes that have fits, these, and the names of the others with the reason."""
    kept, fits, failed = [], [], []
    for number, (name, surface) in enumerate(zip(population.names, population.surfaces, strict=True)):
        try:
            fits.append(fit_vector(surface, degree, given=kept_map(surface)))
            kept.append(number)
        except CellmlError as error:
            failed.append((name, str(error)))
    if failed and not (skip and fits):
        raise CellmlError(
            f"{len(failed)} of {len(population)} shapes have no harmonics of degree {degree}; leave them out. "
            f"First, {failed[0][0]}: {failed[0][1]}"
        )
    return kept, fits, tuple(failed)


def _first_order(shape: Harmonics) -> Floats:
    """Coefficients (3, K) about the frame's origin, over a sphere turned so that the ellipsoid of degree 1 is symmetric."""
    values = shape.values.copy()
    values[:, 0] += np.sqrt(4 * np.pi) * shape.centre
    if values.shape[1] < 4:
        return values
    linear = values[:, [3, 1, 2]]  # x = A n up to a factor: y_1 is proportional to (y, z, x)
    left, _, right = np.linalg.svd(linear)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return turned(values, (left @ flip @ right).T)


def _refined(values: Floats, rounds: int, reference: AlignedCoefficients | None, degree: int) -> tuple[Floats, Floats]:
    if reference is not None and reference.mean.shape[1] != (degree + 1) ** 2:
        raise CellmlError(
            f"The reference has coefficients up to degree {int(reference.mean.shape[1] ** 0.5) - 1}, not {degree}; fit it alike."
        )
    mean = values.mean(axis=0) if reference is None else reference.mean
    low = (min(degree, _TELLING) + 1) ** 2
    for _ in range(rounds if low >= 4 and (len(values) > 1 or reference is not None) else 0):
        values = np.stack([turned(one, turn_onto(one[:, :low], mean[:, :low])) for one in values])
        if reference is not None:
            break
        mean = values.mean(axis=0)
    return values, mean


def _scatter(values: Floats) -> float:
    """Root mean square distance of corresponding points from the mean shape, nm."""
    return float(np.sqrt(((values - values.mean(axis=0)) ** 2).sum(axis=(1, 2)).mean() / (4 * np.pi)))


def _account(fits: list[VectorFit], before: float, after: float, errors: Floats) -> list[str]:
    low, high = min(f.map.area_ratios[0] for f in fits), max(f.map.area_ratios[2] for f in fits)
    return [
        f"parameters turned onto the mean shape: points lie {after:.3g} nm from it (root mean square), {before:.3g} nm before",
        f"series of degree {fits[0].harmonics.degree} leave {np.median(errors):.3g} nm (median; at most {errors.max():.3g} nm)",
        f"{sum(f.map.flips for f in fits)} faces are flipped; 5 % to 95 % of areas have {low:.2f} to {high:.2f} of their share",
    ]
