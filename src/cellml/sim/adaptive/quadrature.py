"""Quadrature of degree 5 on tetrahedra and triangles, in barycentric coordinates; weights sum to 1.

Fourteen points in a tetrahedron (Walkington 2000; Grundmann and Möller give the same degree with more) and seven in a triangle (Radon
1948). All weights are positive, so that a squared residual never integrates to less than nothing.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np


def _orbit(*barycentric: float) -> list[tuple[float, ...]]:
    return sorted(set(permutations(barycentric)))


_A, _B, _C = 0.31088591926330060980, 0.092735250310891226402, 0.045503704125649649492
_S = np.sqrt(15.0)
_P, _Q = (6 - _S) / 21, (6 + _S) / 21

TET_POINTS = np.array([*_orbit(_A, _A, _A, 1 - 3 * _A), *_orbit(_B, _B, _B, 1 - 3 * _B), *_orbit(_C, _C, 0.5 - _C, 0.5 - _C)])
TET_WEIGHTS = np.repeat([0.11268792571801585080, 0.073493043116361949544, 0.042546020777081466438], [4, 4, 6])
TRIANGLE_POINTS = np.array([(1 / 3, 1 / 3, 1 / 3), *_orbit(_P, _P, 1 - 2 * _P), *_orbit(_Q, _Q, 1 - 2 * _Q)])
TRIANGLE_WEIGHTS = np.repeat([9 / 40, (155 - _S) / 1200, (155 + _S) / 1200], [1, 3, 3])
