from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from cellml.losses.organelle import OrganelleLoss, binary_parts


def sample(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 2, 4, 5, generator=generator)
    target = (torch.rand(2, 3, 2, 4, 5, generator=generator) > 0.7).float()
    target[:, 2] = torch.rand(2, 2, 4, 5, generator=generator)
    return logits, target, torch.rand(2, 3, 2, 4, 5, generator=generator) > 0.2


def test_parts_are_the_formulas() -> None:
    logits, target, mask = sample()
    parts = OrganelleLoss()(logits, target, mask).parts
    distance, foreground = [], []
    for b in range(2):
        keep = mask[b, 2]
        distance.append((torch.tanh(logits[b, 2] / 2) - (2 * target[b, 2] - 1))[keep].square().mean())
        x, y = logits[b, 0][mask[b, 0]], target[b, 0][mask[b, 0]]
        p = torch.sigmoid(x)
        entropy = functional.binary_cross_entropy(p, y)
        foreground.append(entropy + 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1))
    assert parts["distance"] == pytest.approx(float(sum(distance) / 2), rel=1e-5)
    assert parts["foreground"] == pytest.approx(float(sum(foreground) / 2), rel=1e-5)


def test_total_weighs_the_parts_and_perfection_costs_nothing() -> None:
    logits, target, mask = sample()
    record = OrganelleLoss(foreground=0.5, boundary=2.0, distance=3.0)(logits, target, mask)
    parts = record.parts
    assert record.total == pytest.approx(float(0.5 * parts["foreground"] + 2 * parts["boundary"] + 3 * parts["distance"]), rel=1e-6)
    perfect = torch.where(target > 0.5, 30.0, -30.0)
    perfect[:, 2] = torch.logit(target[:, 2])
    assert OrganelleLoss()(perfect, target, mask).total == pytest.approx(0, abs=1e-4)


def test_rare_boundary_voxels_carry_half_of_the_weight() -> None:
    target = torch.zeros(1, 1, 10, 10)
    target[0, 0, 0, :5] = 1
    weight = OrganelleLoss(max_weight=100)._balance(target, torch.ones_like(target))
    assert weight[target > 0].sum() == pytest.approx(float(weight[target == 0].sum()))
    assert OrganelleLoss(max_weight=3)._balance(target, torch.ones_like(target)).max() == 3


def test_what_is_unknown_has_no_gradient() -> None:
    logits, target, mask = sample()
    logits.requires_grad_()
    OrganelleLoss()(logits, target, mask).total.backward()
    assert not logits.grad[~mask].any() and logits.grad[mask].any()
    nothing = binary_parts(logits[:, 0], target[:, 0], torch.zeros(2, 2, 4, 5), torch.ones(2, 2, 4, 5))
    assert nothing == 0
