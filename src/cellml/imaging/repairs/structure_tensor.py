"""Which way an image changes around each voxel: its structure tensor, and symmetric 3 × 3 eigenproblems in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.types import Triple

Floats = NDArray[np.float32]

COMPONENTS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


def structure_tensor(image: NDArray[Any], spacing: Triple, noise_nm: float, integration_nm: float) -> Floats:
    """J = G_ρ ∗ (∇u_σ ∇u_σᵀ), u_σ = G_σ ∗ u (Weickert 1998, eq. 2.6), (6, Z, Y, X): zz, yy, xx, zy, zx, yx per nm².

    noise_nm: σ; integration_nm: ρ; 0 leaves a smoothing out. Beyond its border the image is mirrored.
    """
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(image, [noise_nm / s for s in spacing], truncate=3.0) if noise_nm else image
    gradient = [_derivative(smooth, axis) / np.float32(s) for axis, s in enumerate(spacing)]
    products = (gradient[a] * gradient[b] for a, b in COMPONENTS)
    if integration_nm:
        products = (gaussian_filter(p, [integration_nm / s for s in spacing], truncate=3.0) for p in products)
    return np.stack(list(products)).astype(np.float32, copy=False)


def _derivative(image: NDArray[Any], axis: int) -> NDArray[Any]:
    """Central differences; at the border the mirrored image has half the slope."""
    padded = np.pad(image, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
    high, low = (np.take(padded, range(s, s + image.shape[axis]), axis=axis) for s in (2, 0))
    return np.float32(0.5) * (high - low)


def eigen(tensor: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues (3, N), descending, and unit eigenvectors (3, 3, N), [which, component], of symmetric tensors (6, N).

    Values by the trigonometric solution of the cubic (Smith 1961); vectors by the larger of the cross products of rows of A − λ I. Where
    eigenvalues coincide, any orthonormal vectors of their space are returned.
    """
    a = tensor.astype(np.float64)
    mean = (a[0] + a[1] + a[2]) / 3
    off = a[3] ** 2 + a[4] ** 2 + a[5] ** 2
    scale = np.sqrt(((a[0] - mean) ** 2 + (a[1] - mean) ** 2 + (a[2] - mean) ** 2 + 2 * off) / 6)
    b = [(a[n] - mean) / np.maximum(scale, 1e-300) for n in range(3)] + [a[n] / np.maximum(scale, 1e-300) for n in range(3, 6)]
    determinant = b[0] * (b[1] * b[2] - b[5] ** 2) - b[3] * (b[3] * b[2] - b[5] * b[4]) + b[4] * (b[3] * b[5] - b[1] * b[4])
    angle = np.arccos(np.clip(determinant / 2, -1, 1)) / 3
    first, last = (mean + 2 * scale * np.cos(angle + shift) for shift in (0.0, 2 * np.pi / 3))
    middle = 3 * mean - first - last
    # The eigenvalue that stands alone has the well-defined vector; the others follow from it.
    alone_first = first - middle >= middle - last
    vector = _null_vector(b, (np.where(alone_first, first, last) - mean) / np.maximum(scale, 1e-300))
    across = _null_vector_within(b, (middle - mean) / np.maximum(scale, 1e-300), vector)
    third = np.stack(_cross(vector, across))
    vectors = np.stack([np.where(alone_first, vector, third), across, np.where(alone_first, third, vector)])
    return np.stack([first, middle, last]).astype(np.float32), vectors.astype(np.float32)


def _null_vector(b: list[Any], value: Any) -> NDArray[np.float64]:
    """The unit vector with (B − value I) v = 0, (3, N)."""
    rows = [(b[0] - value, b[3], b[4]), (b[3], b[1] - value, b[5]), (b[4], b[5], b[2] - value)]
    candidates = np.stack([np.stack(_cross(rows[i], rows[j])) for i, j in ((0, 1), (0, 2), (1, 2))])
    return _largest(candidates, fallback=(1.0, 0.0, 0.0))


def _null_vector_within(b: list[Any], value: Any, normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit vector orthogonal to `normal` that solves (B − value I) v = 0 best: a 2 × 2 problem, where any will do if all do."""
    one, zero = np.ones_like(normal[0]), np.zeros_like(normal[0])
    helper = np.where(np.abs(normal[0]) < 0.6, (one, zero, zero), (zero, one, zero))
    u = np.stack(_cross(normal, helper))
    u /= np.sqrt((u**2).sum(axis=0))
    v = np.stack(_cross(normal, u))

    def form(p: NDArray[Any], q: NDArray[Any]) -> NDArray[Any]:
        diagonal = b[0] * p[0] * q[0] + b[1] * p[1] * q[1] + b[2] * p[2] * q[2]
        mixed = b[3] * (p[0] * q[1] + p[1] * q[0]) + b[4] * (p[0] * q[2] + p[2] * q[0]) + b[5] * (p[1] * q[2] + p[2] * q[1])
        return np.asarray(diagonal + mixed)

    uu, uv, vv = form(u, u) - value, form(u, v), form(v, v) - value
    first = uu**2 + uv**2 >= uv**2 + vv**2
    c, s = np.where(first, -uv, vv), np.where(first, uu, -uv)
    length = np.sqrt(c**2 + s**2)
    c, s = np.where(length > 1e-12, c, 1.0), np.where(length > 1e-12, s, 0.0)
    return (c * u + s * v) / np.sqrt(c**2 + s**2)


def _largest(candidates: NDArray[Any], fallback: tuple[float, float, float]) -> NDArray[np.float64]:
    lengths = (candidates**2).sum(axis=1)
    best = np.take_along_axis(candidates, lengths.argmax(axis=0)[None, None], axis=0)[0]
    length = np.sqrt(lengths.max(axis=0))
    usable = length > 1e-12
    return np.where(usable, best / np.where(usable, length, 1), np.asarray(fallback)[:, None])


def _cross(a: Any, b: Any) -> tuple[Any, Any, Any]:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
