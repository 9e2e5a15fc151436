"""Block by block equals all at once, and the verb `filter` writes what it should."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.imaging.repairs.align import SectionAlignment
from cellml.imaging.repairs.apply import deviation, repair_volume, repaired_blocks
from cellml.imaging.repairs.destripe import Destripe
from cellml.imaging.repairs.diffusion import AnisotropicDiffusion
from cellml.imaging.repairs.equalise import SectionEqualisation
from cellml.imaging.repairs.flat_field import FlatField
from cellml.imaging.repairs.interpolate import MissingSectionRepair
from cellml.imaging.repairs.smoothing import Bilateral, Gaussian, Median
from cellml.types import Volume

SPACING = (20.0, 10.0, 10.0)


def image(shape: tuple[int, ...] = (20, 30, 34)) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    noise[..., shape[-1] // 2 :] += 3
    return 100 + 10 * noise


def by_blocks(data: np.ndarray, repair: Any, block: tuple[int, int, int]) -> np.ndarray:
    done, times = np.full(data.shape, np.nan, np.float32), np.zeros(data.shape, int)
    for region, voxels in repaired_blocks(lambda r: data[r], data.shape, SPACING, repair, block=block):
        done[region] = voxels
        times[region] += 1
    assert (times == 1).all()
    return done


@pytest.mark.parametrize(
    "repair",
    [
        Gaussian(12.0),
        Median(20.0),
        Bilateral(12.0),
        FlatField(),
        SectionEqualisation(),
        SectionAlignment(),
        Destripe(),
        MissingSectionRepair([3]),
    ],
)
def test_blocks_equal_the_whole(repair: Any) -> None:
    np.testing.assert_allclose(by_blocks(image(), repair, (7, 16, 11)), repair_volume(Volume(image(), SPACING), repair).data, rtol=2e-6)


def test_diffusion_by_blocks_is_the_whole_to_hundredths_of_the_contrast_at_worst() -> None:
    data = image((24, 40, 44))
    repair = AnisotropicDiffusion(length_nm=12.0, updates=2, noise_nm=5.0, integration_nm=5.0)
    whole = repair_volume(Volume(data, SPACING), repair).data
    apart = np.abs(by_blocks(data, repair, (10, 20, 22)) - whole) / data.std()
    assert apart.max() < 0.03 and np.percentile(apart, 99.5) < 0.003


def test_the_deviation_of_a_volume_comes_section_by_section() -> None:
    data = image()
    assert deviation(lambda r: data[r], data.shape) == pytest.approx(float(data.std(dtype=float)), rel=1e-9)
    data[3, 4, 5] = np.inf
    with pytest.raises(CellmlError, match="NaN or infinite"):
        deviation(lambda r: data[r], data.shape)


def test_channels_must_be_chosen_in_memory() -> None:
    with pytest.raises(CellmlError, match="axes CZYX"):
        repair_volume(Volume(np.zeros((2, 3, 3, 3)), SPACING, axes="CZYX"), Gaussian())


Command = Callable[..., int]


def test_the_verb_keeps_type_frame_and_every_channel_and_time(cellml: Command, tmp_path: Path) -> None:
    from cellml.io import read_volume, write_volume

    data = np.clip(image((2, 3, 6, 10, 12)), 0, 255).astype(np.uint8)
    write_volume(Volume(data, SPACING, (5.0, 6.0, 7.0), axes="TCZYX", channels=("a", "b", "c")), tmp_path / "in.ome.zarr")
    assert cellml("filter", f"input={tmp_path}/in.ome.zarr", f"output={tmp_path}/out.ome.zarr", "filter=gaussian", "block=[4,5,6]") == 0
    done = read_volume(tmp_path / "out.ome.zarr")
    assert done.data.dtype == np.uint8 and done.spacing == SPACING and done.origin == (5, 6, 7) and done.channels == ("a", "b", "c")
    expected = Gaussian(10.0)(data[1, 2], SPACING)
    assert np.array_equal(done.data[1, 2], np.rint(expected).astype(np.uint8))


@pytest.mark.parametrize(
    "name", ["median", "bilateral", "nad", "nad_coherence", "nad_hybrid", "flat_field", "equalise", "align", "destripe", "interpolate"]
)
def test_every_shipped_filter_runs(name: str, cellml: Command, tmp_path: Path) -> None:
    from cellml.io import read_volume

    np.savez(tmp_path / "in.npz", raw=image((8, 16, 16)), voxel_nm=np.array(SPACING))
    assert cellml("filter", f"input={tmp_path}/in.npz", f"output={tmp_path}/out.npz", f"filter={name}", "floats=true") == 0
    done = read_volume(tmp_path / "out.npz")
    assert done.data.dtype == np.float32 and np.isfinite(done.data).all() and done.shape == (8, 16, 16)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Choose a filter: filter=align or bilateral"),
        (["filter=gaussian", "filter.sigma_nm=-1"], "sigma_nm is -1"),
        (["filter=gaussian", "block=[4,4]"], "three positive numbers"),
        (["filter=flat_field_reference"], "Missing: filter.bright"),
    ],
)
def test_bad_requests_write_nothing(words: list[str], message: str, cellml: Command, tmp_path: Path, capsys: Any) -> None:
    np.savez(tmp_path / "in.npz", raw=image((4, 8, 8)), voxel_nm=np.array(SPACING))
    assert cellml("filter", f"input={tmp_path}/in.npz", f"output={tmp_path}/out.npz", *words) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out.npz").exists()


def test_nan_in_the_file_is_refused_and_leaves_nothing(cellml: Command, tmp_path: Path, capsys: Any) -> None:
    data = image((4, 8, 8))
    data[3, 3, 3] = np.nan
    np.savez(tmp_path / "in.npz", raw=data, voxel_nm=np.array(SPACING))
    assert cellml("filter", f"input={tmp_path}/in.npz", f"output={tmp_path}/out.npz", "filter=median") == 2
    assert "NaN" in capsys.readouterr().err and [p.name for p in tmp_path.iterdir()] == ["in.npz"]
