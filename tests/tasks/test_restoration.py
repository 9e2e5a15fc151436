"""Supervised repair: a short training helps, checkpoints know their wedge, inference returns what was measured and refuses contradictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.phantom import em_phantom
from cellml.data.wedge_damage import TiltScheme, WedgeDamage, clean_projections, noisy_projections, standardised
from cellml.errors import CellmlError, ContractError
from cellml.infer.repair import known_tilts, measured_gain, require_wedge, returned, wedge_power
from cellml.io import read_volume, write_tilts, write_volume
from cellml.tomography.information_record import MapRecord, read_record
from cellml.tomography.reconstruction import reconstruct
from cellml.tomography.sirt import Sirt
from cellml.types import TiltSeries, Volume

Command = Callable[..., int]
SCHEME = TiltScheme(-60, 60, 6, 10.0)

TINY = (
    "experiment=missing_wedge/fib25_unet", "seed=0", "training.budget_minutes=null", "training.max_steps=6", "training.validations=1",
    "training.precision=32-true", "data.patch=[16,16,16]", "data.section=[32,32]", "data.patches_per_epoch=8", "data.damage.step=[6.0]",
    "data.guard=4", "data.train=[{region: {z: [0, 20]}}]", "data.val=[{region: {z: [24, 40]}}]", "task.net.net.widths=[4,8]",
)  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, cellml: Command, phantom_file: Path) -> Path:
    """A checkpoint after six steps."""
    folder = tmp_path_factory.mktemp("repair") / "run"
    assert cellml("train", *TINY, f"data.path={phantom_file}:raw", f"hydra.run.dir={folder}") == 0
    return folder / "model.ckpt"


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A reconstruction of another phantom as a file, and its truth."""
    truth = standardised(em_phantom((32, 32, 32), seed=9)[0].data)
    image = 7 * WedgeDamage().apply(truth, TiltScheme(-60, 60, 6, 10.0), np.random.default_rng(0))[0] + 100
    path = tmp_path_factory.mktemp("damaged") / "reconstruction.mrc"
    write_volume(Volume(image, (10.0,) * 3), path)
    return path, truth


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TiltSeries]:
    """The tilt series of another phantom, angles beside it, and its reconstruction beside that."""
    truth = standardised(em_phantom((32, 32, 32), seed=9)[0].data)
    series = TiltSeries(20 * noisy_projections(truth, SCHEME, np.random.default_rng(0)) + 1000, SCHEME.tilts, 10.0)
    path = tmp_path_factory.mktemp("recorded") / "tilts.mrc"
    write_tilts(series, path)
    write_volume(reconstruct(series, 32, Sirt(5, subsets=10)), path.with_name("volume.mrc"))
    return path, series


def blobs(seed: int) -> np.ndarray:
    """Smooth structure of two grey values."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).standard_normal((24, 16, 24)), 2.5)
    return standardised(gaussian_filter((noise > 0).astype(np.float32), 0.7))


def test_a_short_training_gains_decibels_on_structure_it_never_saw() -> None:
    from cellml.losses.wedge import WedgeLoss
    from cellml.metrics.psnr import psnr
    from cellml.nets.unet import UNet

    torch.manual_seed(0)
    scheme, damage = TiltScheme(-60, 60, 6, 2.0), WedgeDamage()
    pairs = [(damage.apply(blobs(seed), scheme, np.random.default_rng(seed))[0], blobs(seed)) for seed in range(4)]
    net, loss, wedge = UNet(1, 1, (8, 16), stem_stride=1), WedgeLoss(fourier=0.1), torch.tensor([[-60.0, 60.0, 6.0]])
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    for step in range(24):
        image, truth = (torch.from_numpy(v)[None, None] for v in pairs[step % 3])
        optimizer.zero_grad()
        loss(net(image), truth, wedge).total.backward()
        optimizer.step()
    image, truth = pairs[3]
    with torch.no_grad():
        answer = net.eval()(torch.from_numpy(image)[None, None])[0, 0].numpy()
    assert psnr(truth, answer) > psnr(truth, image) + 1.0


def test_infer_repairs_a_reconstruction_in_its_own_grey_values(
    model: Path, damaged: tuple[Path, np.ndarray], cellml: Command, tmp_path: Path
) -> None:
    path, _ = damaged
    outputs = {}
    for name, more in (("with", ()), ("without", ("consistency=false",))):
        output = tmp_path / f"{name}.mrc"
        words = (f"checkpoint={model}", f"input={path}", f"output={output}", "wedge=[-60,60,6]", "precision=float32")
        assert cellml("infer", *words, *more) == 0
        outputs[name] = read_volume(output)
    image = read_volume(path).data
    for volume in outputs.values():
        assert volume.data.shape == (32, 32, 32) and volume.data.dtype == np.float32 and volume.spacing == pytest.approx((10.0,) * 3)
        assert volume.data.mean() == pytest.approx(image.mean(), abs=0.05) and 0.2 < volume.data.std() / image.std() < 2
    apart = [np.abs(np.fft.rfftn(volume.data - image)[0, :, 1:8]).mean() for volume in outputs.values()]
    assert apart[0] < apart[1]  # k_z = 0 was measured, and comes back
    share = read_volume(tmp_path / "with_inferred.mrc").data
    assert share.shape == image.shape and 0 <= share.min() < share.max() <= 1
    record = read_record(tmp_path / "with_inferred_information.json")
    assert (
        isinstance(record, MapRecord)
        and record.volume == str(tmp_path / "with.mrc")
        and (min(record.tilts), max(record.tilts)) == (-60, 60)
    )
    assert 0 < record.unmeasured_share < record.inferred_share < 1  # noise lets the network speak where tilts measured, too
    assert not (tmp_path / "without_inferred.mrc").exists()  # all of it was inferred


def unexplained(volume: np.ndarray, series: TiltSeries) -> float:
    """Share of the recorded projections' power, means apart, that those of a volume leave unexplained."""
    again, lines = (v - v.mean(axis=(1, 2), keepdims=True) for v in (clean_projections(volume, series.tilts), series.data))
    return float(np.square(again - lines).sum() / np.square(lines).sum())


