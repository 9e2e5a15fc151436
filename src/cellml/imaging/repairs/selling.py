"""Any diffusion tensor as a sum of six non-negative weights along whole-voxel steps: Selling's decomposition.

D = Σ_k w_k e_k e_kᵀ with w_k ≥ 0 and integer vectors e_k. With it, anisotropic diffusion has a stencil without negative weights, however
elongated D is, so that the discrete equation keeps the extremum principle (Fehrenbach and Mirebeau 2014, section 2.2 and 3.1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Steps = NDArray[np.int16]

_PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
_MOST = 60  # each pass shortens the superbase; tensors of anisotropy 1000 need fewer than 20


def selling(tensor: Floats) -> tuple[Floats, Steps]:
    """Decompose positive definite tensors.

    tensor: (6, N) components zz, yy, xx, zy, zx, yx in units of voxels. Returns weights (6, N) ≥ 0 and steps (6, 3, N), (z, y, x).
    Starts from the superbase of the axes and (−1, −1, −1), and while two of its vectors enclose an acute angle in the metric D, replaces
    (e_i, e_j, e_k, e_l) by (−e_i, e_j, e_k + e_i, e_l + e_i). Then D = −Σ_{i<j} ⟨e_i, D e_j⟩ v vᵀ with v = e_k × e_l.
    """
    count = tensor.shape[1]
    base = np.zeros((4, 3, count), np.int16)
    base[0], base[1, 0], base[2, 1], base[3, 2] = -1, 1, 1, 1
    zz, yy, xx, zy, zx, yx = tensor.astype(np.float32)
    products = np.stack([-(zz + zy + zx), -(yy + zy + yx), -(xx + zx + yx), zy, zx, yx])
    active = np.arange(count)
    tolerance = 1e-6 * (zz + yy + xx)
    for _ in range(_MOST):
        now = products[:, active]
        worst = now.argmax(axis=0)
        acute = now[worst, np.arange(len(active))] > tolerance[active]
        active, worst = active[acute], worst[acute]
        if not len(active):
            break
        for pair in range(6):
            chosen = active[worst == pair]
            if len(chosen):
                _reduce(base, products, chosen, pair)
    weights = np.maximum(-products, 0)
    steps = np.stack([_cross(*(base[n] for n in range(4) if n not in pair)) for pair in _PAIRS])
    return weights, steps


def _reduce(base: Steps, products: Floats, chosen: NDArray[np.intp], pair: int) -> None:
    """One exchange of vectors, with the six scalar products updated by ⟨e_i, D (e_i + e_j + e_k + e_l)⟩ = 0."""
    i, j = _PAIRS[pair]
    k, m = (n for n in range(4) if n not in (i, j))
    ij, ik, im, jk, jm, km = (products[_number(*p), chosen] for p in ((i, j), (i, k), (i, m), (j, k), (j, m), (k, m)))
    base[k][:, chosen] += base[i][:, chosen]
    base[m][:, chosen] += base[i][:, chosen]
    base[i][:, chosen] *= -1
    changed = {(i, j): -ij, (i, k): ij + im, (i, m): ij + ik, (j, k): jk + ij, (j, m): jm + ij, (k, m): km - ij}
    for where, value in changed.items():
        products[_number(*where), chosen] = value


def _number(a: int, b: int) -> int:
    return _PAIRS.index((min(a, b), max(a, b)))


def _cross(a: Steps, b: Steps) -> Steps:
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
