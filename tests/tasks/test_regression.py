"""Images predicted from stacks, end to end: train, infer, and the numbers in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.checkpoint import load
from cellml.io import open_image
from cellml.metrics.correlation import ImageMoments

TINY = (
    "data.train=[{region: {y: [0, 40]}}]", "data.val=[{region: {y: [48, 64]}}]", "data.patch=[1,16,16]", "data.guard=8", "data.batch_size=2",
    "data.patches_per_epoch=4", "task.net.in_channels=3", "task.net.out_channels=2", "task.net.widths=[4,8]", "training.max_steps=60",
    "task.optimizer.lr=0.02", "training.validations=2", "training.precision=32-true",
    "data.transforms=[]", "task.net.stem_stride=1", "task.target.image_channels=[sum,difference]",
)  # fmt: skip


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three planes of noise, and two images that are simple functions of them."""
    planes = np.random.default_rng(0).normal(100, 20, (3, 64, 32)).astype(np.float32)
    path = tmp_path_factory.mktemp("stack") / "stack.npz"
    np.savez(path, raw=planes, sum=planes.sum(0) * 3 + 1000, difference=planes[0] - planes[2], voxel_nm=np.ones(3))
    return path


@pytest.fixture(scope="module")
def trained(stack: Path, cellml: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regression") / "run"
    targets = f"data.targets=[{{name: sum, image: '{stack}:sum'}},{{name: difference, image: '{stack}:difference'}}]"
    words = ["experiment=label_free/isl", f"data.path={stack}:raw", targets, *TINY, f"hydra.run.dir={folder}"]
    assert cellml("train", *words) == 0
    return folder / "model.ckpt"


def test_learns_and_writes_named_channels_in_the_targets_units(
    trained: Path, stack: Path, cellml: Callable[..., int], tmp_path: Path
) -> None:
    model, out = load(trained), tmp_path / "out.npz"
    assert model.record["metrics"]["val/pearson_sum"] > 0.8 and model.record["metrics"]["val/pearson"] > 0.8
    words = [f"checkpoint={trained}", f"input={stack}:raw", "spacing_nm=[1000,1000,1000]", f"output={out}", "precision=float32"]
    assert cellml("infer", *words) == 0
    with open_image(out) as image:
        assert image.axes == "CZYX" and image.channels == ("sum", "difference") and image.dtype == np.float32
        predicted = image.read()
    arrays = np.load(stack)
    truth = np.stack([arrays["sum"], arrays["difference"]])[:, None]
    held_out = ImageMoments.from_images(truth[:, :, 48:], predicted[:, :, 48:])
    assert held_out.pearson()[0] == pytest.approx(model.record["metrics"]["val/pearson_sum"], abs=2e-3)
    assert (held_out.explained_variance() > 0.5).all(), "the predictions are in the targets' own units"


def test_the_logged_correlation_is_that_of_the_whole_block(trained: Path, stack: Path) -> None:
    from cellml.data.paired_module import PairedDataModule

    task: Any = load(trained).task
    data = PairedDataModule(
        train=[{"region": {"y": [0, 40]}}], val=[{"region": {"y": [48, 64]}}], patch=[1, 16, 16], path=f"{stack}:raw", planes_as_channels=True,
        targets=[{"name": name, "image": f"{stack}:{name}"} for name in ("sum", "difference")], spacing_nm=[1000, 1000, 1000],
    )  # fmt: skip
    data.setup()
    (block,) = data.val_dataloader()
    predicted = task.predict_volume(block["image"].numpy())
    r = np.corrcoef(predicted[0].ravel(), block["labels"][0].numpy().ravel())[0, 1]
    assert load(trained).record["metrics"]["val/pearson_sum"] == pytest.approx(r, abs=1e-5)


def test_options_of_labels_are_refused(trained: Path, stack: Path, cellml: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    words = [f"checkpoint={trained}", f"input={stack}:raw", f"output={tmp_path / 'a.npz'}", "spacing_nm=[1000,1000,1000]"]
    assert cellml("infer", *words, "probabilities=true") == 2 and "have no probabilities" in capsys.readouterr().err
    assert cellml("infer", *words, "decode=waterz") == 2 and "have no decoder" in capsys.readouterr().err
