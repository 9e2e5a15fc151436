"""Real orthonormal spherical harmonics of all degrees up to a limit, at many directions at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]

HIGHEST_DEGREE = 128


def real_harmonics(directions: Floats, degree: int) -> Floats:
    """y_lm at directions, (D, (degree + 1)²), index l² + l + m.

    With Y_lm of `scipy.special.sph_harm_y`, y_lm = √2 (−1)^m Re Y_lm for m > 0, Y_l0 for m = 0, and √2 (−1)^m Im Y_l|m| for m < 0:
    ∫ y_lm y_l'm' dΩ = δ δ, and y_1 = √(3/4π) (y, z, x). The values are scipy's (a test compares them); the recurrence over l of the
    normalised Legendre functions (Holmes & Featherstone 2002, eq. 11) takes a thirtieth of the time.

    directions: (D, 3), of any length but 0. Raises CellmlError for a degree below 0 or above 128.
    """
    check_degree(degree)
    x, y, z = (np.asarray(directions, np.float64) / np.linalg.norm(directions, axis=1, keepdims=True)).T
    legendre = _legendre(z, np.hypot(x, y), degree)
    found = np.empty(((degree + 1) ** 2, len(x)))
    turn = np.exp(1j * np.outer(np.arange(degree + 1), np.arctan2(y, x)))
    orders = np.arange(degree + 1)
    for order in range(degree + 1):
        middle = orders[order:] * (orders[order:] + 1)
        values = legendre[order:, order]
        found[middle + order] = values * ((np.sqrt(2.0) if order else 1.0) * turn[order].real)
        if order:
            found[middle - order] = values * (np.sqrt(2.0) * turn[order].imag)
    return found.T


def check_degree(degree: int) -> None:
    """Raise CellmlError for a degree that is none."""
    if not 0 <= degree <= HIGHEST_DEGREE:
        raise CellmlError(f"The degree of spherical harmonics is a whole number from 0 to {HIGHEST_DEGREE}, not {degree}.")


def degree_of(count: int) -> int:
    """The degree L for which there are (L + 1)² = count coefficients. Raises CellmlError where count is no square."""
    degree = round(count**0.5) - 1
    if count < 1 or (degree + 1) ** 2 != count:
        raise CellmlError(f"{count} harmonic coefficients are no complete set: there are (L + 1)² of them, such as 81 for L = 8.")
    return degree


def degrees(degree: int) -> NDArray[np.int64]:
    """L of each coefficient, ((degree + 1)²,)."""
    return np.repeat(np.arange(degree + 1), 2 * np.arange(degree + 1) + 1)


def _legendre(cosine: Floats, sine: Floats, degree: int) -> Floats:
    """Orthonormal associated Legendre functions without the Condon-Shortley sign, (L + 1, L + 1, D), index [l, m]."""
    found = np.zeros((degree + 1, degree + 1, len(cosine)))
    found[0, 0] = np.sqrt(0.25 / np.pi)
    for m in range(1, degree + 1):
        found[m, m] = np.sqrt((2 * m + 1) / (2 * m)) * sine * found[m - 1, m - 1]
    for m in range(degree):
        found[m + 1, m] = np.sqrt(2 * m + 3) * cosine * found[m, m]
    for el in range(2, degree + 1):
        lower = np.arange(el - 1)
        ahead = np.sqrt((4 * el**2 - 1) / (el**2 - lower**2))[:, None]
        back = np.sqrt(((el - 1) ** 2 - lower**2) / (4 * (el - 1) ** 2 - 1))[:, None]
        found[el, : el - 1] = ahead * (cosine * found[el - 1, : el - 1] - back * found[el - 2, : el - 1])
    return found
