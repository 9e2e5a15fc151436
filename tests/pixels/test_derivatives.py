from __future__ import annotations

import numpy as np
import pytest

from cellml.pixels.derivatives import difference, eigenvalues, pairs, second_difference


def test_differences_of_polynomials_are_exact_inside() -> None:
    z, y, x = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in (5, 6, 7)], indexing="ij")
    inner = (slice(1, -1),) * 3
    np.testing.assert_allclose(difference(2 * y - x, 1)[inner], 2)
    np.testing.assert_allclose(difference(x * x, 2)[inner], (2 * x)[inner])
    np.testing.assert_allclose(second_difference(3 * z * z + y, 0)[inner], 6)
    np.testing.assert_allclose(difference(difference(x * y, 1), 2)[inner], 1)


def test_at_the_face_the_neighbour_is_the_voxel_itself() -> None:
    field = np.array([[[1.0, 3.0, 9.0]]], np.float32)
    assert difference(field, 2).ravel().tolist() == [1, 4, 3] and second_difference(field, 2).ravel().tolist() == [2, 4, -6]
    assert not difference(field, 0).any()


@pytest.mark.parametrize("size", [2, 3])
def test_eigenvalues_are_those_of_lapack(size: int) -> None:
    rng = np.random.default_rng(1)
    entries = [rng.normal(size=(4, 50)).astype(np.float32) for _ in pairs(range(size))]
    matrices = np.empty((4, 50, size, size))
    for (a, b), entry in zip(pairs(range(size)), entries, strict=True):
        matrices[..., a, b] = matrices[..., b, a] = entry
    expected = np.linalg.eigvalsh(matrices)[..., ::-1]
    np.testing.assert_allclose(np.stack(eigenvalues(entries), axis=-1), expected, atol=2e-5)


def test_equal_eigenvalues_and_zero() -> None:
    one, none = np.ones(3, np.float32), np.zeros(3, np.float32)
    for value in eigenvalues([one, none, none, one, none, one]):
        np.testing.assert_allclose(value, 1, atol=1e-6)
    for value in eigenvalues([none] * 6) + eigenvalues([none] * 3):
        np.testing.assert_array_equal(value, 0)
