"""Sinogram filling and artefact removal: what stays measured, what the command trains, and a tilt series repaired by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.checkpoint import load
from cellml.data.blocks import Block, OpenBlock
from cellml.data.phantom import em_phantom
from cellml.data.sinogram_module import SinogramDataModule
from cellml.data.sinogram_pairs import SinogramPairs
from cellml.data.wedge_damage import TiltScheme, WedgeDamage, clean_projections, standardised
from cellml.errors import CellmlError
from cellml.io import read_volume, write_tilts
from cellml.tasks.sinogram_gan import filled_sinograms, reconstructed, slices
from cellml.tomography.wbp import WeightedBackprojection
from cellml.types import TiltSeries

Command = Callable[..., int]

TINY = (
    "experiment=missing_wedge/fib25_sinogram", "seed=0", "training.budget_minutes=null", "training.max_steps=3", "training.validations=1",
    "training.precision=32-true", "data.section=[32,32]", "data.rows=4", "data.damage.step=[6.0]", "data.patches_per_epoch=4",
    "data.guard=4", "data.train=[{region: {z: [0, 20]}}]", "data.val=[{region: {z: [24, 40]}}]", "task.net.width=4", "task.net.growth=2",
    "task.net.blocks=1", "task.remover.widths=[2,4]", "task.filling.critic.widths=[2,4]", "task.removal.critic.widths=[2,4]",
    "task.window.tile=[32,16,32]", "task.window.halo=[8,4,8]", "callbacks.last.every_n_train_steps=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cellml: Command, phantom_file: Path) -> Path:
    """A run of three steps."""
    folder = tmp_path_factory.mktemp("sinogram") / "run"
    assert cellml("train", *TINY, f"data.path={phantom_file}:raw", f"hydra.run.dir={folder}") == 0
    return folder


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TiltSeries]:
    """Projections of another phantom, ±60° by 6°, shuffled in the file."""
    truth = standardised(em_phantom((24, 16, 24), seed=9)[0].data)
    angles = np.random.default_rng(0).permutation(TiltScheme(-60, 60, 6).tilts)
    tilts = TiltSeries(clean_projections(truth, angles), angles, 10.0)
    path = tmp_path_factory.mktemp("series") / "tilts.mrc"
    write_tilts(tilts, path)
    return path, tilts


def test_measured_rows_stay_and_missing_ones_are_filled() -> None:
    image = torch.randn(2, 2, 6, 5)
    image[:, 1] = torch.tensor([1.0, 1, 0, 0, 0, 1])[None, :, None]
    filled = filled_sinograms(torch.nn.Conv2d(2, 1, 1), image)
    assert torch.equal(filled[:, 0, [0, 1, 5]], image[:, 0, [0, 1, 5]]) and not torch.equal(filled[:, 0, 2:5], image[:, 0, 2:5])


def test_the_whole_half_turn_reconstructs_better_than_the_measured_part(phantom_file: Path) -> None:
    """The truth that the filler learns is worth learning, and its rows are those of the shown sinogram."""
    block = OpenBlock(Block(f"{phantom_file}:raw"), need_labels=False)
    sample = SinogramPairs([block], 4, WedgeDamage(step=(6.0,), snr=(1e6, 1e6)), 4, 0, (32, 32), True)[1]
    image, whole, tilts, truth = (sample[name].numpy() for name in ("image", "sinogram", "tilts", "labels"))
    known = image[1, 0, :, 0] > 0
    assert np.allclose(image[0][:, known], whole[0][:, known], atol=0.02) and known.sum() == 21 and len(tilts) == 30
    volumes = [reconstructed(s, t, 32, WeightedBackprojection()) for s, t in ((whole[0], tilts), (image[0][:, known], tilts[known]))]
    errors = [np.mean((standardised(truth[0]) - volume) ** 2) for volume in volumes]
    assert errors[0] < 0.6 * errors[1]


def test_what_the_remover_is_shown_depends_on_its_channels(phantom_file: Path, run: Path) -> None:
    """The filled half turn first, then the measured tilts alone; and items that it cannot halve are refused."""
    task = load(run / "model.ckpt").task
    block = OpenBlock(Block(f"{phantom_file}:raw"), need_labels=False)
    items = [SinogramPairs([block], rows, WedgeDamage(step=(6.0,)), 4, 0, (32, 32), True)[0] for rows in (4, 2)]
    batch, small = ({name: value[None] for name, value in item.items()} for item in items)
    with torch.inference_mode():
        shown, truth = task.volumes(batch["sinogram"].transpose(1, 2).flatten(0, 1), batch)
    known, tilts = batch["image"][0, 1, 0, :, 0].numpy() > 0, batch["tilts"][0].numpy()
    expected = [reconstructed(batch["sinogram"][0, 0].numpy(), tilts, 32, task.reconstruction)]
    expected += [reconstructed(batch["sinogram"][0, 0].numpy()[:, known], tilts[known], 32, task.reconstruction)]
    assert shown.shape == (1, 2, 32, 4, 32) and truth.shape == (1, 1, 32, 4, 32)
    assert np.allclose(shown[0].numpy(), np.stack(expected), atol=1e-5)
    with pytest.raises(CellmlError, match="data.rows"):
        task.volumes(small["sinogram"].transpose(1, 2).flatten(0, 1), small)


def test_slices_are_sections_across_the_tilt_axis() -> None:
    volume = torch.randn(2, 1, 4, 3, 5)
    assert torch.equal(slices(volume)[4, 0], volume[1, 0, :, 1]) and slices(volume).shape == (6, 1, 4, 5)


def test_three_optimisers_of_which_one_is_counted(run: Path) -> None:
    last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 3 and len(last["optimizer_states"]) == 3
    assert {int(s["step"]) for o in last["optimizer_states"] for s in o["state"].values()} == {3}
    content = torch.load(run / "model.ckpt", weights_only=True)
    assert {name.split(".")[0] for name in content["state_dict"]} == {"net", "remover"}
    assert content["cellml"]["contract"]["axes"] == "TILTS"


def test_infer_makes_a_volume_of_a_tilt_series(run: Path, series: tuple[Path, TiltSeries], cellml: Command, tmp_path: Path) -> None:
    path, tilts = series
    errors = {}
    for consistency in ("true", "false"):
        output = tmp_path / f"{consistency}.mrc"
        words = (f"checkpoint={run / 'model.ckpt'}", f"input={path}", f"output={output}", f"consistency={consistency}", "precision=float32")
        assert cellml("infer", *words) == 0
        volume = read_volume(output)
        assert volume.data.shape == (24, 16, 24) and volume.spacing == pytest.approx((10.0,) * 3)
        again, recorded = clean_projections(volume.data, tilts.tilts), tilts.data - tilts.data.mean()
        errors[consistency] = np.mean((again - again.mean() - recorded) ** 2) / recorded.var()
    assert errors["true"] < 0.5 * errors["false"]


def damaged(tilts: TiltSeries, how: str) -> TiltSeries:
    """The series with one NaN, or without any structure."""
    data = np.full_like(tilts.data, 3.3) if how == "constant" else tilts.data.copy()
    if how == "NaN":
        data[3, 4, 5] = np.nan
    return replace(tilts, data=data)


@pytest.mark.parametrize(("how", "words"), [("NaN", "projection 3 in column 5.*cellml align"), ("constant", "one value throughout")])
def test_series_in_which_nothing_can_be_filled_are_refused(
    how: str, words: str, run: Path, series: tuple[Path, TiltSeries], cellml: Command, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "tilts.mrc"
    write_tilts(damaged(series[1], how), path)
    command = ("infer", f"checkpoint={run / 'model.ckpt'}", f"input={path}", f"output={tmp_path / 'x.mrc'}")
    assert cellml(*command) == 2 and re.search(words, capsys.readouterr().err, re.DOTALL)


def test_two_files_are_no_tilt_series(run: Path, series: tuple[Path, TiltSeries], cellml: Command, tmp_path: Path, capsys: Any) -> None:
    command = (f"checkpoint={run / 'model.ckpt'}", f"input=[{series[0]},{series[0]}]", f"output={tmp_path / 'x.mrc'}")
    assert cellml("infer", *command) == 2 and "2 files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [(("wedge=[-50,50,6]",), "learned to repair"), (("thickness=99",), "thickness=99"), (("spacing_nm=[4,4,4]",), "4 nm")],
)
def test_series_that_contradict_the_checkpoint_are_refused(
    more: tuple[str, ...], words: str, run: Path, series: tuple[Path, TiltSeries], cellml: Command, tmp_path: Path, capsys: Any
) -> None:
    command = (f"checkpoint={run / 'model.ckpt'}", f"input={series[0]}", f"output={tmp_path / 'x.mrc'}", *more)
    assert cellml("infer", *command) == 2 and re.search(words, capsys.readouterr().err)


def test_several_tilt_schemes_are_refused(phantom_file: Path) -> None:
    with pytest.raises(CellmlError, match="one tilt scheme"):
        SinogramDataModule(path=f"{phantom_file}:raw", train=[{}], val=[], damage=WedgeDamage(step=(2.0, 3.0)))
