from __future__ import annotations

import pytest
import torch

from cellml.losses.semantic import SemanticLoss
from cellml.tasks.deep_supervision import supervised_loss

LOSS = SemanticLoss()
TARGET = torch.nn.functional.one_hot(torch.arange(8).reshape(1, 2, 2, 2) % 3, 3).permute(0, 4, 1, 2, 3).float()
MASK = torch.ones(1, 1, 2, 2, 2, dtype=torch.bool)
ANSWERS = [torch.randn(1, 3, 2, 2, 2, generator=torch.Generator().manual_seed(n)) for n in range(3)]


def test_one_answer_is_an_ordinary_loss() -> None:
    assert supervised_loss(LOSS, ANSWERS[0], TARGET, MASK).total == LOSS(ANSWERS[0], TARGET, MASK).total


@pytest.mark.parametrize("weights", [None, [1.0, 0.5, 0.25], [3.0, 1.0, 0.0]])
def test_several_answers_give_the_weighted_mean_and_the_parts_of_the_first(weights: list[float] | None) -> None:
    record, single = supervised_loss(LOSS, ANSWERS, TARGET, MASK, weights), [float(LOSS(a, TARGET, MASK).total) for a in ANSWERS]
    w = weights or [1, 0.5, 0.25]
    assert float(record.total) == pytest.approx(sum(a * b for a, b in zip(w, single, strict=True)) / sum(w))
    assert float(record.parts["auxiliary"]) == pytest.approx((w[1] * single[1] + w[2] * single[2]) / (w[1] + w[2]))
    assert record.parts["dice"] == LOSS(ANSWERS[0], TARGET, MASK).parts["dice"]


def test_answers_stacked_as_monai_does_are_the_same() -> None:
    stacked = supervised_loss(LOSS, torch.stack(ANSWERS, dim=1), TARGET, MASK)
    assert stacked.total == supervised_loss(LOSS, ANSWERS, TARGET, MASK).total
