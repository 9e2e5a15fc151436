"""Self-supervised wedge repair: what the network is shown, what it learns without a truth, the filled inputs, and the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.self_wedge_module import SelfWedgeDataModule
from cellml.errors import CellmlError
from cellml.io import read_volume, write_tilts, write_volume
from cellml.losses.removed_wedge import RemovedWedgeLoss
from cellml.nets.halves import MeanOverHalves
from cellml.nets.unet import UNet
from cellml.tasks.removed_wedge import RemovedWedge
from cellml.tasks.self_restoration import SelfRestorationTask
from cellml.tomography.rotated_wedge import without_wedge
from cellml.types import TiltSeries, Volume

Command = Callable[..., int]
SHAPE = (40, 40, 40)


def shells() -> np.ndarray:
    """Hollow spheres at random places: what a wedge visibly takes the tops and bottoms of."""
    rng, image = np.random.default_rng(0), np.zeros(SHAPE, np.float32)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    for _ in range(14):
        distance = np.linalg.norm(grid - rng.uniform(4, 36, 3), axis=-1)
        image += np.exp(-((distance - rng.uniform(4, 7)) ** 2) / 2)
    return image - image.mean()


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return shells()


@pytest.fixture(scope="module")
def files(truth: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two halves of one specimen without its wedge, each with noise of its own where it was measured."""
    folder, rng, found = tmp_path_factory.mktemp("tomogram"), np.random.default_rng(1), {}
    for name in ("even", "odd"):
        noisy = torch.from_numpy(truth + rng.normal(0, 0.4 * truth.std(), SHAPE)).float()[None, None]
        found[name] = str(folder / f"{name}.mrc")
        write_volume(Volume(without_wedge(noisy, (-60, 60), 0.0)[0, 0].numpy(), (5.0, 5.0, 5.0)), found[name])
    return found


def make_task(refill: int = 0) -> SelfRestorationTask:
    torch.manual_seed(0)
    net = MeanOverHalves(UNet(1, 1, (16, 32), stem_stride=2, norm="none"))
    return SelfRestorationTask(net, RemovedWedge(), RemovedWedgeLoss(), lambda p: torch.optim.AdamW(p, lr=6e-3), refill=refill)


def make_data(files: dict[str, str], **more: Any) -> SelfWedgeDataModule:
    return SelfWedgeDataModule(even=files["even"], odd=files["odd"], **({"size": 16, "margin": 4, "fade": 4} | more))


def in_wedge(image: np.ndarray) -> np.ndarray:
    """The part of an image (Z, Y, X) that lies in the wedge."""
    picture = torch.from_numpy(image).float()[None, None]
    return (picture - without_wedge(picture, (-60, 60), 0.0))[0, 0].numpy()


def test_the_network_never_sees_what_was_removed(files: dict[str, str]) -> None:
    item = make_data(files).patches()[0]
    target = RemovedWedge(edge=0.0)
    shown = target.damaged(item["image"][None], 24)  # no margin: nothing is cut off after the wedge's removal
    lost = shown - without_wedge(shown, (-60, 60), 0.0)
    assert shown.shape[-1] == 24 and float(lost.std()) < 1e-5 < float((item["image"] - shown[0]).std())


def test_a_short_training_restores_part_of_the_wedge_and_denoises_without_a_truth(truth: np.ndarray, files: dict[str, str]) -> None:
    task, data, steps = make_task(), make_data(files, patches_per_epoch=400), 160
    optimizer, loader = task.make_optimizer(task.parameters()), iter(data.train_dataloader())
    for step in range(steps):
        optimizer.zero_grad()
        task.loss_of(next(loader)).total.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] = 6e-3 * (1 - step / steps)
    voxels = data.halves.voxels.numpy()
    before, after = voxels.mean(axis=0), task.predict_volume(voxels)[0]
    assert in_wedge(before).std() < 1e-3 and np.corrcoef(in_wedge(truth).ravel(), in_wedge(after).ravel())[0, 1] > 0.45
    assert np.corrcoef(after.ravel(), truth.ravel())[0, 1] > np.corrcoef(before.ravel(), truth.ravel())[0, 1] + 0.03


def test_filled_inputs_keep_what_was_measured_and_take_the_wedge_from_the_answer() -> None:
    target, generator = RemovedWedge(), torch.Generator().manual_seed(0)
    measured, restored = (torch.randn(2, 1, 16, 16, 16, generator=generator)[n] for n in range(2))
    filled = target.fill(measured, restored)
    assert torch.allclose(target.fill(measured, measured), measured, atol=1e-5) and not torch.allclose(filled, measured)
    again = target.fill(filled, restored)
    assert torch.allclose(again, filled, atol=1e-4)  # a projection


