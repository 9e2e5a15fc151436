from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError, ContractError
from cellml.infer.recorded import depth_of, given_series, recorded_series, require_same_grid
from cellml.infer.repair_series import reconstructions
from cellml.io import write_tilts, write_volume
from cellml.tomography.conjugate_gradients import ConjugateGradients
from cellml.types import TiltSeries, Volume

TILTS = np.arange(-60.0, 61, 6)
WEDGE = {"half_range": [60.0, 60.0], "step": [6.0], "slant": 0.0}
CONTRACT = {"spacing_nm": [2.0, 2.0, 2.0], "channels": 1, "wedge": WEDGE}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """tilts.st, the same as stack.mrc with angles of its name and as bare.mrc without, and a volume."""
    series = TiltSeries(np.random.default_rng(0).normal(5, 1, (21, 8, 12)).astype(np.float32), TILTS, 2.0)
    for name in ("tilts.st", "stack.mrc", "bare.mrc"):
        write_tilts(series, tmp_path / name)
    (tmp_path / "bare.tlt").rename(tmp_path / "angles.txt")
    write_volume(Volume(np.ones((6, 8, 12), np.float32), (2.0,) * 3), tmp_path / "volume.mrc")
    return tmp_path


@pytest.mark.parametrize(
    ("files", "tilts", "angles", "alone"),
    [
        (("tilts.st",), None, None, True),
        (("stack.mrc",), None, None, True),
        (("bare.mrc",), "bare.mrc", "angles.txt", True),
        (("bare.mrc",), None, "angles.txt", True),
        (("volume.mrc",), "stack.mrc", None, False),
        (("volume.mrc", "volume.mrc"), "bare.mrc", "angles.txt", False),
    ],
)
def test_a_series_is_known_by_name_by_its_angles_or_because_it_is_said(
    folder: Path, files: tuple[str, ...], tilts: str | None, angles: str | None, alone: bool
) -> None:
    def place(name: str | None) -> str | None:
        return None if name is None else str(folder / name)

    series, is_alone = given_series([str(folder / f) for f in files], place(tilts), CONTRACT, "it", angles=place(angles))
    assert series is not None and is_alone == alone
    assert series.data.shape == (21, 8, 12)
    np.testing.assert_allclose(series.data.mean(axis=(1, 2)), 0, atol=1e-5)


def test_a_volume_is_none(folder: Path) -> None:
    assert given_series([str(folder / "volume.mrc")], None, CONTRACT, "it") == (None, False)
    assert given_series([str(folder / "bare.mrc")], None, {"spacing_nm": [2.0] * 3}, "it") == (None, False)


@pytest.mark.parametrize(
    ("files", "more", "contract", "words"),
    [
        (("tilts.st",), {}, {}, "predicts from volumes. Reconstruct it first"),
        (("bare.mrc",), {"angles": "angles.txt"}, {}, "predicts from volumes"),
        (("volume.mrc",), {"tilts": "stack.mrc"}, {}, "predicts from volumes"),
        (("volume.mrc",), {"tilts": "stack.mrc"}, {**CONTRACT, "axes": "TILTS"}, "takes a tilt series and no volume"),
        (("volume.mrc",), {}, {**CONTRACT, "axes": "TILTS"}, "tilt angles of .* are not known.*is no tilt series"),
        (("stack.mrc", "tilts.st"), {"tilts": "stack.mrc"}, CONTRACT, "where a volume is expected"),
        (("volume.mrc", "volume.mrc"), {"angles": "angles.txt"}, CONTRACT, "name the series that they were made of as tilts="),
        (("tilts.st",), {"wedge": [-50, 50, 6]}, CONTRACT, "learned to repair"),
        (("tilts.st",), {}, {**CONTRACT, "spacing_nm": [4.0] * 3}, "pixels of 2 nm, but the checkpoint was trained at 4 nm"),
    ],
)
def test_what_does_not_go_together_is_refused(
    folder: Path, files: tuple[str, ...], more: dict[str, object], contract: dict[str, object], words: str
) -> None:
    options = {name: str(folder / value) if isinstance(value, str) else value for name, value in more.items()}
    tilts = options.pop("tilts", None)
    with pytest.raises(CellmlError, match=words):
        given_series([str(folder / f) for f in files], tilts, contract, "it", **options)  # type: ignore[arg-type]


def test_the_axis_is_turned_along_y(folder: Path) -> None:
    series = TiltSeries(np.random.default_rng(0).normal(size=(21, 8, 12)).astype(np.float32), TILTS, 2.0, axis_angle=90.0)
    write_tilts(series, folder / "turned.st", mdoc=True)
    assert recorded_series(str(folder / "turned.st"), CONTRACT).data.shape == (21, 12, 8)


def test_values_that_are_not_finite_have_their_remedy(folder: Path) -> None:
    data = np.zeros((21, 8, 12), np.float32)
    data[3, :, 7] = np.nan
    write_tilts(TiltSeries(data, TILTS, 2.0), folder / "nan.st")
    with pytest.raises(CellmlError, match="column 7.*exclude=.*keys belong to cellml align"):
        recorded_series(str(folder / "nan.st"), CONTRACT)


def test_thickness_and_grid_must_fit() -> None:
    series = TiltSeries(np.zeros((21, 8, 12), np.float32), TILTS, 2.0, name="tilts.st")
    assert depth_of(series, None) == 12 and depth_of(series, 5) == 5
    for wrong in (0, 13):
        with pytest.raises(CellmlError, match=f"thickness={wrong} must be 1 to 12 voxels"):
            depth_of(series, wrong)
    require_same_grid((5, 8, 12), (2.0, 2.0, 2.01), series, "it")
    with pytest.raises(ContractError, match="8 × 10 voxels"):
        require_same_grid((5, 8, 10), (2.0, 2.0, 2.0), series, "it")
    with pytest.raises(ContractError, match="voxels of .* nm .* pixels of 2 nm"):
        require_same_grid((5, 8, 12), (4.0, 2.0, 2.0), series, "it")


def test_networks_see_reconstructions_by_the_methods_they_learned_from() -> None:
    from cellml.data.wedge_damage import standardised
    from cellml.tomography.reconstruction import reconstruct
    from cellml.tomography.wbp import wbp

    series = TiltSeries(np.random.default_rng(0).normal(size=(21, 8, 12)).astype(np.float32), TILTS, 2.0)
    names = ["WeightedBackprojection(filter=Ramp())", repr(ConjugateGradients(3))]
    seen = reconstructions(series, 10, {"wedge": {**WEDGE, "reconstruction": names}})
    for image, volume in zip(seen, (wbp(series, 10), reconstruct(series, 10, ConjugateGradients(3))), strict=True):
        np.testing.assert_allclose(image, standardised(volume.data), atol=1e-5)
    with pytest.raises(ContractError, match=r"input=\[even.mrc,odd.mrc\] tilts=SERIES"):
        reconstructions(series, 10, {"wedge": WEDGE, "halves": True})
