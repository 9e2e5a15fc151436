from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.imaging.command import filter_file
from cellml.imaging.repairs.apply import repair_volume
from cellml.imaging.repairs.invert import Invert
from cellml.io import read_volume, write_volume
from cellml.types import Volume

SPACING = (10.0,) * 3


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_grey_values_turn_over_within_their_range_and_back_from_file_to_file(tmp_path: Path, dtype: type) -> None:
    data = np.random.default_rng(0).integers(3, 120, (4, 5, 6)).astype(dtype)
    write_volume(Volume(data, SPACING), tmp_path / "0.tif")
    for number in (0, 1):
        filter_file(
            str(tmp_path / f"{number}.tif"), str(tmp_path / f"{number + 1}.tif"), {"_target_": "cellml.imaging.repairs.invert.Invert"}
        )
    once, twice = (read_volume(tmp_path / f"{n}.tif").data for n in (1, 2))
    assert once.dtype == dtype and (once.min(), once.max()) == (data.min(), data.max())
    np.testing.assert_array_equal(once.astype(int), int(data.min()) + int(data.max()) - data.astype(int))
    np.testing.assert_array_equal(twice, data)


def test_nan_is_refused() -> None:
    data = np.ones((2, 3, 4), np.float32)
    data[1, 1, 1] = np.nan
    with pytest.raises(CellmlError, match="NaN or infinite"):
        repair_volume(Volume(data, SPACING), Invert())
