from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.uncertainty.field import CorrelatedField

SPACING = (20.0, 10.0, 10.0)


def test_any_division_into_slabs_is_the_same_field() -> None:
    whole = CorrelatedField((30, 20, 24), SPACING, 60.0, seed=3).slab(slice(0, 30))
    field = CorrelatedField((30, 20, 24), SPACING, 60.0, seed=3)
    parts = [field.slab(slice(a, b)) for a, b in ((0, 7), (7, 8), (8, 30))]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(field.slab(slice(3, 5)), whole[3:5])
    assert not np.array_equal(CorrelatedField((30, 20, 24), SPACING, 60.0, seed=4).slab(slice(0, 30)), whole)


def test_the_field_is_standard_normal_with_the_stated_correlation_in_nm() -> None:
    length = 50.0
    g = np.stack([CorrelatedField((40, 60, 60), SPACING, length, seed=[7, k]).slab(slice(0, 40)) for k in range(6)]).astype(float)
    assert g.mean() == pytest.approx(0, abs=0.06) and g.var() == pytest.approx(1, rel=0.06)
    assert g[:, 0].var() == pytest.approx(1, rel=0.2)  # the border is like the inside
    for axis, step in enumerate(SPACING):
        for lag in (1, 3):
            a, b = (np.moveaxis(g, axis + 1, 0)[part] for part in (slice(lag, None), slice(None, -lag)))
            assert (a * b).mean() / g.var() == pytest.approx(np.exp(-((lag * step) ** 2) / (2 * length**2)), abs=0.05)


def test_a_length_below_the_voxel_is_white_noise() -> None:
    g = CorrelatedField((8, 40, 40), SPACING, 1.0).slab(slice(0, 8))
    assert abs((g[:, :, 1:] * g[:, :, :-1]).mean()) < 0.03 and g.var() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("length", [0.0, -1.0, np.nan])
def test_impossible_lengths_are_refused(length: float) -> None:
    with pytest.raises(CellmlError, match="positive number of nm"):
        CorrelatedField((4, 4, 4), SPACING, length)
