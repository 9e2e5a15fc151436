"""Real orthonormal spherical harmonics of all degrees up to a limit, at many directions at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]

HIGHEST_DEGREE = 128
_CHUNK = 4096  # directions at once: fewer wait for Python, more for memory


def real_harmonics(directions: Floats, degree: int, dtype: type[np.floating[Any]] = np.float64) -> NDArray[Any]:
    """y_lm at directions, (D, (degree + 1)²), index l² + l + m.

    With Y_lm of `scipy.special.sph_harm_y`, y_lm = √2 (−1)^m Re Y_lm for m > 0, Y_l0 for m = 0, and √2 (−1)^m Im Y_l|m| for m < 0:
    ∫ y_lm y_l'm' dΩ = δ δ, and y_1 = √(3/4π) (y, z, x). The values are scipy's (a test compares them); the recurrence over l of the
    normalised Legendre functions (Holmes & Featherstone 2002, eq. 11) takes a thirtieth of the time.

    directions: (D, 3), of any length but 0; dtype: of the arithmetic, float32 (errors of some 1e-6 at degree 16) where the samples are no
    better. Raises CellmlError for a degree below 0 or above 128.
    """
    check_degree(degree)
    units = (np.asarray(directions, np.float64) / np.linalg.norm(directions, axis=1, keepdims=True)).T.astype(dtype)
    found = np.empty(((degree + 1) ** 2, units.shape[1]), dtype)
    for start in range(0, units.shape[1], _CHUNK):
        _fill(found[:, start : start + _CHUNK], units[:, start : start + _CHUNK], degree)
    return found.T


def _fill(found: NDArray[Any], units: NDArray[Any], degree: int) -> None:
    """y_lm of unit vectors (3, D) into found, ((degree + 1)², D)."""
    x, y, z = units
    sine = np.hypot(x, y)
    turn = _turns(x, y, sine, degree)
    el = np.arange(degree + 1)
    for order, values in enumerate(_legendre(z, sine, degree)):
        middle = el[order:] * (el[order:] + 1)
        found[middle + order] = values * turn[order].real
        if order:
            found[middle - order] = values * turn[order].imag


def _turns(x: NDArray[Any], y: NDArray[Any], sine: NDArray[Any], degree: int) -> NDArray[Any]:
    """√2 exp(i m φ), (L + 1, D) complex; 1 for m = 0. At the poles, where only m = 0 counts, φ is 0."""
    safe = np.where(sine > 0, sine, 1)
    step = (np.where(sine > 0, x, 1) + 1j * y) / safe
    found = np.empty((degree + 1, len(x)), step.dtype)
    found[0] = 1
    for m in range(1, degree + 1):
        found[m] = found[m - 1] * step
    found[1:] *= np.asarray(np.sqrt(2), sine.dtype)
    return found


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


def _legendre(cosine: NDArray[Any], sine: NDArray[Any], degree: int) -> Iterator[NDArray[Any]]:
    """Orthonormal associated Legendre functions without the Condon-Shortley sign, order by order: m = 0, 1, …, each (L + 1 − m, D) of the
    degrees m … L.
    """
    sectoral = np.full_like(cosine, np.sqrt(0.25 / np.pi))
    for m in range(degree + 1):
        if m:
            sectoral = np.asarray(np.sqrt((2 * m + 1) / (2 * m)), cosine.dtype) * sine * sectoral
        found = np.empty((degree + 1 - m, len(cosine)), cosine.dtype)
        found[0] = sectoral
        if m < degree:
            found[1] = np.asarray(np.sqrt(2 * m + 3), cosine.dtype) * cosine * sectoral
        for el in range(m + 2, degree + 1):
            ahead = np.sqrt((4 * el**2 - 1) / (el**2 - m**2))
            back = np.sqrt(((el - 1) ** 2 - m**2) / (4 * (el - 1) ** 2 - 1))
            row = found[el - m]
            np.multiply(cosine, found[el - m - 1], out=row)
            row -= cosine.dtype.type(back) * found[el - m - 2]
            row *= cosine.dtype.type(ahead)
        yield found
