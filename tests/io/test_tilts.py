from __future__ import annotations

import logging
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import create_tilts, open_tilts, read_tilts, write_tilts
from cellml.types import TiltSeries


@pytest.fixture
def series() -> TiltSeries:
    data = np.random.default_rng(0).normal(size=(7, 8, 9)).astype(np.float32)
    return TiltSeries(data, np.arange(-30.0, 31.0, 10.0), 1.25, axis_angle=-12.5, pretilt=3.0, doses=np.full(7, 2.5), name="cell")


def stack(path: Path, count: int = 5, pixel: float = 12.5) -> np.ndarray:
    data = np.random.default_rng(1).normal(size=(count, 6, 7)).astype(np.float32)
    with mrcfile.new(path, data=data, overwrite=True) as mrc:
        mrc.voxel_size = pixel
    return data


@pytest.mark.parametrize("form", [".st", ".mrc", ".tif", ".ome.tif", ".h5", ".npz", ".zarr", "/"])
def test_what_is_written_is_read(tmp_path: Path, series: TiltSeries, form: str) -> None:
    path = f"{tmp_path}/cell{form}"
    write_tilts(series, path)
    again = read_tilts(path)
    assert np.array_equal(again.data, series.data)
    np.testing.assert_allclose(again.tilts, series.tilts)
    assert (again.pixel, again.axis_angle) == (1.25, -12.5)
    assert again.doses.tolist() == [2.5] * 7


def test_the_stages_angles_stand_in_the_rawtlt_and_the_tilts_in_the_tlt(tmp_path: Path, series: TiltSeries) -> None:
    write_tilts(series, tmp_path / "cell.st")
    assert np.loadtxt(tmp_path / "cell.tlt").tolist() == series.tilts.tolist()
    assert np.loadtxt(tmp_path / "cell.rawtlt").tolist() == series.angles.tolist()
    (tmp_path / "cell.tlt").unlink()
    assert read_tilts(tmp_path / "cell.st", pretilt=3).tilts.tolist() == series.tilts.tolist()


@pytest.mark.parametrize(("beside", "first"), [(("tlt", "rawtlt", "mdoc"), 1), (("rawtlt", "mdoc"), 2), (("mdoc",), 3)])
def test_refined_angles_go_before_those_of_the_stage(tmp_path: Path, beside: tuple[str, ...], first: float) -> None:
    stack(tmp_path / "cell.st", 2)
    (tmp_path / "cell.tlt").write_text("1\n10\n") if "tlt" in beside else None
    (tmp_path / "cell.rawtlt").write_text("2\n10\n") if "rawtlt" in beside else None
    (tmp_path / "cell.st.mdoc").write_text("[ZValue = 0]\nTiltAngle = 3\n[ZValue = 1]\nTiltAngle = 10\n")
    assert read_tilts(tmp_path / "cell.st").angles.tolist() == [first, 10]


def test_given_angles_go_before_all_files(tmp_path: Path) -> None:
    stack(tmp_path / "cell.st", 2)
    (tmp_path / "cell.tlt").write_text("1 10")
    (tmp_path / "other.txt").write_text("# as aligned by hand\n-4.5,\n 20.25 # last\n")
    assert read_tilts(tmp_path / "cell.st", angles=[7, 8]).angles.tolist() == [7, 8]
    assert read_tilts(tmp_path / "cell.st", angles=tmp_path / "other.txt").angles.tolist() == [-4.5, 20.25]


@pytest.mark.parametrize("name", ["cell.ali", "cell_ali.mrc"])
def test_an_aligned_stack_has_its_axis_along_y_whatever_the_mdoc_says(tmp_path: Path, name: str) -> None:
    stack(tmp_path / name, 2)
    (tmp_path / "cell.tlt").write_text("-10\n10\n")
    (tmp_path / "cell.mdoc").write_text("[T = Tilt axis angle = 85.0]\n[ZValue = 0]\nTiltAngle = 3\n[ZValue = 1]\nTiltAngle = 10\n")
    assert read_tilts(tmp_path / name).axis_angle == 0
    assert read_tilts(tmp_path / name, axis_angle=2).axis_angle == 2
    stack(tmp_path / "cell.st", 2)
    assert read_tilts(tmp_path / "cell.st").axis_angle == 85


def test_an_aligned_stack_with_a_slanted_axis_is_not_written(tmp_path: Path, series: TiltSeries) -> None:
    with pytest.raises(CellmlError, match=r"axis of 'cell' is at -12\.5°; rotate it first"):
        write_tilts(series, tmp_path / "cell.ali")
    assert list(tmp_path.iterdir()) == []


