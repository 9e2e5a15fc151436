from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from cellml.losses.semantic import SemanticLoss


def slow_loss(logits: torch.Tensor, target: torch.Tensor, mask: torch.Tensor, class_weights: list[float]) -> float:
    total, classes = 0.0, logits.shape[1]
    for sample in range(len(logits)):
        x, y, m = (t[sample].flatten(1).T.tolist() for t in (logits, target, mask))
        entropy = weights = 0.0
        overlap, sizes = [0.0] * classes, [0.0] * classes
        for values, truth, known in zip(x, y, m, strict=True):
            if not known[0]:
                continue
            norm = sum(math.exp(v) for v in values)
            for k in range(classes):
                probability = math.exp(values[k]) / norm
                entropy -= class_weights[k] * truth[k] * math.log(probability)
                weights += class_weights[k] * truth[k]
                overlap[k] += probability * truth[k]
                sizes[k] += probability + truth[k]
        dice = sum(1 - (2 * o + 1) / (s + 1) for o, s in zip(overlap, sizes, strict=True)) / classes
        total += entropy / max(weights, 1e-6) + dice
    return total / len(logits)


@pytest.fixture
def case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn((2, 3, 3, 4, 5), generator=generator)
    numbers = torch.randint(0, 3, (2, 3, 4, 5), generator=generator)
    mask = torch.rand((2, 1, 3, 4, 5), generator=generator) < 0.7
    return logits, functional.one_hot(numbers, 3).permute(0, 4, 1, 2, 3).float(), mask


@pytest.mark.parametrize("weights", [None, [0.2, 1.0, 3.0]])
def test_agrees_with_the_slow_twin(case: tuple, weights: list[float] | None) -> None:
    assert float(SemanticLoss(class_weights=weights)(*case).total) == pytest.approx(slow_loss(*case, weights or [1.0] * 3), rel=1e-5)


def test_masked_voxels_have_no_influence(case: tuple) -> None:
    logits, target, mask = case
    loss = SemanticLoss()
    changed = torch.where(mask, logits, logits.flip(1) + 9).requires_grad_()
    record = loss(changed, torch.where(mask, target, target.flip(1)), mask)
    assert torch.equal(record.total.detach(), loss(logits, target, mask).total)
    record.total.backward()
    hidden = ~mask.expand_as(logits)
    assert changed.grad is not None and not changed.grad[hidden].any() and changed.grad[~hidden].any()


def test_an_empty_mask_gives_zero_and_no_nan(case: tuple) -> None:
    record = SemanticLoss()(case[0], case[1], torch.zeros_like(case[2]))
    assert float(record.total) == 0.0


def test_half_precision_logits_are_computed_in_float32(case: tuple) -> None:
    logits = (case[0] * 20).bfloat16()
    record = SemanticLoss()(logits, *case[1:])
    assert record.total.dtype == torch.float32
    assert torch.equal(record.total, SemanticLoss()(logits.float(), *case[1:]).total)


def test_a_batch_is_the_mean_of_its_samples(case: tuple) -> None:
    loss = SemanticLoss(class_weights=[1.0, 2.0, 0.5])
    alone = [loss(*(t[i : i + 1] for t in case)).total for i in range(2)]
    torch.testing.assert_close(loss(*case).total, torch.stack(alone).mean())