@pytest.mark.parametrize("given", [("input={0}/volume.mrc", "tilts={0}/tilts.mrc"), ("input={0}/tilts.mrc",)], ids=["both", "series"])
def test_recorded_projections_return_on_their_own_grey_scale(
    given: tuple[str, ...], model: Path, recorded: tuple[Path, TiltSeries], cellml: Command, tmp_path: Path
) -> None:
    path, series = recorded
    left = {}
    for consistency in ("true", "false"):
        words = (f"checkpoint={model}", *(word.format(path.parent) for word in given), f"output={tmp_path / 'repaired.mrc'}")
        assert cellml("infer", *words, "precision=float32", f"consistency={consistency}") == 0
        volume = read_volume(tmp_path / "repaired.mrc")
        assert volume.data.shape == (32, 32, 32) and volume.spacing == pytest.approx((10.0,) * 3)
        left[consistency] = unexplained(volume.data, series)
        if consistency == "true":
            record = read_record(tmp_path / "repaired_inferred_information.json")
            assert isinstance(record, MapRecord) and record.tilts == series.tilts.tolist() and 0 < record.inferred_share < 1
    assert left["false"] < 0.5 and left["true"] < 0.9 * left["false"]


def test_series_and_volumes_that_do_not_belong_together_are_refused(
    model: Path, damaged: tuple[Path, np.ndarray], recorded: tuple[Path, TiltSeries], cellml: Command, tmp_path: Path, capsys: Any
) -> None:
    path, series = recorded
    write_volume(Volume(read_volume(path.with_name("volume.mrc")).data[::-1], (10.0,) * 3), tmp_path / "mirrored.mrc")
    write_volume(Volume(np.zeros((32, 30, 32), np.float32) + np.arange(32, dtype=np.float32), (10.0,) * 3), tmp_path / "cut.mrc")
    few = series.tilts[3:-3]
    write_tilts(TiltSeries(series.data[3:-3], few, 10.0), tmp_path / "few.mrc")
    write_tilts(TiltSeries(series.data, series.angles, 4.0), tmp_path / "fine.mrc")
    for words, text in (
        ((f"input={tmp_path}/mirrored.mrc", f"tilts={path}"), "mirror image"),
        ((f"input={tmp_path}/cut.mrc", f"tilts={path}"), "30 × 32 voxels (y, x), but tilts.mrc 32 × 32 pixels"),
        ((f"input={tmp_path}/few.mrc",), "tilts from -42° to 42° in steps of 6°"),
        ((f"input={tmp_path}/fine.mrc",), "pixels of 4 nm"),
        ((f"input={path}", "thickness=40"), "thickness=40 must be 1 to 32"),
        ((f"input=[{path.parent}/volume.mrc,{path.parent}/volume.mrc]", "angles=[1,2]"), "name the series"),
    ):
        assert cellml("infer", f"checkpoint={model}", f"output={tmp_path}/x.mrc", *words) == 2
        assert text in " ".join(capsys.readouterr().err.split()), text
    assert not (tmp_path / "x.mrc").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("wedge=[-50,50,6]",), "learned to repair ±60"),
        (("wedge=[-60,60,2]",), "in steps of 2"),
        (("wedge=[-60]",), "wedge=\\[-60\\]"),
        (("tta=2",), "predicts images"),
    ],
)
def test_contradictions_are_refused(
    more: tuple[str, ...], words: str, model: Path, damaged: tuple[Path, np.ndarray], cellml: Command, tmp_path: Path, capsys: Any
) -> None:
    import re

    assert cellml("infer", f"checkpoint={model}", f"input={damaged[0]}", f"output={tmp_path / 'x.mrc'}", *more) == 2
    assert re.search(words, capsys.readouterr().err) and not (tmp_path / "x.mrc").exists()


