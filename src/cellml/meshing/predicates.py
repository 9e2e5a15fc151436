"""Exact signs of orientation determinants of points with floating-point coordinates.

A determinant is computed in double precision with a bound of its round-off (Shewchuk 1997, "Adaptive Precision Floating-Point Arithmetic
and Fast Robust Geometric Predicates", bounds A of orient2d and orient3d). Where the bound does not decide, it is computed again in whole
numbers: every double is a whole multiple of one power of two, so that nothing is rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Signs = NDArray[np.int8]

_EPSILON = 2.0**-53
_ERROR_3D = (7.0 + 56.0 * _EPSILON) * _EPSILON
_ERROR_2D = (3.0 + 16.0 * _EPSILON) * _EPSILON
_SMALLEST = 1e-80  # of the largest coordinate: products of three differences of anything larger do not underflow
_CHUNK = 200_000  # determinants at a time: their intermediate arrays stay in the cache of a processor


class Orientation:
    """Orientation signs among points, exact for every input.

    points: (P, 3) finite float64 in any unit.
    """

    def __init__(self, points: Floats) -> None:
        largest = float(np.abs(points).max(initial=0.0))
        exponent = int(np.frexp(largest)[1])
        # A power of two changes no digit, unless the result is denormal; then the filter is not used and the given points are.
        scaled = np.ldexp(points, -exponent)
        nonzero = np.abs(scaled[points != 0])
        self._filter = bool(nonzero.min(initial=1.0) >= _SMALLEST)
        self._columns = [np.ascontiguousarray(scaled[:, axis]) for axis in range(3)]
        self._points = points

    def of_tetrahedra(self, quads: Index) -> Signs:
        """Sign of det(b − a, c − a, d − a) of points (a, b, c, d), (N,): 1 if d lies on the side from which a, b, c run counter-clockwise.

        quads: (N, 4) indices. 0 means that the four points lie in a plane.
        """
        return self._signs(quads, (0, 1, 2), _volume, _ERROR_3D)

    def of_triangles(self, triples: Index, dropped: int) -> Signs:
        """Sign of the turn a → b → c seen along an axis, (N,): 1 if counter-clockwise in the plane of the two axes after `dropped`.

        triples: (N, 3) indices; dropped: 0, 1 or 2 for x, y or z.
        """
        return self._signs(triples, ((dropped + 1) % 3, (dropped + 2) % 3), _area, _ERROR_2D)

    def _signs(self, corners: Index, axes: tuple[int, ...], determinant: Any, error: float) -> Signs:
        signs = np.zeros(len(corners), np.int8)
        for start in range(0, len(corners), _CHUNK):
            part = corners[start : start + _CHUNK]
            doubtful = np.ones(len(part), bool)
            if self._filter:
                value, size = determinant([[self._columns[axis][part[:, i]] for axis in axes] for i in range(part.shape[1])])
                # A bound of 0 means that every product has a factor that is exactly 0, and so has the determinant.
                doubtful = ~(np.abs(value) > error * size) & (size > 0)
                signs[start : start + _CHUNK] = np.sign(value)
            if doubtful.any():
                signs[start + np.flatnonzero(doubtful)] = self._exact(part[doubtful], axes, determinant)
        return signs

    def _exact(self, corners: Index, axes: tuple[int, ...], determinant: Any) -> Signs:
        used, position = np.unique(corners, return_inverse=True)
        whole = _whole_numbers(self._points[used])
        position = position.reshape(corners.shape)
        value, _ = determinant([[whole[position[:, i], axis] for axis in axes] for i in range(corners.shape[1])])
        return np.array([(v > 0) - (v < 0) for v in value], np.int8)


def exactly_positive(points: Floats, tets: Index) -> NDArray[np.bool_]:
    """Whether each tetrahedron has positive orientation, (T,), decided without round-off; points: (P, 3); tets: (T, 4)."""
    return np.asarray(Orientation(points).of_tetrahedra(tets) > 0)


def _volume(corners: list[list[Any]]) -> tuple[Any, Any]:
    """det(b − a, c − a, d − a) and the sum of the absolute values of its products."""
    (ax, ay, az), (bx, by, bz), (cx, cy, cz), (dx, dy, dz) = corners
    # Shewchuk's order of operations, on which the bound rests, with d as the origin; his determinant has the other sign.
    adx, ady, adz, bdx, bdy, bdz, cdx, cdy, cdz = ax - dx, ay - dy, az - dz, bx - dx, by - dy, bz - dz, cx - dx, cy - dy, cz - dz
    bc, cb, ca, ac, ab, ba = bdx * cdy, cdx * bdy, cdx * ady, adx * cdy, adx * bdy, bdx * ady
    value = adz * (bc - cb) + bdz * (ca - ac) + cdz * (ab - ba)
    size = (abs(bc) + abs(cb)) * abs(adz) + (abs(ca) + abs(ac)) * abs(bdz) + (abs(ab) + abs(ba)) * abs(cdz)
    return -value, size


def _area(corners: list[list[Any]]) -> tuple[Any, Any]:
    """(b − a) × (c − a) in the plane and the sum of the absolute values of its products."""
    (ax, ay), (bx, by), (cx, cy) = corners
    left, right = (ax - cx) * (by - cy), (ay - cy) * (bx - cx)
    return left - right, abs(left) + abs(right)


def _whole_numbers(points: Floats) -> NDArray[Any]:
    """Coordinates as Python integers in units of the smallest power of two that divides them all, (P, 3) of objects."""
    mantissa, exponent = np.frexp(points)
    digits = (mantissa * 2.0**53).astype(np.int64).ravel().tolist()
    shift = (exponent - exponent.min(initial=0)).ravel().tolist()
    whole = np.empty(points.size, object)
    whole[:] = [value << by for value, by in zip(digits, shift, strict=True)]
    return whole.reshape(points.shape)
