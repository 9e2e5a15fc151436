from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cellml.infer.predict import SlidingWindow, _RollingBlend
from cellml.infer.tiles import plan_tiles
from cellml.nets.unet import UNet

Triple = tuple[int, int, int]


def small_net(spacing: Sequence[float] = (10, 10, 10), **more: object) -> UNet:
    torch.manual_seed(0)
    return UNet(out_channels=2, widths=(2, 3), spacing=spacing, norm="none", **more).eval()  # type: ignore[arg-type]


NETS = {"stem": small_net(), "fine": small_net(stem_stride=1, fine_channels=2), "anisotropic": small_net((40, 10, 10), stem_stride=1)}


def whole(net: UNet, image: np.ndarray) -> np.ndarray:
    """The slow twin: the network sees everything at once."""
    pad = [(0, 0), *((0, -n % m) for n, m in zip(image.shape[1:], net.multiple, strict=True))]
    with torch.inference_mode():
        answer = torch.sigmoid(net(torch.from_numpy(np.pad(image, pad, mode="edge"))[None]))[0].numpy()
    return answer[:, : image.shape[1], : image.shape[2], : image.shape[3]]


def triples(low: int, high: int) -> st.SearchStrategy[Triple]:
    return st.tuples(*[st.integers(low, high)] * 3)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(NETS)),
    shape=triples(1, 14),
    axis=st.integers(0, 2),
    length=st.integers(70, 140),
    tile=triples(1, 24),
    overlap=triples(0, 6),
    seed=st.integers(0, 9),
)
def test_tiled_equals_whole_where_the_halo_covers_the_field_of_view(
    name: str, shape: Triple, axis: int, length: int, tile: Triple, overlap: Triple, seed: int
) -> None:
    net = NETS[name]
    shape = tuple(length if a == axis else n for a, n in enumerate(shape))  # type: ignore[assignment]
    image = np.random.default_rng(seed).standard_normal((1, *shape)).astype(np.float32)
    window = SlidingWindow(tile=tile, halo=None, overlap=overlap)
    assert sum(len(row) for row in window.plan(net, shape).rows()) > 1
    np.testing.assert_allclose(window.whole(net, image, activation=torch.sigmoid), whole(net, image), atol=1e-5, rtol=0)


def test_a_halo_smaller_than_the_field_of_view_shows() -> None:
    """Otherwise the test above could not fail."""
    net, image = NETS["stem"], np.random.default_rng(0).standard_normal((1, 48, 8, 8)).astype(np.float32)
    tiled = SlidingWindow(tile=(16, 8, 8), halo=(0, 0, 0), overlap=(0, 0, 0)).whole(net, image, activation=torch.sigmoid)
    assert np.abs(tiled - whole(net, image)).max() > 1e-4


class Ones(nn.Module):
    """Answers 1 everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(image) * self.weight


@settings(max_examples=40, deadline=None, derandomize=True)
@given(shape=triples(1, 24), tile=triples(1, 12), overlap=triples(0, 8), halo=triples(0, 5))
def test_every_voxel_comes_once_in_order_and_weights_sum_to_one(shape: Triple, tile: Triple, overlap: Triple, halo: Triple) -> None:
    tile = tuple(max(t, -(-n // 3)) for t, n in zip(tile, shape, strict=True))  # type: ignore[assignment]
    expected = 0
    for z, block in SlidingWindow(tile, halo, overlap).slabs(
        Ones(), lambda r: np.zeros((1, *(s.stop - s.start for s in r)), np.float32), shape, activation=lambda x: x
    ):
        assert z.start == expected and block.shape == (1, z.stop - z.start, *shape[1:])
        np.testing.assert_allclose(block, 1, atol=1e-6)
        expected = z.stop
    assert expected == shape[0]


def test_reading_stays_inside_the_volume() -> None:
    net, shape, read = NETS["fine"], (19, 55, 103), []

    def reader(region: tuple[slice, ...]) -> np.ndarray:
        read.append(region)
        return np.zeros((1, *(s.stop - s.start for s in region)), np.float32)

    list(SlidingWindow((8, 8, 8), None, (2, 2, 2)).slabs(net, reader, shape, activation=torch.sigmoid))
    assert all(0 <= s.start < s.stop <= n for region in read for s, n in zip(region, shape, strict=True))
    assert len(read) > 8


def test_memory_is_bounded_by_a_layer_of_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    depths = []
    grow = _RollingBlend._grow

    def watched(self: _RollingBlend, stop: int) -> None:
        grow(self, stop)
        depths.append(self.sums.shape[1])

    monkeypatch.setattr(_RollingBlend, "_grow", watched)
    window = SlidingWindow(tile=(8, 8, 8), halo=(2, 2, 2), overlap=(2, 2, 2))
    for _ in window.slabs(Ones(), lambda r: np.zeros((1, *(s.stop - s.start for s in r)), np.float32), (160, 8, 8), activation=lambda x: x):
        pass
    assert max(depths) == 4 + 8 + 2  # the first tile owns the context it does not need: reach, core, and the strip it shares


def test_neighbours_are_blended_with_gaussian_weights() -> None:
    """Two tiles that answer 0 and 1: across the shared strip the result is the ratio of their Gaussian weights."""

    class Steps(Ones):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.full_like(image, float(image.mean() > 0.5)) * self.weight

    image = np.zeros((1, 16, 1, 1), np.float32)
    image[:, 8:] = 1
    overlap = 2
    result = SlidingWindow((8, 1, 1), (0, 0, 0), (overlap, 0, 0)).whole(Steps(), image, activation=lambda x: x)[0, :, 0, 0]
    depth = np.arange(2 * overlap) + 0.5
    rising = np.exp(-0.5 * ((2 * overlap - depth) / overlap) ** 2)
    expected = np.concatenate([np.zeros(6), rising / (rising + rising[::-1]), np.ones(6)])
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_activation_and_blending_are_float32_under_bfloat16() -> None:
    seen = []

    def activation(logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits.dtype)
        return torch.sigmoid(logits)

    result = SlidingWindow((8, 8, 8), (0, 0, 0), (0, 0, 0), precision="bfloat16").whole(
        Ones(), np.zeros((1, 8, 8, 8), np.float32), activation=activation
    )
    assert seen == [torch.float32] and result.dtype == np.float32


def test_a_tile_serves_a_volume_smaller_than_itself_with_one_run() -> None:
    plan = plan_tiles((5, 6, 7), tile=(160, 160, 160), halo=(16, 16, 16), overlap=(4, 4, 4), multiple=(4, 4, 4))
    assert plan.computed_voxels == 8 * 8 * 8 == np.prod(plan.padded)


def test_the_progress_callback_counts_every_tile() -> None:
    net, calls = NETS["stem"], []
    window = SlidingWindow((8, 8, 8), (4, 4, 4), (0, 0, 0))
    window.whole(net, np.zeros((1, 20, 20, 8), np.float32), activation=torch.sigmoid, on_tile=lambda: calls.append(1))
    assert len(calls) == sum(len(row) for row in window.plan(net, (20, 20, 8)).rows()) == 4


def test_a_network_of_somebody_else_gets_a_halo_too() -> None:
    assert SlidingWindow(halo=None).plan(Ones(), (64, 64, 64)).halo == (32, 32, 32)
