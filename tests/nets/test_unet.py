from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from cellml.errors import CellmlError
from cellml.nets.unet import UNet, plan_levels

CONFIGURATIONS = [
    {"widths": (1, 1), "spacing": (10, 10, 10), "stem_stride": 1},
    {"widths": (1, 1), "spacing": (10, 10, 10), "stem_stride": 2},
    {"widths": (1, 1), "spacing": (10, 10, 10), "stem_stride": 2, "fine_channels": 1},
    {"widths": (1, 1, 1), "spacing": (40, 10, 10), "stem_stride": 1},
    {"widths": (1, 1, 1), "spacing": (20, 10, 10), "stem_stride": 2, "fine_channels": 1},
    {"widths": (1, 1, 1), "spacing": (10, 10, 25), "stem_stride": 1},
]


def seen_radius(net: UNet) -> list[int]:
    """The slow twin: with positive weights only, every voxel in the field of view has a gradient, and none can cancel."""
    net = net.double().eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(weight.abs() + 0.1)
    for module in net.modules():
        if isinstance(module, nn.LeakyReLU):
            module.negative_slope = 1.0
    # Long along one axis at a time, as narrow as the network allows along the others.
    radii = []
    for axis in range(3):
        size = list(net.multiple)
        size[axis] = (2 * net.halo[axis] // net.multiple[axis] + 4) * net.multiple[axis]
        image = torch.rand((1, 1, *size), dtype=torch.float64, requires_grad=True)
        answer = net(image)
        radius = 0
        middle = size[axis] // 2 // net.multiple[axis] * net.multiple[axis]
        for phase in range(net.multiple[axis]):
            (gradient,) = torch.autograd.grad(answer.select(2 + axis, middle + phase).sum(), image, retain_graph=True)
            touched = gradient[0, 0].abs().amax(dim=[a for a in range(3) if a != axis]).nonzero()[:, 0]
            assert 0 < int(touched.min()) and int(touched.max()) < size[axis] - 1, "the volume is too short to see the edge"
            radius = max(radius, middle + phase - int(touched.min()), int(touched.max()) - middle - phase)
        radii.append(radius)
    return radii


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
def test_halo_is_exactly_the_field_of_view(configuration: dict) -> None:
    net = UNet(out_channels=1, norm="none", **configuration)
    assert list(net.halo) == seen_radius(net)


@pytest.mark.parametrize(
    ("spacing", "stem", "strides", "kernels"),
    [
        ((10, 10, 10), 2, [(2, 2, 2), (2, 2, 2)], [(3, 3, 3), (3, 3, 3)]),
        ((10, 10, 10), 1, [(1, 1, 1), (2, 2, 2)], [(3, 3, 3), (3, 3, 3)]),
        ((40, 10, 10), 1, [(1, 1, 1), (1, 2, 2)], [(1, 3, 3), (1, 3, 3)]),
        ((20, 10, 10), 1, [(1, 1, 1), (1, 2, 2)], [(1, 3, 3), (3, 3, 3)]),
        ((10, 10, 25), 2, [(2, 2, 1), (2, 2, 2)], [(3, 3, 3), (3, 3, 3)]),
    ],
)
def test_coarse_axes_are_neither_strided_nor_mixed_until_voxels_are_isotropic(
    spacing: Sequence[float], stem: int, strides: list, kernels: list
) -> None:
    assert plan_levels(spacing, 2, stem) == (strides, kernels)


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
def test_output_has_the_size_of_the_input(configuration: dict) -> None:
    net = UNet(in_channels=2, out_channels=3, **{**configuration, "widths": [2] * len(configuration["widths"])}).eval()
    size = [2 * m for m in net.multiple]
    assert net(torch.rand(2, 2, *size)).shape == (2, 3, *size)


def test_a_size_that_cannot_be_halved_is_refused_with_both_numbers() -> None:
    net = UNet(widths=(2, 2, 2))
    with pytest.raises(CellmlError, match=r"multiples of \(8, 8, 8\) voxels \(z, y, x\), got \(16, 20, 16\)"):
        net(torch.zeros(1, 1, 16, 20, 16))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"norm": "instance"}, "tiles disagree"),
        ({"widths": (4,)}, "two widths"),
        ({"stem_stride": 3}, "stem stride"),
        ({"spacing": (10, 10)}, "three positive numbers"),
        ({"spacing": (10, 10, 0)}, "three positive numbers"),
    ],
)
def test_configurations_that_cannot_work_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(CellmlError, match=message):
        UNet(**wrong)


def test_a_batch_of_two_gives_what_each_gives_alone() -> None:
    net = UNet(widths=(2, 4), out_channels=2, norm="batch").eval()
    image = torch.rand(2, 1, 8, 8, 8)
    torch.testing.assert_close(net(image), torch.cat([net(image[:1]), net(image[1:])]))
