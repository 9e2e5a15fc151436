"""What a network must restore that learns from a damaged tomogram alone: a second wedge, removed from the rotated volume."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cellml.tomography.rotated_wedge import checked_range, rotated_sampled, without_wedge


class RemovedWedge:
    """The wedge of a tilt range, taken out of rotated blocks.

    wedge: first and last tilt in degrees, and the step between tilts, which does not matter here; of a tilt axis along y and a beam along z
    (`cellml.tomography.geometry`); edge: Fourier samples over which masks fall to 0.
    """

    kind = "image"
    channels = 1
    scale = False
    input_units = True  # what is predicted is the input, and is written in its grey values
    image_channels = ("restored",)
    names = ("restored",)

    def __init__(self, wedge: Sequence[float] = (-60.0, 60.0, 2.0), edge: float = 1.0) -> None:
        self.tilts, self.edge = checked_range(wedge[:2]), float(edge)

    def activation(self, output: Tensor) -> Tensor:
        """Intensities as they are."""
        return output

    def damaged(self, images: Tensor, size: int) -> Tensor:
        """What the network sees: the middle (B, 1, size, size, size) of larger cubes (B, 1, n, n, n) without the wedge.

        The margin keeps away what the cubes' periodic continuation brings in from the opposite side.
        """
        start = (images.shape[-1] - size) // 2
        part = slice(start, start + size)
        return without_wedge(images, self.tilts, self.edge)[..., part, part, part]

    def masks(self, rotations: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """What the upright and what the rotated frame measured: M (1, 1, z, y, x) and M_R (B, 1, z, y, x), in rfftn's layout."""
        upright = torch.eye(3, device=rotations.device)[None]
        return rotated_sampled(upright, size, self.tilts, self.edge), rotated_sampled(rotations, size, self.tilts, self.edge)

    def fill(self, measured: Tensor, restored: Tensor) -> Tensor:
        """Volumes (C, Z, Y, X) whose wedge is taken from a restored volume (1, Z, Y, X) or volumes: F⁻¹[M F v + (1 − M) F f(v)]."""
        from cellml.tomography.wedge import as_tensor, sampled_wedge

        axes, shape = (-3, -2, -1), tuple(measured.shape[-3:])
        missing = as_tensor(~sampled_wedge(shape, self.tilts), measured)
        change = torch.fft.rfftn(restored - measured, dim=axes) * missing
        return measured + torch.fft.irfftn(change, s=shape, dim=axes)
