from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.initialisation import initialise
from cellml.losses.semantic import SemanticLoss
from cellml.nets.field_of_view import measure_halo
from cellml.nets.resnet import ResNetEncoder
from cellml.nets.sections import ResNetFCN, ResNetUNet, bilinear
from cellml.tasks.segmentation import SegmentationTask
from cellml.tasks.targets import SemanticTarget


def published_keys(blocks: list[int]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of torchvision's resnet18 ([2, 2, 2, 2]) and resnet34 ([3, 4, 6, 3]) weights."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512), "fc.bias": (1000,)}

    def norm(name: str, width: int) -> None:
        shapes.update({f"{name}.{key}": (width,) for key in ("weight", "bias", "running_mean", "running_var")})
        shapes[f"{name}.num_batches_tracked"] = ()

    norm("bn1", 64)
    before = 64
    for level, number in enumerate(blocks):
        width = 64 * 2**level
        for block in range(number):
            name = f"layer{level + 1}.{block}"
            shapes[f"{name}.conv1.weight"], shapes[f"{name}.conv2.weight"] = (width, before, 3, 3), (width, width, 3, 3)
            norm(f"{name}.bn1", width)
            norm(f"{name}.bn2", width)
            if before != width:
                shapes[f"{name}.downsample.0.weight"] = (width, before, 1, 1)
                norm(f"{name}.downsample.1", width)
            before = width
    return shapes


@pytest.mark.parametrize(("blocks", "parameters"), [([2, 2, 2, 2], 11_689_512), ([3, 4, 6, 3], 21_797_672)])
def test_names_shapes_and_number_of_weights_are_the_published_ones(blocks: list[int], parameters: int) -> None:
    shapes = published_keys(blocks)
    own = {name: tuple(value.shape) for name, value in ResNetEncoder(3, blocks).state_dict().items()}
    assert own == {name: shape for name, shape in shapes.items() if not name.startswith("fc.")}
    learned = sum(p.numel() for p in ResNetEncoder(3, blocks).parameters())
    assert learned + 513 * 1000 == parameters


@pytest.mark.parametrize("neighbours", [0, 1, 2])
def test_a_file_of_published_weights_begins_the_encoder_and_says_what_is_new(
    neighbours: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = published_keys([2, 2, 2, 2])
    file = {name: torch.rand(shape, generator=generator) if shape else torch.tensor(7) for name, shape in shapes.items()}
    torch.save(file, tmp_path / "resnet18.pth")
    net = ResNetUNet(blocks=[2, 2, 2, 2], neighbours=neighbours, decoder_width=8)
    task = SegmentationTask(net, SemanticTarget(["a", "b"]), SemanticLoss(), torch.optim.SGD)
    with caplog.at_level(logging.INFO):
        initialise(task, str(tmp_path / "resnet18.pth"))
    for name, value in net.encoder.state_dict().items():
        if name != "conv1.weight":
            assert torch.equal(value, file[name]), name
    wanted = file["conv1.weight"]
    if neighbours != 1:
        wanted = (wanted.sum(1, keepdim=True) / (2 * neighbours + 1)).expand_as(net.encoder.conv1.weight)
    torch.testing.assert_close(net.encoder.conv1.weight.detach(), wanted)
    assert ": encoder\n" in caplog.text and "New, from random weights: up.0" in caplog.text and "2 tensors of" in caplog.text
    assert ("adapted" in caplog.text) == (neighbours != 1)


@pytest.mark.parametrize("kind", [ResNetUNet, ResNetFCN])
def test_sections_beyond_the_neighbours_have_no_say(kind: type) -> None:
    net = kind(blocks=[1, 1], width=2, out_channels=2, neighbours=1).eval()
    image = torch.rand(1, 1, 5, 16, 16)
    changed = image.clone()
    changed[:, :, 4] = 0
    same = [torch.equal(net(image)[:, :, z], net(changed)[:, :, z]) for z in range(5)]
    assert same == [True, True, True, False, False]


@pytest.mark.parametrize("finest", [8, 16, 32])
def test_the_head_of_any_stride_looks_as_far_as_it_says(finest: int) -> None:
    net = ResNetFCN(blocks=(1, 1, 1, 1), width=1, out_channels=1, finest=finest, neighbours=0)
    assert measure_halo(net, multiple=net.multiple) == net.halo and len(net.scores) == {8: 3, 16: 2, 32: 1}[finest]


def test_a_new_deconvolution_interpolates_bilinearly() -> None:
    image = torch.rand(1, 3, 6, 7)
    wanted = functional.interpolate(image, scale_factor=4, mode="bilinear", align_corners=False)
    inner = (..., slice(4, -4), slice(4, -4))  # at the border it sees zeros
    torch.testing.assert_close(bilinear(3, 4)(image)[inner], wanted[inner])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ResNetEncoder(blocks=[2, 0]), "one to four layers"),
        (lambda: ResNetFCN(finest=5), "maps at the strides"),
        (lambda: ResNetUNet(neighbours=-1), "at least 0"),
    ],
)
def test_configurations_that_cannot_work_are_refused(make: object, message: str) -> None:
    with pytest.raises(CellmlError, match=message):
        make()  # type: ignore[operator]