def test_a_volume_without_the_wedge_is_refused(damaged: tuple[Path, np.ndarray]) -> None:
    path, truth = damaged
    image = standardised(read_volume(path).data)
    tilts = np.arange(-60.0, 61, 6)
    require_wedge(image, tilts, "it")
    assert wedge_power(image, tilts) < 0.05
    for other in (truth, image.transpose(2, 1, 0)):
        with pytest.raises(ContractError, match="another tilt axis"):
            require_wedge(np.ascontiguousarray(other), tilts, "it")


@pytest.mark.parametrize("snr", [None, 1.0])
def test_a_narrower_range_than_was_said_is_refused(snr: float | None) -> None:
    from scipy.ndimage import gaussian_filter

    from cellml.tomography.simulate import simulate_tilts
    from cellml.tomography.wbp import wbp

    specimen = Volume(gaussian_filter(np.random.default_rng(0).normal(size=(40, 40, 40)), 1.5).astype(np.float32), (1.0,) * 3)
    said = np.arange(-60.0, 61, 3)
    for half in (60, 48):
        image = wbp(simulate_tilts(specimen, np.arange(-half, half + 1, 3.0), snr=snr), 40).data
        if half == 60:
            require_wedge(image, said, "it")
            continue
        with pytest.raises(ContractError, match="nearly empty where only the outermost tilts from -60° to 60° measured"):
            require_wedge(image, said, "it")


def test_a_checkpoint_of_several_wedges_asks_which() -> None:
    learned = {"half_range": [45.0, 70.0], "step": [2.0, 3.0], "slant": 5.0}
    assert known_tilts(learned, [-50, 58, 3], "it")[[0, -1]].tolist() == [-50, 58]
    with pytest.raises(ContractError, match="say which it has"):
        known_tilts(learned, None, "it")
    with pytest.raises(CellmlError, match="step between tilts"):
        known_tilts(learned, [-50, 50], "it")
    with pytest.raises(ContractError, match="off centre by at most 5"):
        known_tilts(learned, [-70, 50, 2], "it")
    for wedge in ([60, -60, 2], [-60, 60, 0], [-60, float("nan"), 2]):
        with pytest.raises(CellmlError, match="a last tilt above the first, and a positive step"):
            known_tilts(learned, wedge, "it")


def test_grey_values_come_from_measured_coefficients_alone() -> None:
    """An answer of three times the truth, and a reconstruction that lacks its wedge: the gain is 1/3."""
    from cellml.tomography.wedge import measured_mask

    truth = np.random.default_rng(0).standard_normal((16, 16, 16)).astype(np.float32)
    tilts = np.arange(-60.0, 61, 3)
    mask = measured_mask(truth.shape, tilts)
    image = np.fft.irfftn(np.fft.rfftn(truth) * mask, s=truth.shape, axes=(0, 1, 2)).astype(np.float32)
    f, g = (torch.fft.rfftn(torch.from_numpy(v)) for v in (3 * truth, image))
    assert measured_gain(f, g, truth.shape, tilts) == pytest.approx(1 / 3, rel=1e-5)
    assert np.allclose(returned(3 * truth + 7, image, tilts, strength=0.0), truth, atol=1e-4)


def test_consistency_in_training_and_the_fourier_loss_run_as_commands(cellml: Command, phantom_file: Path, tmp_path: Path) -> None:
    more = ("task.consistency={_target_: cellml.tasks.measured_return.MeasuredReturn}", "task.loss.fourier=0.2", "training.max_steps=2")
    assert cellml("train", *TINY, *more, f"data.path={phantom_file}:raw", f"hydra.run.dir={tmp_path / 'run'}") == 0
    from cellml.checkpoint import load

    assert load(tmp_path / "run" / "model.ckpt").task.consistency.strength == 1.0
