from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.infer.predict import SlidingWindow
from cellml.nets.unet import UNet
from cellml.uncertainty.committee import Committee, dropout_layers
from cellml.uncertainty.symmetry import allowed_symmetries

OFFSETS = [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (-2, 0, 0), (0, -2, 0), (0, 0, -2)]


def unet(seed: int = 0, **more: object) -> UNet:
    torch.manual_seed(seed)
    return UNet(out_channels=2, widths=(2, 3), norm="none", stem_stride=1, **more).eval()  # type: ignore[arg-type]


def softmax(x: Tensor) -> Tensor:
    return torch.softmax(x, dim=1)


class Symmetric(nn.Module):
    """A network that cannot tell left from right: a box mean of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.halo, self.multiple = (1, 1, 1), (1, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        mean = functional.avg_pool3d(image, 3, stride=1, padding=1, count_include_pad=False)
        return torch.cat([-mean, mean], dim=1) * self.weight


class PairNet(nn.Module):
    """Equivariant affinities: how alike are the grey values of a pair, from the image alone."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.halo, self.multiple = (2, 2, 2), (1, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        out = []
        for offset in OFFSETS:
            moved = torch.roll(image[:, 0], shifts=tuple(-o for o in offset), dims=(1, 2, 3))
            out.append(2 - (image[:, 0] - moved).abs())
        return torch.stack(out, dim=1) * self.weight


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def test_tta_of_an_equivariant_network_is_the_network() -> None:
    net, image = Symmetric(), noise(1, 1, 7, 8, 9)
    committee = Committee([net], softmax, exclusive=True, symmetries=allowed_symmetries((1, 1, 1)))
    with torch.inference_mode():
        answer, alone = committee(image), softmax(net(image))
    assert committee.members == 48
    torch.testing.assert_close(answer[:, :2], alone)
    assert float(answer[:, 2].max()) < 1e-10  # no member disagrees
    assert torch.equal(answer[:, 3:], answer[:, 3:].clamp(0, 1))


def test_tta_of_equivariant_affinities_is_the_network() -> None:
    net, image = PairNet(), noise(1, 1, 6, 7, 8)
    symmetries = allowed_symmetries((1, 1, 1), offsets=OFFSETS)
    committee = Committee([net], torch.sigmoid, exclusive=False, symmetries=symmetries, offsets=OFFSETS)
    with torch.inference_mode():
        answer, alone = committee(image), torch.sigmoid(net(image))
    assert committee.members == 48 and committee.shift == (2, 2, 2)
    torch.testing.assert_close(answer[:, :6], alone)
    assert float(answer[:, 6].max()) < 1e-10


def test_a_network_that_is_not_equivariant_is_averaged_over_its_orientations() -> None:
    """The slow twin: mean and sample variance of the answers to each flipped image."""
    net, image = unet(), noise(1, 1, 6, 8, 8)
    symmetries = allowed_symmetries((30, 10, 10), net.multiple)
    with torch.inference_mode():
        answer = Committee([net], softmax, exclusive=True, symmetries=symmetries)(image)
        each = torch.stack([s.undo(softmax(net(s.apply(image).contiguous()))) for s in symmetries])
    torch.testing.assert_close(answer[:, :2], each.mean(dim=0))
    torch.testing.assert_close(answer[:, 2], each.var(dim=0)[:, 1], atol=1e-7, rtol=1e-4)
    own = -(each * each.log2()).sum(dim=2)
    torch.testing.assert_close(answer[:, 3], own.mean(dim=0))
    assert float(answer[:, 2].max()) > 1e-5


def test_an_ensemble_of_different_networks_has_the_widest_field_of_view() -> None:
    small, large = unet(0), UNet(out_channels=2, widths=(2, 3, 4), norm="none", stem_stride=2).eval()
    committee = Committee([small, large], softmax, exclusive=True)
    assert committee.halo == tuple(np.maximum(small.halo, large.halo)) and committee.multiple == (8, 8, 8)
    image = noise(1, 1, 8, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(committee(image)[:, :2], 0.5 * (softmax(small(image)) + softmax(large(image))))


@pytest.mark.parametrize("offsets", [None, OFFSETS])
def test_tiles_of_a_committee_equal_the_whole_volume(offsets: list[tuple[int, int, int]] | None) -> None:
    """Halo and shift are enough: seams would show in the mean or in the variance."""
    channels = 2 if offsets is None else 6
    torch.manual_seed(1)
    net = UNet(out_channels=channels, widths=(2, 3), norm="none", stem_stride=1).eval()
    symmetries = allowed_symmetries((1, 1, 1), net.multiple, offsets)[:3]
    committee = Committee([net], torch.sigmoid, exclusive=False, symmetries=symmetries, offsets=offsets)
    image = noise(1, 8, 8, 90).numpy()
    window = SlidingWindow(tile=(8, 8, 16), halo=None, overlap=(0, 0, 2))
    assert sum(len(row) for row in window.plan(committee, (8, 8, 90)).rows()) > 1
    tiled = window.whole(committee, image, activation=lambda x: x)
    with torch.inference_mode():
        whole = committee(torch.from_numpy(image)[None])[0].numpy()
    np.testing.assert_allclose(tiled, whole[..., :90], atol=2e-5)


def test_dropout_passes_are_thinned_networks_the_same_in_every_tile() -> None:
    net, image = unet(dropout=0.5), noise(1, 8, 8, 90).numpy()
    committee = Committee([net], softmax, exclusive=True, dropout_passes=4, seed=5)
    window = SlidingWindow(tile=(8, 8, 16), halo=None, overlap=(0, 0, 0))
    state = torch.random.get_rng_state()
    first = window.whole(committee, image, activation=lambda x: x)
    assert torch.equal(torch.random.get_rng_state(), state) and not any(layer.training for layer in net.modules())
    with torch.inference_mode():
        whole = committee(torch.from_numpy(image)[None])[0].numpy()
    np.testing.assert_allclose(first, whole, atol=2e-5)
    committee.seed = 6
    assert first[2].max() > 1e-6 and np.abs(window.whole(committee, image, activation=lambda x: x) - first).max() > 1e-3


def test_dropout_leaves_checkpoints_without_it_loadable() -> None:
    plain, thinned = unet(), unet(dropout=0.3)
    thinned.load_state_dict(plain.state_dict())
    image = noise(1, 1, 4, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(plain(image), thinned(image))
    assert not dropout_layers(plain) and len(dropout_layers(thinned)) == 6
