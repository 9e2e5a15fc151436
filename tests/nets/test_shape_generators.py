"""Networks that make or judge shapes: their shapes, what they may see, and messages for grids that do not fit."""

from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.nets.information_reader import InformationReader
from cellml.nets.stacked_generator import StackedGenerator
from cellml.nets.volume_discriminator import VolumeDiscriminator
from cellml.nets.volume_generator import VolumeGenerator, beside


def test_a_code_becomes_a_grid_and_a_size() -> None:
    torch.manual_seed(0)
    net = VolumeGenerator(5, (16, 8, 24), (8, 4))
    made = net(torch.randn(3, 5))
    assert made.shape == (3, 2, 16, 8, 24)
    assert made[:, 0].abs().max() < 1
    sizes = made[:, 1].flatten(1)
    assert torch.equal(sizes.min(dim=1).values, sizes.max(dim=1).values)
    assert sizes[:, 0].std() > 0


def test_a_generator_starts_at_the_mean_of_the_shapes() -> None:
    torch.manual_seed(0)
    net = VolumeGenerator(5, (8, 8, 8), (8,))
    grids = torch.rand(6, 1, 8, 8, 8) - 0.5
    net.start(grids)
    with torch.no_grad():
        for parameter in net.layers[-1].parameters():
            parameter.zero_()
        torch.testing.assert_close(net(torch.randn(3, 5))[:, :1], grids.mean(dim=0, keepdim=True).expand(3, -1, -1, -1, -1))


def test_numbers_beside_a_grid_are_constant_channels() -> None:
    shown = beside(torch.zeros(2, 1, 2, 2, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert shown[:, 1:, 0, 1, 0].tolist() == [[1, 2], [3, 4]]
    assert shown.shape == (2, 3, 2, 2, 2)


def test_the_score_is_linear_in_the_features() -> None:
    torch.manual_seed(0)
    critic = VolumeDiscriminator(3, (8, 16, 8), (4, 6))
    image = torch.randn(2, 3, 8, 16, 8)
    assert critic.features(image).shape == (2, critic.width) == (2, 6 * 2 * 4 * 2)
    torch.testing.assert_close(critic(image), critic.features(image) @ critic.score.weight.T + critic.score.bias)


def test_spectral_layers_have_a_largest_singular_value_of_one() -> None:
    torch.manual_seed(0)
    critic = VolumeDiscriminator(1, (8, 8, 8), (4,), spectral=True)
    for _ in range(100):  # power iterations, a step of which each forward pass in training takes
        critic(torch.randn(1, 1, 8, 8, 8))
    weight = critic.layers[0].weight.flatten(1)
    assert torch.linalg.svdvals(weight)[0].item() == pytest.approx(1.0, abs=1e-2)


def test_the_second_stage_starts_as_the_doubled_first() -> None:
    torch.manual_seed(0)
    net = StackedGenerator(4, (8, 8, 16), (6,), width=4).eval()
    codes = torch.randn(2, 4)
    coarse = net.coarse(codes)
    assert coarse.shape == (2, 2, 4, 4, 8)
    doubled = torch.nn.functional.interpolate(coarse[:, :1], scale_factor=2, mode="trilinear")
    torch.testing.assert_close(net(codes)[:, :1], doubled, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(net(codes)[:, 1, 0, 0, 0], coarse[:, 1, 0, 0, 0])


def test_information_codes_are_one_hot_and_uniform() -> None:
    reader = InformationReader(7, categories=3, continuous=2)
    codes = reader.drawn(4000, torch.Generator().manual_seed(0))
    assert codes.shape == (4000, 5)
    torch.testing.assert_close(codes[:, :3].sum(dim=1), torch.ones(4000))
    assert codes[:, :3].mean(dim=0).tolist() == pytest.approx([1 / 3] * 3, abs=0.04)
    assert codes[:, 3:].var(dim=0).tolist() == pytest.approx([1 / 3] * 2, abs=0.02)
    category, means = reader(torch.randn(6, 7))
    assert (category.shape, means.shape) == ((6, 3), (6, 2))


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(CellmlError, match="multiples of 4"):
        VolumeGenerator(4, (10, 8, 8), (8, 4))
    with pytest.raises(CellmlError, match="multiples of 8"):
        VolumeDiscriminator(2, (8, 8, 12), (2, 2, 2))
    with pytest.raises(CellmlError, match=r"critic\.channels=5"):
        VolumeDiscriminator(2, (8, 8, 8), (2,))(torch.zeros(1, 5, 8, 8, 8))
    with pytest.raises(CellmlError, match="1 categories"):
        InformationReader(4, categories=1)