class _Stepped(SelfRestorationTask):
    """A task that says on its own how far training went."""

    at = 0

    @property
    def global_step(self) -> int:
        return self.at


def stepped(data: SelfWedgeDataModule, refill: int, at: int) -> _Stepped:
    torch.manual_seed(0)
    net = MeanOverHalves(UNet(1, 1, (2, 4), stem_stride=1, norm="none"))
    task = _Stepped(net, RemovedWedge(), RemovedWedgeLoss(), lambda p: torch.optim.AdamW(p), refill=refill)
    task.at = at
    task._trainer = SimpleNamespace(datamodule=data, max_steps=100)  # type: ignore[assignment]
    return task


def test_inputs_are_filled_every_so_often_and_again_after_resuming(files: dict[str, str]) -> None:
    data, resumed_data = make_data(files), make_data(files)
    task = stepped(data, refill=5, at=4)
    empty = data.halves.inputs.clone()
    task.on_train_batch_end(None, None, 0)
    assert torch.equal(data.halves.inputs, empty)
    task.at = 5
    task.on_train_batch_end(None, None, 0)
    assert not torch.equal(data.halves.inputs, empty) and int(task.filled_at) == 5
    with torch.no_grad():
        for parameter in task.net.parameters():
            parameter += 0.1  # what training goes on to do
    resumed = stepped(resumed_data, refill=5, at=7)
    resumed.load_state_dict(task.state_dict())
    resumed.on_fit_start()
    assert torch.equal(resumed_data.halves.inputs, data.halves.inputs)
    at_the_seam = stepped(resumed_data, refill=5, at=10)  # saved before the tenth step's filling
    at_the_seam.load_state_dict(task.state_dict())
    at_the_seam.on_fit_start()
    task.at = 10
    task.on_train_batch_end(None, None, 0)
    assert torch.equal(resumed_data.halves.inputs, data.halves.inputs) and int(at_the_seam.filled_at) == 10


def test_filling_refuses_loader_processes_and_negative_numbers(files: dict[str, str]) -> None:
    with pytest.raises(CellmlError, match="num_workers=0"):
        stepped(make_data(files, num_workers=1), refill=5, at=0).on_fit_start()
    with pytest.raises(CellmlError, match="refill is -1"):
        make_task(refill=-1)


def test_train_and_infer_by_command(cellml: Command, files: dict[str, str], tmp_path: Path) -> None:
    words = ["experiment=missing_wedge/self_supervised", f"data.even={files['even']}", f"data.odd={files['odd']}", "data.size=16"]
    words += ["data.margin=4", "data.fade=4", "data.patches_per_epoch=6", "data.validation=2", "task.net.net.widths=[2,4]"]
    words += ["training.validations=1", "training.precision=32-true", "task.refill=2", "callbacks.last.every_n_train_steps=1"]
    assert cellml("train", *words, "training.max_steps=4", f"hydra.run.dir={tmp_path}/run") == 0
    assert (tmp_path / "run" / "model.ckpt").is_file()
    out = tmp_path / "restored.mrc"
    halves = f"input=[{files['even']},{files['odd']}]"
    assert cellml("infer", f"checkpoint={tmp_path}/run/model.ckpt", halves, f"output={out}", "precision=float32") == 0
    done, given = read_volume(out), read_volume(files["even"])
    assert done.data.shape == SHAPE and done.spacing == given.spacing
    assert np.corrcoef(done.data.ravel(), given.data.ravel())[0, 1] > 0.4


@pytest.mark.parametrize(("wedge", "words"), [((-45, 45, 2), "too strong"), ((-80, 80, 2), "nearly empty")])
def test_a_wedge_that_the_tomogram_does_not_lack_is_refused_before_training(
    wedge: tuple[float, ...], words: str, truth: np.ndarray, files: dict[str, str], tmp_path: Path
) -> None:
    make_data(files).setup()
    with pytest.raises(CellmlError, match=f"{words}.*data.wedge"):
        path = tmp_path / "tomogram.mrc"
        write_volume(Volume(truth if words == "too strong" else read_volume(files["even"]).data, (5.0, 5.0, 5.0)), path)
        SelfWedgeDataModule(path=str(path), wedge=wedge, size=16).setup()


def test_a_tilt_series_is_not_taken_for_a_tomogram(tmp_path: Path) -> None:
    write_tilts(TiltSeries(np.ones((11, 8, 8), np.float32), np.arange(-50.0, 51, 10), 5.0), tmp_path / "tilts.mrc")
    with pytest.raises(CellmlError, match="is a tilt series.*half=even"):
        SelfWedgeDataModule(path=str(tmp_path / "tilts.mrc"), size=8, margin=0, fade=1).setup()
