"""The loss of rotated wedges: Parseval, what counts, and what does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.losses.removed_wedge import RemovedWedgeLoss, spectrum
from cellml.tasks.removed_wedge import RemovedWedge
from cellml.tomography.rotation import random_rotation


def pictures(size: int = 12, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    first, second = torch.randn(2, batch, 1, size, size, size, generator=torch.Generator().manual_seed(0))
    return first, second


def rotations(batch: int = 2) -> torch.Tensor:
    return torch.stack([torch.from_numpy(random_rotation(np.random.default_rng(n))) for n in range(batch)]).float()


@pytest.mark.parametrize("size", [12, 9])
def test_half_a_spectrum_holds_all_the_power(size: int) -> None:
    image, _ = pictures(size)
    assert spectrum(image).sum((-3, -2, -1)) == pytest.approx(image.square().sum((-3, -2, -1)), rel=1e-5)


def test_with_everything_measured_it_is_the_mean_squared_error() -> None:
    output, target = pictures()
    all_of_it = torch.ones(1, 1, 12, 12, 7)
    record = RemovedWedgeLoss(2.0)(output, target, torch.ones_like(target), all_of_it, all_of_it)
    assert float(record.total) == pytest.approx(float((output - target).square().mean()), rel=1e-5)
    assert float(record.parts["removed"]) == 0


def test_the_parts_agree_with_a_full_transform_in_double_precision() -> None:
    (output, target), target_of = pictures(), RemovedWedge((-50, 40, 2), edge=2.0)
    kept, known = target_of.masks(rotations(), 12)
    record = RemovedWedgeLoss(3.0)(output, target, torch.ones_like(target), kept, known)
    error, expected = np.fft.rfftn((output - target).double().numpy(), axes=(-3, -2, -1)), np.zeros(2)
    full = np.concatenate([np.abs(error) ** 2, np.abs(error[..., 1:6]) ** 2], axis=-1) / 12**6  # the conjugates' magnitudes
    for row, mask in enumerate((kept * known, (1 - kept) * known)):
        values = np.broadcast_to(mask.double().numpy(), error.shape)
        expected[row] = (full * np.concatenate([values, values[..., 1:6]], axis=-1)).sum() / 2
    assert [float(record.parts["measured"]), float(record.parts["removed"])] == pytest.approx(expected, rel=1e-4)
    assert float(record.total) == pytest.approx(expected[0] + 3 * expected[1], rel=1e-4)


def test_what_the_target_did_not_measure_and_what_lies_outside_the_window_costs_nothing() -> None:
    (output, target), target_of = pictures(), RemovedWedge()
    kept, known = target_of.masks(rotations(), 12)
    known = (known > 0.5).float()
    axes = (-3, -2, -1)
    unmeasured = torch.fft.irfftn(torch.fft.rfftn(output, dim=axes) * (1 - known), s=(12, 12, 12), dim=axes)
    everywhere = RemovedWedgeLoss()(target + unmeasured, target, torch.ones_like(target), kept, known)
    assert float(everywhere.total) < 0.05 * float(unmeasured.square().mean())  # coefficients at −1/2 and +1/2 are not both in the mask
    window = torch.zeros_like(target)
    window[..., 3:9, 3:9, 3:9] = 1
    changed = torch.where(window > 0, target, output)
    assert float(RemovedWedgeLoss()(changed, target, window, kept, known).total) == 0


def test_a_block_wholly_outside_the_volume_gives_zero_and_a_finite_gradient() -> None:
    output, target = pictures()
    kept, known = RemovedWedge().masks(rotations(), 12)
    output.requires_grad_(True)
    loss = RemovedWedgeLoss()(output, target, torch.zeros_like(target), kept, known).total
    loss.backward()
    assert float(loss.detach()) == 0 and output.grad is not None and torch.isfinite(output.grad).all()
