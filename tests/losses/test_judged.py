"""A repair judged by a trained reader."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cellml.errors import CellmlError
from cellml.losses.judged import JudgedLoss, levelled
from cellml.losses.wedge import WedgeLoss

WEDGE = torch.tensor([[-60.0, 60.0, 2.0]])
READER = Path(__file__).parents[2] / "experiments" / "segmentation_fib25" / "model.ckpt"


@pytest.fixture(scope="module")
def images() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    truth = torch.nn.functional.avg_pool3d(torch.randn(1, 1, 32, 32, 32, generator=generator), 5, 1, 2)
    truth = (truth - truth.mean()) / truth.std()
    return truth, truth + 0.5 * torch.randn(truth.shape, generator=generator)


def test_the_truth_itself_pleases_the_judge(images: tuple[torch.Tensor, torch.Tensor]) -> None:
    loss = JudgedLoss(str(READER), weight=2.0)
    assert loss(images[0], images[0], WEDGE).total.item() == pytest.approx(0, abs=1e-6)


def test_its_part_is_added_and_reaches_the_repair(images: tuple[torch.Tensor, torch.Tensor]) -> None:
    truth, noisy = images
    loss, plain = JudgedLoss(str(READER), weight=2.0, squared=1.0), WedgeLoss(squared=1.0)
    answer = noisy.clone().requires_grad_(True)
    record = loss(answer, truth, WEDGE)
    assert record.parts["judged"] > 0
    assert record.total.item() == pytest.approx(plain(noisy, truth, WEDGE).total.item() + 2 * record.parts["judged"].item(), rel=1e-5)
    record.total.backward()
    assert answer.grad is not None and bool(answer.grad.isfinite().all()) and bool(answer.grad.abs().sum() > 0)


def test_the_readers_weights_are_neither_learned_nor_saved(images: tuple[torch.Tensor, torch.Tensor]) -> None:
    loss = JudgedLoss(str(READER))
    loss(*images, WEDGE)
    loss.train()
    assert not list(loss.parameters()) and not loss.state_dict() and not loss._reader[0].training


def test_grey_scales_do_not_count() -> None:
    output, target = torch.randn(2, 1, 8, 8, 8), torch.randn(2, 1, 8, 8, 8)
    torch.testing.assert_close(levelled(0.3 * output + 5, target), levelled(output, target), rtol=1e-4, atol=1e-4)
    assert bool(levelled(torch.zeros_like(output), target).isfinite().all())


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(CellmlError, match="0 or more"):
        JudgedLoss(str(READER), weight=-1.0)
