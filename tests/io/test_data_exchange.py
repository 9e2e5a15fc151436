from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import open_tilts, read_tilts

SHAPE = (5, 4, 6)


def exchange(path: Path, integrals: np.ndarray, **changed: Any) -> None:
    """Counts of given line integrals with an uneven field (two images of it) and a dark field; `changed` replaces or drops datasets."""
    rng = np.random.default_rng(3)
    dark = rng.uniform(5, 10, SHAPE[1:])
    white = rng.uniform(900, 1100, SHAPE[1:])
    fields = {
        "data": dark + (white - dark) * np.exp(-integrals),
        "data_white": np.stack([white - 3, white + 3]),
        "data_dark": np.stack([dark, dark]),
        "theta": np.arange(5) * 40.0,
    } | changed
    with h5py.File(path, "w") as file:
        for name, values in fields.items():
            if values is not None:
                file[f"exchange/{name}"] = values


def test_counts_become_line_integrals(tmp_path: Path) -> None:
    integrals = np.random.default_rng(0).uniform(0, 3, SHAPE)
    exchange(tmp_path / "a.h5", integrals)
    series = read_tilts(tmp_path / "a.h5", pixel=700)
    np.testing.assert_allclose(series.data, integrals, atol=2e-6)
    assert series.angles.tolist() == [0, 40, 80, 120, 160]
    assert series.pixel == 700
    with open_tilts(tmp_path / "a.h5", pixel=700) as source:
        np.testing.assert_allclose(source.read(slice(1, 3)).data, integrals[:, 1:3], atol=2e-6)


def test_without_fields_values_are_taken_as_they_are(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(0, 3, SHAPE).astype(np.float32)
    exchange(tmp_path / "a.h5", values, data=values, data_white=None, data_dark=None)
    assert np.array_equal(read_tilts(tmp_path / "a.h5", pixel=700).data, values)


def test_angles_in_radians_and_beyond_180(tmp_path: Path) -> None:
    exchange(tmp_path / "a.h5", np.zeros(SHAPE), theta=np.arange(5) * 72.0)
    assert read_tilts(tmp_path / "a.h5", pixel=700).angles.tolist() == [0, 72, 144, -144, -72]
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["exchange/theta"][...] = np.deg2rad(np.arange(5) * 30.0)
        file["exchange/theta"].attrs["units"] = "rad"
    np.testing.assert_allclose(read_tilts(tmp_path / "a.h5", pixel=700).angles, np.arange(5) * 30.0)


def test_a_dead_pixel_is_named_and_filled(tmp_path: Path) -> None:
    white = np.full(SHAPE[1:], 100.0)
    white[:, 2] = 0
    exchange(tmp_path / "a.h5", np.ones(SHAPE), data=np.full(SHAPE, 50.0), data_white=white, data_dark=None)
    with pytest.raises(CellmlError, match="projection 0 in column 2"):
        read_tilts(tmp_path / "a.h5", pixel=700)
    np.testing.assert_allclose(read_tilts(tmp_path / "a.h5", pixel=700, fill=True).data, np.log(2), rtol=1e-6)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"theta": None}, "tilt angles of .* are not known"),
        ({"theta": np.arange(4.0)}, "5 projections but its own record has 4 angles"),
        ({"data": np.ones((5, 6))}, r"shape \(5, 6\); projections are \(angle, y, x\)"),
        ({"data_white": np.ones((2, 4, 5))}, r"data_white has shape \(2, 4, 5\), but the projections are \(4, 6\)"),
        ({"data_white": np.zeros((2, 4, 6))}, "nowhere brighter than the dark field"),
    ],
)
def test_files_that_contradict_themselves(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    exchange(tmp_path / "a.h5", np.zeros(SHAPE), **changed)
    with pytest.raises(CellmlError, match=words):
        read_tilts(tmp_path / "a.h5", pixel=700)


def test_the_pixel_size_must_be_given(tmp_path: Path) -> None:
    exchange(tmp_path / "a.h5", np.zeros(SHAPE))
    with pytest.raises(CellmlError, match=r"Data Exchange files hold none\. Give it in nm"):
        read_tilts(tmp_path / "a.h5")


def test_a_truncated_file(tmp_path: Path) -> None:
    exchange(tmp_path / "a.h5", np.zeros(SHAPE))
    (tmp_path / "a.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:3000])
    with pytest.raises(FileError, match="truncated or damaged"):
        read_tilts(tmp_path / "a.h5", pixel=700)


@pytest.mark.skipif("CELLML_DATA" not in os.environ, reason="real data: set CELLML_DATA")
def test_the_tooth() -> None:
    path = Path(os.environ["CELLML_DATA"]) / "tomopy_tooth.h5"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    series = read_tilts(path, pixel=1000)
    assert series.data.shape == (181, 2, 640)
    assert np.ptp(series.angles) == pytest.approx(179, abs=0.1)
    # Attenuation does not depend on the direction: the sum over a row of a whole object is the same at every angle.
    mass = series.data.sum(axis=2)
    assert (mass.std(axis=0) / mass.mean(axis=0)).max() < 0.02
