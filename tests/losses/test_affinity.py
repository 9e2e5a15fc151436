from __future__ import annotations

import math

import pytest
import torch

from cellml.losses.affinity import BalancedBinaryLoss


def slow_loss(logits: torch.Tensor, target: torch.Tensor, mask: torch.Tensor, max_weight: float = 10.0) -> float:
    """The same numbers, voxel by voxel."""
    total = 0.0
    for sample in range(logits.shape[0]):
        for channel in range(logits.shape[1]):
            x, y, m = (t[sample, channel].flatten().tolist() for t in (logits, target, mask))
            known = [i for i in range(len(x)) if m[i]]
            share = sum(y[i] for i in known) / max(1, len(known))
            entropy = weights = overlap = sizes = 0.0
            for i in known:
                probability = 1 / (1 + math.exp(-x[i]))
                weight = min(max_weight, 0.5 / max(share if y[i] else 1 - share, 1e-6))
                entropy -= weight * math.log(probability if y[i] else 1 - probability)
                weights += weight
                overlap += (1 - probability) * (1 - y[i])
                sizes += (1 - probability) + (1 - y[i])
            total += entropy / max(1.0, weights) + 1 - (2 * overlap + 1) / (sizes + 1)
    return total / (logits.shape[0] * logits.shape[1])


@pytest.fixture
def case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((2, 3, 3, 4, 5), generator=generator) * 3
    target = (torch.rand(logits.shape, generator=generator) < 0.9).float()
    mask = torch.rand(logits.shape, generator=generator) < 0.7
    return logits, target, mask


def test_agrees_with_the_slow_twin(case: tuple) -> None:
    assert float(BalancedBinaryLoss()(*case).total) == pytest.approx(slow_loss(*case), rel=1e-5)


def test_masked_voxels_have_no_influence(case: tuple) -> None:
    logits, target, mask = case
    loss = BalancedBinaryLoss()
    other_logits, other_target = torch.where(mask, logits, 50.0).requires_grad_(), torch.where(mask, target, 1 - target)
    record = loss(other_logits, other_target, mask)
    assert torch.equal(record.total.detach(), loss(logits, target, mask).total)
    record.total.backward()
    assert other_logits.grad is not None and not other_logits.grad[~mask].any() and other_logits.grad[mask].all()


def test_an_empty_mask_gives_zero_and_no_nan(case: tuple) -> None:
    logits, target, mask = case
    logits.requires_grad_()
    record = BalancedBinaryLoss()(logits, target, torch.zeros_like(mask))
    record.total.backward()
    assert record.total.item() == 0.0 and logits.grad is not None and not logits.grad.any()


def test_half_precision_logits_are_computed_in_float32(case: tuple) -> None:
    logits, target, mask = (case[0] * 20).bfloat16(), case[1], case[2]
    record = BalancedBinaryLoss()(logits, target, mask)
    assert record.total.dtype == torch.float32
    assert torch.equal(record.total, BalancedBinaryLoss()(logits.float(), target, mask).total)


def test_both_classes_carry_the_same_weight() -> None:
    target = torch.zeros(1, 1, 1, 1, 8)
    target[..., 0] = 1
    flat = torch.zeros_like(target).requires_grad_()
    BalancedBinaryLoss(dice=0.0)(flat, target, torch.ones_like(target)).total.backward()
    assert flat.grad is not None
    assert float(flat.grad[target == 1].sum()) == pytest.approx(-float(flat.grad[target == 0].sum()))


def test_a_batch_is_the_mean_of_its_samples(case: tuple) -> None:
    loss = BalancedBinaryLoss()
    alone = [loss(*(t[i : i + 1] for t in case)).total for i in range(2)]
    torch.testing.assert_close(loss(*case).total, torch.stack(alone).mean())


def test_a_sure_and_right_answer_costs_nothing(case: tuple) -> None:
    _, target, mask = case
    assert float(BalancedBinaryLoss()(100 * (2 * target - 1), target, mask).total) == pytest.approx(0, abs=1e-5)