def test_rows_of_all_projections(tmp_path: Path) -> None:
    data = stack(tmp_path / "cell.st")
    with open_tilts(tmp_path / "cell.st", angles=[-20, 0, 20, 40, 60], exclude=[1]) as source:
        assert source.shape == (4, 6, 7)
        assert source.series.angles.tolist() == [-20, 20, 40, 60]
        parts = list(source.slabs(4))
        assert [(rows.start, rows.stop) for rows, _ in parts] == [(0, 4), (4, 6)]
        assert np.array_equal(np.concatenate([part.data for _, part in parts], axis=1), data[[0, 2, 3, 4]])
        with pytest.raises(CellmlError, match="6 voxels along Y"):
            source.read(slice(4, 9))


def test_opening_reads_no_projections(tmp_path: Path) -> None:
    with mrcfile.new_mmap(tmp_path / "cell.st", shape=(41, 2000, 2000), mrc_mode=2) as mrc:  # 656 MB, sparse
        mrc.voxel_size = 10
    with open_tilts(tmp_path / "cell.st", angles=np.arange(-60, 61, 3)) as source:
        assert source.read(slice(7, 9)).data.shape == (41, 2, 2000)


def test_a_stack_appears_with_its_angles_or_not_at_all(tmp_path: Path, series: TiltSeries) -> None:
    with pytest.raises(RuntimeError, match="broken off"), create_tilts(tmp_path / "cell.st", series) as sink:
        sink.write((slice(None), slice(0, 4), slice(None)), series.data[:, :4])
        raise RuntimeError("broken off")
    assert list(tmp_path.iterdir()) == []


def test_integers_stay_integers(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(100, (3, 4, 5)).astype(np.uint16)
    write_tilts(TiltSeries(counts, np.array([-10, 0, 10]), 2.0), tmp_path / "cell.mrc")
    with mrcfile.open(tmp_path / "cell.mrc") as mrc:
        assert mrc.data.dtype == np.uint16
    assert np.array_equal(read_tilts(tmp_path / "cell.mrc").data, counts)


@pytest.mark.parametrize("angles", [[-20, 0, 20, 40], [-20, 0, 20, 40, 60, 80]])
def test_angles_that_do_not_match(tmp_path: Path, angles: list[float]) -> None:
    stack(tmp_path / "cell.st")
    with pytest.raises(CellmlError, match=rf"5 projections but angles=.* has {len(angles)} angles"):
        read_tilts(tmp_path / "cell.st", angles=angles)
    (tmp_path / "cell.rawtlt").write_text("\n".join(map(str, angles)))
    with pytest.raises(CellmlError, match=rf"5 projections but .*cell\.rawtlt has {len(angles)} angles"):
        read_tilts(tmp_path / "cell.st")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"angles": [0, 10, 20, 20, 30]}, r"more than once \(20°\)"),
        ({"angles": [5, 5, 5, 5, 5]}, "range of 0°"),
        ({"angles": [0, 1, 2, 3, 500]}, "angle of 500°"),
        ({"angles": [0, 1, 2, 3, np.nan]}, "not finite"),
        ({"angles": ["a", 1, 2, 3, 4]}, "must be numbers in degrees"),
        ({"exclude": [0, 1, 2, 3]}, "one projection"),
        ({"exclude": [5]}, "numbered from 0; there is no 5"),
        ({"exclude": ["2"]}, "there is no 2"),
        ({"pixel": -1.0}, "pixel=-1.0 must be a positive number"),
        ({"pixel": 0}, "pixel=0 must be a positive number"),
        ({"pixel": "10"}, "pixel='10' must be a positive number"),
        ({"axis_angle": np.inf}, "axis angle"),
        ({"pretilt": 1000}, "pre-tilt"),
    ],
)
def test_what_cannot_be_a_tilt_series(tmp_path: Path, arguments: dict[str, object], words: str) -> None:
    stack(tmp_path / "cell.st")
    with pytest.raises(CellmlError, match=words):
        read_tilts(tmp_path / "cell.st", **{"angles": [-20, 0, 20, 40, 60], **arguments})


def test_unsorted_angles_are_taken_as_they_are(tmp_path: Path) -> None:
    data = stack(tmp_path / "cell.st")
    series = read_tilts(tmp_path / "cell.st", angles=[0, 20, -20, 40, -40])
    assert np.array_equal(series.data, data)
    assert series.tilts.tolist() == [0, 20, -20, 40, -40]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-20\n0\nabc\n40\n60", r"line 3: 'abc' is no number"),
        ("-20\n0\nnan\n40\n60", "line 3: the angle is nan"),
        ("# nothing\n", "holds no angles"),
    ],
)
def test_angle_files_that_hold_no_angles(tmp_path: Path, text: str, words: str) -> None:
    stack(tmp_path / "cell.st")
    (tmp_path / "cell.tlt").write_text(text)
    with pytest.raises(FileError, match=words):
        read_tilts(tmp_path / "cell.st")


