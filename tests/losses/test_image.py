from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.losses.image import ImageLoss, LaplaceLoss


def sample(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    output, target = (torch.randn(2, 3, 2, 4, 5, generator=generator) for _ in range(2))
    return output, target, torch.rand(2, 3, 2, 4, 5, generator=generator) > 0.3


def test_is_the_mean_over_known_voxels_of_each_sample_and_channel() -> None:
    output, target, mask = sample()
    record = ImageLoss(absolute=2.0, squared=0.5)(output, target, mask)
    each = [(output - target)[b, c][mask[b, c]] for b in range(2) for c in range(3)]
    absolute, squared = (sum(f(e).mean() for e in each) / 6 for f in (torch.abs, torch.square))
    assert record.total == pytest.approx(float(2 * absolute + 0.5 * squared), rel=1e-6)
    assert record.parts["absolute"] == pytest.approx(float(absolute), rel=1e-6)


def test_channel_weights_choose_among_channels() -> None:
    output, target, mask = sample()
    only = ImageLoss(channel_weights=[0.0, 2.0, 0.0])(output, target, mask).total
    assert only == pytest.approx(float(ImageLoss()(output[:, 1:2], target[:, 1:2], mask[:, 1:2]).total), rel=1e-6)


def test_nothing_known_gives_zero_and_no_gradient() -> None:
    output, target, mask = sample()
    output.requires_grad_()
    total = ImageLoss()(output, target, torch.zeros_like(mask)).total
    total.backward()
    assert total == 0 and not output.grad.any()


def test_laplace_loss_is_the_negative_log_likelihood() -> None:
    output, target, mask = sample()
    scale = torch.linspace(-1, 1, 2 * 3 * 2 * 4 * 5).reshape(output.shape)
    density = torch.distributions.Laplace(output, scale.exp())
    each = [-density.log_prob(target)[b, c][mask[b, c]].mean() for b in range(2) for c in range(3)]
    record = LaplaceLoss()(torch.cat([output, scale], 1), target, mask)
    assert record.total == pytest.approx(float(sum(each) / 6), rel=1e-5)


def test_laplace_scale_is_learned_as_the_mean_absolute_error() -> None:
    target = torch.distributions.Laplace(0.0, 0.37).sample((1, 1, 4, 50, 50))
    scale = torch.zeros(1, 1, 1, 1, 1, requires_grad=True)
    optimiser = torch.optim.Adam([scale], lr=0.1)
    for _ in range(120):
        optimiser.zero_grad()
        output = torch.cat([torch.zeros_like(target), scale.expand_as(target)], 1)
        LaplaceLoss()(output, target, torch.ones_like(target)).total.backward()
        optimiser.step()
    assert float(scale.detach().exp()) == pytest.approx(float(target.abs().mean()), rel=1e-2)


def test_laplace_loss_needs_two_outputs_a_channel() -> None:
    output, target, mask = sample()
    with pytest.raises(CellmlError, match=r"two outputs for each of the 3 channels, got 3; .*scale=true"):
        LaplaceLoss()(output, target, mask)
