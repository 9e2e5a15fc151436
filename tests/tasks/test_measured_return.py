"""Measured coefficients return: all of a clean reconstruction, nothing of noise, through any filter's gain."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.data.wedge_damage import tilts_of
from cellml.errors import CellmlError
from cellml.tasks.measured_return import MeasuredReturn
from cellml.tomography.wedge import measured_mask

TILTS = tilts_of(-60, 60, 2)
SHAPE = (20, 18, 22)


def fields(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Truth, mask of measured coefficients, and an answer that is wrong by 30 % noise everywhere."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randn(SHAPE, generator=generator)
    mask = torch.from_numpy(measured_mask(SHAPE, TILTS)).expand(20, 18, 12)
    return truth, mask, truth + 0.3 * torch.randn(SHAPE, generator=generator)


def filtered(volume: torch.Tensor, response: torch.Tensor) -> torch.Tensor:
    return torch.fft.irfftn(torch.fft.rfftn(volume) * response, s=SHAPE)


@pytest.mark.parametrize("gain", [1.0, 0.2, 5.0])
def test_a_noise_free_reconstruction_corrects_the_answer_whatever_its_gain(gain: float) -> None:
    truth, mask, answer = fields()
    returned = MeasuredReturn().one(answer, gain * filtered(truth, mask.float()), TILTS)
    before, after = (torch.fft.rfftn(v - truth)[mask].abs().square().sum() for v in (answer, returned))
    assert after < 0.15 * before
    assert torch.allclose(torch.fft.rfftn(returned)[~mask], torch.fft.rfftn(answer)[~mask], atol=1e-3)


def test_a_reconstruction_of_noise_changes_nothing() -> None:
    _, _, answer = fields()
    noise = 10 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(5))
    returned = MeasuredReturn(shells=4).one(answer, noise, TILTS)
    assert float((returned - answer).std()) < 0.25 * float(answer.std())


def test_weights_are_wieners() -> None:
    """Noise of the signal's own power: SNR 1, weight 1/2."""
    truth, mask, _ = fields()
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(7))
    gain, weight = MeasuredReturn(shells=1).gain_and_weight(torch.fft.rfftn(truth), torch.fft.rfftn(truth + noise), SHAPE, TILTS)
    kz, kx = np.fft.fftfreq(20)[:, None], np.fft.rfftfreq(22)[None]
    inside = mask & torch.from_numpy((kz**2 + kx**2 < 0.2)[:, None]) & (weight > 0)
    assert weight[inside].median().item() == pytest.approx(0.5, abs=0.05) and gain[inside].median().item() == pytest.approx(1.0, abs=0.1)


def test_the_layer_is_differentiable_and_can_be_turned_off() -> None:
    truth, mask, answer = fields()
    answer = answer[None, None].requires_grad_(True)
    image = filtered(truth, mask.float())[None, None]
    wedge = torch.tensor([[-60.0, 60.0, 2.0]])
    MeasuredReturn()(answer, image, wedge).square().sum().backward()
    assert answer.grad is not None and bool(answer.grad.isfinite().all()) and float(answer.grad.abs().sum()) > 0
    assert torch.allclose(MeasuredReturn(strength=0.0)(answer, image, wedge), answer, atol=1e-5)
    with pytest.raises(CellmlError, match="strength"):
        MeasuredReturn(strength=2.0)
