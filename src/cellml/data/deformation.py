"""Random rotation, scaling and elastic deformation within sections, one and the same for all sections of a patch."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from cellml.errors import CellmlError

Sample = dict[str, Tensor]


class RandomDeformation:
    """Rotate, scale and bend a patch in the plane of its sections (Ronneberger et al. 2015, section 3.1).

    prob: of being applied at all; degrees: rotation up to this, both ways; scale: stretching by up to 1 + scale, or its inverse; bend:
    standard deviation in pixels of the displacement of control points that lie `control` pixels apart, cubic between them. Image values
    are interpolated linearly, labels taken from the nearest voxel; beyond its border the patch is mirrored. One field serves all
    sections, so that a patch of 12 × 128 × 128 voxels takes milliseconds. Random numbers come from torch's generator, which
    `cellml.data.augment.SeededTransforms` seeds for each patch.
    """

    def __init__(self, prob: float = 0.7, degrees: float = 45.0, scale: float = 0.15, bend: float = 3.0, control: int = 32) -> None:
        if not 0 <= prob <= 1 or min(degrees, scale, bend) < 0 or control < 2:
            raise CellmlError(
                "A deformation needs prob in [0, 1], degrees, scale and bend of at least 0 and control of at least 2, "
                f"got {prob}, {degrees}, {scale}, {bend} and {control}."
            )
        self.prob, self.degrees, self.scale, self.bend, self.control = prob, degrees, scale, bend, control

    def __call__(self, sample: Sample) -> Sample:
        """sample: {"image": (C, z, y, x), "labels": (K, z, y, x)} → the same, deformed alike."""
        if float(torch.rand(())) >= self.prob:
            return sample
        rows, columns = sample["image"].shape[-2:]
        source = self._source(rows, columns)
        labels = sample["labels"]
        moved = nearest(labels, source) if not labels.is_floating_point() else linear(labels, source)
        return {**sample, "image": linear(sample["image"], source), "labels": moved}

    def _source(self, rows: int, columns: int) -> Tensor:
        """(2, Y, X): for each pixel of the result the (y, x) it is taken from, in pixels."""
        angle = math.radians(self.degrees) * (2 * float(torch.rand(())) - 1)
        factor = (1 + self.scale) ** (2 * float(torch.rand(())) - 1)
        y, x = torch.meshgrid(torch.arange(rows) - (rows - 1) / 2, torch.arange(columns) - (columns - 1) / 2, indexing="ij")
        turned = torch.stack([math.cos(angle) * y - math.sin(angle) * x, math.sin(angle) * y + math.cos(angle) * x]) / factor
        points = self.bend * torch.randn(1, 2, -(-rows // self.control) + 1, -(-columns // self.control) + 1)
        bent = functional.interpolate(points, (rows, columns), mode="bicubic", align_corners=True)[0]
        return turned + bent + torch.tensor([(rows - 1) / 2, (columns - 1) / 2])[:, None, None]


def linear(stack: Tensor, source: Tensor) -> Tensor:
    """Values of (C, z, y, x) at `source` (2, Y, X) in every section, interpolated linearly."""
    channels, depth, rows, columns = stack.shape
    y, x = ((2 * place + 1) / size - 1 for place, size in zip(source, (rows, columns), strict=True))
    grid = torch.stack([x, y], dim=-1)[None].to(stack.dtype)
    flat = stack.reshape(1, channels * depth, rows, columns)
    return functional.grid_sample(flat, grid, padding_mode="reflection", align_corners=False).reshape(channels, depth, *source.shape[1:])


def nearest(stack: Tensor, source: Tensor) -> Tensor:
    """Voxels of (K, z, y, x) nearest to `source` (2, Y, X) in every section; numbers of any size stay what they are."""
    rows, columns = (_mirrored(place.round().long(), size) for place, size in zip(source, stack.shape[-2:], strict=True))
    return stack[..., rows, columns]


def _mirrored(numbers: Tensor, size: int) -> Tensor:
    """Indices beyond an axis of this size mirrored back into it, border pixels repeated: … 1 0 0 1 … n−1 n−1 …"""
    numbers = numbers.remainder(2 * size)
    return torch.where(numbers < size, numbers, 2 * size - 1 - numbers)
