"""Blind-spot denoising: what is hidden, what is judged, and that noise goes away without a clean image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.phantom import em_phantom
from cellml.errors import CellmlError
from cellml.losses.image import ImageLoss
from cellml.nets.unet import UNet
from cellml.tasks.blind_spots import BlindSpots
from cellml.tasks.denoising import BlindSpotTask

Command = Callable[..., int]


def numbered(shape: tuple[int, ...] = (2, 1, 8, 12, 14)) -> torch.Tensor:
    return torch.arange(int(np.prod(shape)), dtype=torch.float32).reshape(shape)


def test_hidden_voxels_show_another_one_near_and_the_rest_stays() -> None:
    image, spots = numbered(), BlindSpots(0.05, (1, 2, 3))
    shown, judged = spots.hide(image, (3, 0))
    assert judged.shape == (2, 1, 8, 12, 14) and judged.sum() == 2 * round(0.05 * 8 * 12 * 14)
    assert torch.equal(shown[~judged], image[~judged]) and (shown[judged] != image[judged]).all()
    for sample, _, z, y, x in judged.nonzero().tolist():
        value = int(shown[sample, 0, z, y, x]) - sample * 8 * 12 * 14
        z2, y2, x2 = np.unravel_index(value, (8, 12, 14))
        assert abs(z2 - z) <= 1 and abs(y2 - y) <= 2 and abs(x2 - x) <= 3


def test_the_seed_decides_what_is_hidden() -> None:
    image, spots = numbered(), BlindSpots()
    assert torch.equal(spots.hide(image, (1, 2))[0], spots.hide(image, (1, 2))[0])
    assert not torch.equal(spots.hide(image, (1, 2))[1], spots.hide(image, (1, 3))[1])


def test_neighbours_that_share_noise_are_replaced_but_not_judged() -> None:
    image = numbered((1, 2, 8, 12, 40))
    shown, judged = BlindSpots(0.002, (1, 2, 8), structure=(0, 0, 2), channels=2).hide(image, (0,))
    changed = (shown != image).any(dim=1, keepdim=True)
    along = torch.nn.functional.max_pool3d(judged.float(), (1, 1, 5), 1, (0, 0, 2)) > 0
    assert (changed & ~along).sum() == 0 and (changed & along).sum() >= 0.9 * along.sum() and judged.sum() < along.sum()


def test_single_sections_and_borders_have_neighbours_too() -> None:
    image = numbered((1, 1, 1, 6, 6))
    shown, judged = BlindSpots(0.5, (2, 1, 1)).hide(image, (0,))
    assert judged.sum() == 18 and (shown[judged] != image[judged]).all()


@pytest.mark.parametrize("more", [{"share": 0.0}, {"share": 0.9}, {"radius": (0, 0, 0)}, {"structure": (0, 0, -1)}])
def test_numbers_that_mean_nothing_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(CellmlError, match="target"):
        BlindSpots(**more)


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    return float(10 * np.log10(np.ptp(truth) ** 2 / np.mean((image - truth) ** 2)))


def test_a_short_training_gains_decibels_on_noise_whose_truth_it_never_saw() -> None:
    from cellml.imaging.repairs.smoothing import Gaussian

    torch.manual_seed(0)
    truth = Gaussian(7.0)(em_phantom((32, 40, 40), seed=2)[0].data, (10.0, 10.0, 10.0))
    truth = (truth - truth.mean()) / truth.std()
    noisy = (truth + np.random.default_rng(0).normal(0, 1.0, truth.shape)).astype(np.float32)
    task = BlindSpotTask(UNet(1, 1, (8, 16), stem_stride=1), BlindSpots(0.1), ImageLoss(), lambda p: torch.optim.AdamW(p, lr=1e-2))
    optimizer, rng, steps = task.make_optimizer(task.parameters()), np.random.default_rng(1), 60
    for step in range(steps):
        z, y, x = (int(rng.integers(0, n - 16 + 1)) for n in noisy.shape)
        optimizer.zero_grad()
        task.loss_of({"image": torch.from_numpy(noisy[None, None, z : z + 16, y : y + 16, x : x + 16])}).total.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 - step / steps)
    gain = psnr(task.predict_volume(noisy[None])[0], truth) - psnr(noisy, truth)
    assert gain > 4.0


def test_train_and_infer_write_an_image_in_the_grey_values_of_the_input(cellml: Command, phantom_file: Path, tmp_path: Path) -> None:
    from cellml.io import read_volume

    words = ["data.patch=[16,16,16]", "data.patches_per_epoch=4", "data.guard=4", "data.train=[{region: {z: [0, 20]}}]"]
    words += ["data.val=[{region: {z: [24, 40]}}]", "task.net.widths=[4,8]", "training.max_steps=12", "training.validations=2"]
    words += ["training.precision=32-true", f"hydra.run.dir={tmp_path}/run", f"data.path={phantom_file}"]
    assert cellml("train", "experiment=denoising/fib25", *words) == 0
    out = tmp_path / "denoised.npz"
    assert cellml("infer", f"checkpoint={tmp_path}/run/model.ckpt", f"input={phantom_file}", f"output={out}", "precision=float32") == 0
    done, given = read_volume(out), read_volume(phantom_file)
    assert done.data.dtype == np.float32 and done.data.size == given.data.size
    assert done.data.mean() == pytest.approx(given.data.mean(), abs=0.7 * given.data.std())