def test_a_binary_angle_file(tmp_path: Path) -> None:
    stack(tmp_path / "cell.st")
    with pytest.raises(FileError, match="is no number"):
        read_tilts(tmp_path / "cell.st", angles=tmp_path / "cell.st")


def test_radians_are_suspected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.tlt").write_text("\n".join(f"{a:.4f}" for a in np.deg2rad(np.arange(-60, 61, 3))))
    stack(tmp_path / "a.st", 41)
    with caplog.at_level(logging.WARNING):
        read_tilts(tmp_path / "a.st")
    assert "radians" in caplog.text


def test_nothing_gives_angles_or_pixel_size(tmp_path: Path) -> None:
    stack(tmp_path / "cell.st", pixel=0)
    with pytest.raises(CellmlError, match=r"no cell\.tlt, \.rawtlt or \.mdoc beside it"):
        read_tilts(tmp_path / "cell.st")
    with pytest.raises(CellmlError, match=r"pixel size of .* is not known: its MRC header gives 0 × 0 × 0 Å .*pixel=1\.35"):
        read_tilts(tmp_path / "cell.st", angles=range(5))
    stack(tmp_path / "cell.st", pixel=-10)
    with pytest.raises(CellmlError, match=r"its MRC header gives -10 × -10 × -10 Å"):
        read_tilts(tmp_path / "cell.st", angles=range(5))


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    stack(tmp_path / "cell.st", pixel=(10.0, 20.0, 10.0))  # type: ignore[arg-type]
    with pytest.raises(CellmlError, match="2 × 1 nm"):
        read_tilts(tmp_path / "cell.st", angles=range(5))
    assert read_tilts(tmp_path / "cell.st", angles=range(5), pixel=1.5).pixel == 1.5


def test_values_that_are_not_finite_are_named(tmp_path: Path) -> None:
    data = np.ones((5, 6, 7), np.float32)
    data[2, :, 3:5] = np.nan
    data[4, 1, 6] = np.inf
    with mrcfile.new(tmp_path / "cell.st", data=data) as mrc:
        mrc.voxel_size = 10
    with pytest.raises(CellmlError, match=r"projection 2 in columns 3 to 4, projection 4 in column 6.*exclude=\[2, 4\]; fill=true"):
        read_tilts(tmp_path / "cell.st", angles=range(5))
    assert read_tilts(tmp_path / "cell.st", angles=range(5), exclude=[2, 4]).angles.tolist() == [0, 1, 3]


def test_bad_columns_are_filled_linearly(tmp_path: Path) -> None:
    data = np.broadcast_to(np.arange(7.0) ** 2, (3, 6, 7)).astype(np.float32)
    bad = data.copy()
    bad[1, :, 2:4] = np.nan
    bad[2, 5] = np.nan
    write_tilts(TiltSeries(bad, np.arange(3.0), 1.0), tmp_path / "cell.st")
    filled = read_tilts(tmp_path / "cell.st", fill=True).data
    assert filled[1, 0].tolist() == [0, 1, 6, 11, 16, 25, 36]
    assert np.array_equal(filled[[0, 2]], data[[0, 2]])


def test_a_projection_without_any_value_cannot_be_filled(tmp_path: Path) -> None:
    data = np.ones((3, 6, 7), np.float32)
    data[1] = np.nan
    write_tilts(TiltSeries(data, np.arange(3.0), 1.0), tmp_path / "cell.st")
    with pytest.raises(CellmlError, match=r"projection 1 in all columns\. Leave those projections out with exclude=\[1\] \("):
        read_tilts(tmp_path / "cell.st", fill=True)


@pytest.mark.parametrize("shape", [(6, 7), (2, 3, 6, 7)])
def test_other_shapes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.savez(tmp_path / "cell.npz", raw=np.zeros(shape, np.float32))
    with pytest.raises(FileError, match="a tilt series is a stack"):
        read_tilts(tmp_path / "cell.npz", angles=range(3), pixel=1)


def test_damaged_files(tmp_path: Path) -> None:
    stack(tmp_path / "cell.st")
    whole = (tmp_path / "cell.st").read_bytes()
    (tmp_path / "cell.st").write_bytes(whole[:-40])
    with pytest.raises(FileError, match="truncated or damaged"):
        read_tilts(tmp_path / "cell.st", angles=range(5))
    with pytest.raises(FileError, match="There is no file"):
        read_tilts(tmp_path / "missing.st", angles=range(5))
    (tmp_path / "cell.st").write_bytes(whole)
    with pytest.raises(FileError, match="There is no file"):
        read_tilts(tmp_path / "cell.st", angles=tmp_path / "missing.tlt")
