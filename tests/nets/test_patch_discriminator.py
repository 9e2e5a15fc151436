"""The patch critic: one score a patch, layers whose largest singular value is 1."""

from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.nets.patch_discriminator import PatchDiscriminator


@pytest.mark.parametrize("dimensions", [2, 3])
def test_one_score_for_each_patch(dimensions: int) -> None:
    critic = PatchDiscriminator(1, (2, 4), dimensions)
    assert critic(torch.randn(3, 1, *[16] * dimensions)).shape == (3, 1, *[4] * dimensions)


def test_layers_have_a_largest_singular_value_of_one() -> None:
    torch.manual_seed(0)
    critic = PatchDiscriminator(1, (8, 16), 3).train()
    for parameter in critic.parameters():
        parameter.data.mul_(7.0)
    for _ in range(150):
        critic(torch.randn(1, 1, 8, 8, 8))
    critic.eval()
    for layer in critic.layers:
        if hasattr(layer, "weight"):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1.0, abs=0.02)


def test_without_spectral_norm_weights_are_their_own() -> None:
    assert all("original" not in name for name, _ in PatchDiscriminator(1, (2,), 2, spectral=False).named_parameters())


def test_what_it_cannot_judge_is_refused() -> None:
    with pytest.raises(CellmlError, match="at least 4 voxels"):
        PatchDiscriminator(1, (2, 4), 3)(torch.zeros(1, 1, 8, 3, 8))
    with pytest.raises(CellmlError, match="widths above 0"):
        PatchDiscriminator(1, (), 3)
