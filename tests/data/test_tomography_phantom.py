from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from cellml.data.tomography_phantom import KINDS, cell_phantom
from cellml.errors import CellmlError

SHAPE = (64, 56, 72)


def test_equal_seeds_draw_equal_cells_and_others_do_not() -> None:
    first, second, other = (cell_phantom(SHAPE, seed=seed)[0].data for seed in (3, 3, 4))
    assert first.tobytes() == second.tobytes()
    assert np.abs(first - other).mean() > 0.05


def test_a_cell_is_dense_structured_and_within_the_field_of_view_at_every_tilt() -> None:
    volume, labels = cell_phantom(SHAPE, seed=1)
    assert volume.shape == labels.shape == SHAPE
    assert volume.data.dtype == np.float32
    assert 0 <= volume.data.min() < 1e-6 < 0.9 < volume.data.max() <= 1.2
    assert set(np.unique(labels.data)) == set(range(len(KINDS) + 1))
    z, x = (np.linspace(-1, 1, n) for n in (SHAPE[0], SHAPE[2]))
    assert not labels.data[np.hypot(z[:, None, None], x[None, None, :]).repeat(SHAPE[1], axis=1) > 1].any()


def test_leaving_a_kind_out_changes_its_own_places_only() -> None:
    whole, labels = cell_phantom(SHAPE, seed=2)
    for kind in ("vesicle", "membrane"):
        less, rest = cell_phantom(SHAPE, seed=2, without=[kind])
        number = KINDS.index(kind) + 1
        assert not (rest.data == number).any()
        blurred = binary_dilation(labels.data == number, np.ones((3, 3, 3)), iterations=3)
        changed = np.abs(whole.data - less.data) > 1e-4
        assert changed.any()
        assert not (changed & ~blurred).any()


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(CellmlError, match="24 voxels"):
        cell_phantom((16, 64, 64))
    with pytest.raises(CellmlError, match="nucleus"):
        cell_phantom(SHAPE, without=["nucleus"])
