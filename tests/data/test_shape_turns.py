"""Turned and mirrored grids: quarter turns are exact, other angles keep distances, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.data.shape_turns import Mirror, VerticalTurn, turned
from cellml.errors import CellmlError


def capsule(angle: float, count: int = 24) -> np.ndarray:
    """Distance to a segment that lies in the plane across z, at an angle from x, off the middle along z: (1, Z, Y, X)."""
    z, y, x = np.meshgrid(*(np.arange(count) - (count - 1) / 2,) * 3, indexing="ij")
    along = np.clip(np.cos(angle) * x + np.sin(angle) * y, -5, 5)
    far = np.sqrt((x - along * np.cos(angle)) ** 2 + (y - along * np.sin(angle)) ** 2 + (z - 2) ** 2) - 3
    return np.clip(far, -4, 4)[None].astype(np.float32)


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2, 2.0])
def test_a_turned_capsule_is_the_capsule_at_that_angle(angle: float) -> None:
    found, wanted = turned(capsule(0.0), angle), capsule(angle)
    tolerance = 1e-4 if angle in (0.0, np.pi / 2) else 0.35
    near = np.abs(wanted) < 2
    assert min(np.abs(found - capsule(s * angle))[np.abs(capsule(s * angle)) < 2].max() for s in (1, -1)) < tolerance
    assert near.any()


def test_a_draw_turns_about_z_only_and_is_a_function_of_the_generator() -> None:
    values = capsule(0.3)
    turn = VerticalTurn()
    one, two = (turn(values, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.allclose(one, values)
    inside = lambda grid: (grid < 0).sum(axis=(2, 3))  # noqa: E731
    assert np.abs(inside(one).astype(int) - inside(values)).max() <= 0.1 * inside(values).max() + 4
    assert VerticalTurn(0.0)(values, np.random.default_rng(5)) is values


def test_mirrors_flip_the_asked_axes_half_of_the_time() -> None:
    values = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    found = [Mirror([2])(values, np.random.default_rng(n)) for n in range(200)]
    flipped = [np.array_equal(one, values[:, :, :, ::-1]) for one in found]
    assert all(f or np.array_equal(one, values) for f, one in zip(flipped, found, strict=True))
    assert 70 < sum(flipped) < 130


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(CellmlError, match="between 0 and 1"):
        VerticalTurn(1.5)
    with pytest.raises(CellmlError, match="axes of a grid"):
        Mirror([3])
