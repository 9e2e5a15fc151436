"""What a network is asked for that predicts an image: its channels, one number for each voxel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cellml.errors import CellmlError


class ImageTarget:
    """The intensities themselves, in the normalised units that the data module gives.

    image_channels: names, in the order of the data's targets; scale: whether the network also predicts, for each channel, the logarithm
    of how wrong it expects to be (`cellml.losses.image.LaplaceLoss`). Voxels whose truth is not finite are masked.
    """

    kind = "image"

    def __init__(self, image_channels: Sequence[str] = ("image",), scale: bool = False) -> None:
        self.image_channels, self.scale = [str(name) for name in image_channels], scale
        if not self.image_channels or len(set(self.image_channels)) != len(self.image_channels):
            raise CellmlError(f"An image target needs channels with different names, got {self.image_channels}.")

    @property
    def names(self) -> list[str]:
        """One name for each output channel of the network."""
        return [*self.image_channels, *(f"{name} scale" for name in self.image_channels)] if self.scale else self.image_channels

    @property
    def channels(self) -> int:
        """Output channels of the network."""
        return len(self.names)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images: (B, C, Z, Y, X) float → target and mask, both (B, C, Z, Y, X). Raises CellmlError for another number of channels."""
        if images.ndim != 5 or images.shape[1] != len(self.image_channels):
            raise CellmlError(
                f"The target has the channels {self.image_channels}, but the data gives images of shape {tuple(images.shape)} "
                "(B, C, Z, Y, X); name as many in task.target.image_channels as data.targets has."
            )
        known = torch.isfinite(images)
        return torch.where(known, images, 0.0).float(), known

    def activation(self, output: Tensor) -> Tensor:
        """Intensities as they are, log-scales as scales b > 0."""
        if not self.scale:
            return output
        location, log_scale = output.chunk(2, dim=1)
        return torch.cat([location, log_scale.exp()], dim=1)

    def output(self, activated: Tensor) -> Tensor:
        """The inverse of `activation`: what the loss reads."""
        if not self.scale:
            return activated
        location, scale = activated.chunk(2, dim=1)
        return torch.cat([location, scale.clamp(min=1e-6).log()], dim=1)
