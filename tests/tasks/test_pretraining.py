from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cellml.checkpoint import read
from cellml.tasks.hidden import HiddenBlocks
from cellml.tasks.pretraining import HiddenVoxelError, MaskedVolumeTask

Command = Callable[..., int]


class Constant(nn.Module):
    """Answers `value` everywhere and keeps what it saw."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value, self.seen = nn.Parameter(torch.tensor(value)), []

    def forward(self, image: Tensor) -> Tensor:
        self.seen.append(image.clone())
        return image * 0 + self.value


def task(value: float = 2.0) -> MaskedVolumeTask:
    return MaskedVolumeTask(Constant(value), HiddenBlocks((1, 2, 2), 0.5), HiddenVoxelError(), torch.optim.SGD)


def test_the_network_never_sees_what_it_is_judged_on() -> None:
    one, image = task(), torch.rand(2, 1, 4, 8, 8) + 1
    loss = one.loss_of({"image": image}).total.detach()
    (seen,) = one.net.seen
    hidden = seen == 0
    assert 0.3 < hidden.float().mean() < 0.7 and torch.equal(seen[~hidden], image[~hidden])
    assert float(loss) == pytest.approx(float((2 - image[hidden]).abs().mean()), rel=1e-5)


def test_every_batch_of_a_step_hides_other_voxels_and_the_same_step_the_same() -> None:
    image = torch.ones(1, 1, 4, 8, 8)
    one, two = task(), task()
    for which in (one, two):
        for _ in range(2):
            which.loss_of({"image": image})
    assert torch.equal(one.net.seen[1], two.net.seen[1]) and not torch.equal(one.net.seen[0], one.net.seen[1])


def test_validation_explains_nothing_by_answering_the_mean_and_everything_by_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, float] = {}
    for name, value in (("mean", 0.0), ("truth", 3.0)):
        one = task(value)
        monkeypatch.setattr(one, "log", lambda key, number, name=name, **_: found.update({f"{name} {key}": float(number)}))
        one.on_validation_epoch_start()
        one.validation_step({"image": torch.full((1, 4, 8, 8), 3.0)}, 0)
        one.on_validation_epoch_end()
    assert found == pytest.approx({"mean val/loss": 3, "mean val/explained": 0, "truth val/loss": 0, "truth val/explained": 1}, abs=1e-6)


def test_pretraining_on_images_alone_gives_a_start_for_segmentation(
    cellml: Command, tiny: Callable[..., list[str]], phantom_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np

    from cellml.initialisation import initialise
    from cellml.losses.semantic import SemanticLoss
    from cellml.nets.unet import UNet
    from cellml.tasks.segmentation import SegmentationTask
    from cellml.tasks.targets import SemanticTarget

    content = np.load(phantom_file)
    np.savez(tmp_path / "raw.npz", raw=content["raw"], voxel_nm=content["voxel_nm"])
    recipe = ("data=fib25", "task=pretraining", "data.need_labels=false", "task.target.block=[2,4,4]")
    words = [w for w in tiny(tmp_path / "run", recipe=recipe) if not w.startswith("data.path=")]
    assert cellml("train", *words, f"data.path={tmp_path / 'raw.npz'}") == 0
    content = read(tmp_path / "run/model.ckpt")
    assert np.isfinite(content["cellml"]["metrics"]["val/explained"])
    target = SegmentationTask(UNet(out_channels=3, widths=(2, 4)), SemanticTarget(["a", "b", "c"]), SemanticLoss(), torch.optim.SGD)
    initialise(target, str(tmp_path / "run/model.ckpt"))
    assert torch.equal(target.net.encoder[0].conv.unit0.conv.weight, content["state_dict"]["net.encoder.0.conv.unit0.conv.weight"])
    assert cellml("infer", f"checkpoint={tmp_path / 'run/model.ckpt'}", f"input={phantom_file}", f"output={tmp_path / 'o.tif'}") == 2
    assert "was pretrained to guess hidden voxels" in capsys.readouterr().err


def test_the_error_is_that_of_hidden_voxels_alone() -> None:
    hidden = torch.zeros(1, 1, 1, 2, 2, dtype=torch.bool)
    hidden[..., 0, :] = True
    output, image = torch.tensor([[1.0, 2.0], [9.0, 9.0]]), torch.tensor([[0.0, 4.0], [0.0, 0.0]])
    assert HiddenVoxelError()(output.expand(1, 1, 1, 2, 2), image.expand(1, 1, 1, 2, 2), hidden).total == 1.5
    assert HiddenVoxelError()(output.expand(1, 1, 1, 2, 2), image.expand(1, 1, 1, 2, 2), hidden & False).total == 0
