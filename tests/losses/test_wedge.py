"""The loss of wedge repair: what lies in the wedge counts there, what was measured does not, shells count alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.losses.wedge import WedgeLoss, apodised, wedge_shells
from cellml.metrics.wedge_correlation import apodised as apodised_array

WEDGE = torch.tensor([[-60.0, 60.0, 2.0]])


def wave(kz: int, kx: int, size: int = 24) -> torch.Tensor:
    """cos 2π (k_z z + k_x x) / size on a cube, (1, 1, Z, Y, X)."""
    z, _, x = torch.meshgrid(*[torch.arange(size)] * 3, indexing="ij")
    return torch.cos(2 * torch.pi * (kz * z + kx * x) / size)[None, None]


def test_plain_errors_by_hand() -> None:
    output, target = torch.full((1, 1, 8, 8, 8), 3.0), torch.full((1, 1, 8, 8, 8), 1.0)
    record = WedgeLoss(absolute=0.5, squared=2.0)(output, target, WEDGE)
    assert record.total.item() == pytest.approx(0.5 * 2 + 2.0 * 4) and "fourier" not in record.parts


def test_only_the_wedge_counts_in_the_fourier_part() -> None:
    loss, target = WedgeLoss(squared=0.0, fourier=1.0), torch.randn(1, 1, 24, 24, 24, generator=torch.Generator().manual_seed(0))
    assert loss(target, target, WEDGE).total.item() == pytest.approx(0, abs=1e-9)
    inside, beside = (loss(target + wave(*k), target, WEDGE).total.item() for k in ((6, 0), (0, 6)))
    assert inside > 1000 * beside and inside > 0.1


def test_an_empty_wedge_has_a_relative_error_of_one_in_every_shell() -> None:
    """Answering 0 is wrong by the truth's own power, whatever the spectrum."""
    noise = torch.randn(1, 1, 24, 24, 24, generator=torch.Generator().manual_seed(0))
    for target in (noise, torch.nn.functional.avg_pool3d(noise, 3, 1, 1)):
        assert WedgeLoss(squared=0.0, fourier=1.0)(torch.zeros_like(target), target, WEDGE).total.item() == pytest.approx(1.0, rel=1e-4)


def test_the_gradient_reaches_the_wedge_alone() -> None:
    target = torch.randn(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    output = torch.zeros_like(target).requires_grad_(True)
    WedgeLoss(squared=0.0, fourier=1.0)(output, target, WEDGE).total.backward()
    assert output.grad is not None and bool(output.grad.isfinite().all())
    power = torch.fft.rfftn(output.grad[0, 0]).abs().square()
    assert power[5, :, 0].sum() > 100 * power[0, :, 5].sum()


def test_the_window_is_the_metrics_window() -> None:
    volume = np.random.default_rng(0).standard_normal((6, 7, 8)).astype(np.float32)
    assert np.allclose(apodised(torch.from_numpy(volume)).numpy(), apodised_array(volume), atol=1e-6)


def test_shells_number_the_wedge() -> None:
    shell, count = wedge_shells((16, 16, 16), -60, 60, 2, 8)
    numbers = shell.reshape(16, 16, 9)
    assert count == 8 and numbers[4, 0, 0] == 4 and numbers[0, 0, 4] == 8 and numbers[0, 0, 0] == 8


def test_weights_that_mean_nothing_are_refused() -> None:
    with pytest.raises(CellmlError, match="squared=0"):
        WedgeLoss(squared=0.0)
