"""The loss of networks that predict an image: absolute and squared error, or a likelihood whose width is predicted too."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord


class ImageLoss(nn.Module):
    """absolute · mean |ŷ − y| + squared · mean (ŷ − y)², averaged over the known voxels of each sample and channel.

    The squared error asks for the conditional mean, which correlates best with the truth; the absolute error asks for the median, which
    a few saturated pixels do not move but which is dark wherever a stain is rarer than every second pixel. channel_weights: one weight
    a channel, or none. Computed in float32 whatever the network's precision; no sum mixes samples.
    """

    channel_weights: Tensor | None

    def __init__(self, absolute: float = 0.0, squared: float = 1.0, channel_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.absolute, self.squared = absolute, squared
        self.register_buffer("channel_weights", None if channel_weights is None else torch.tensor(list(channel_weights)), persistent=False)

    def forward(self, output: Tensor, target: Tensor, mask: Tensor) -> LossRecord:
        """output, target, mask: (B, K, Z, Y, X); mask 0 where nothing is known. Returns scalars, zero for an empty mask."""
        difference = (output.float() - target.float()) * mask.float()
        absolute = self._mean(difference.abs(), mask)
        squared = self._mean(difference.square(), mask)
        return LossRecord(total=self.absolute * absolute + self.squared * squared, parts={"absolute": absolute, "squared": squared})

    def _mean(self, error: Tensor, mask: Tensor) -> Tensor:
        each = _mean_over_known(error, mask)
        return each.mean() if self.channel_weights is None else (each * self.channel_weights).sum(1).mean() / self.channel_weights.sum()


class LaplaceLoss(nn.Module):
    """Negative log-likelihood of a Laplace distribution, mean |y − μ| / b + log 2b, with the location μ and log b predicted for each voxel.

    The network then says how wrong it expects to be (Kendall and Gal 2017, arXiv:1703.04977, eq. 8, with |·| for (·)², for images have
    heavy tails). log_scale_limit bounds log b, in the units of normalised images, so that a voxel that is fitted exactly cannot pull the
    loss to −∞.
    """

    def __init__(self, log_scale_limit: float = 4.0) -> None:
        super().__init__()
        self.log_scale_limit = log_scale_limit

    def forward(self, output: Tensor, target: Tensor, mask: Tensor) -> LossRecord:
        """output: (B, 2K, Z, Y, X), μ of all channels, then log b; target, mask: (B, K, Z, Y, X)."""
        if output.shape[1] != 2 * target.shape[1]:
            raise CellmlError(
                f"The Laplace loss needs two outputs for each of the {target.shape[1]} channels, got {output.shape[1]}; "
                "set task.target.scale=true."
            )
        location, log_scale = output.float().chunk(2, dim=1)
        log_scale = log_scale.clamp(-self.log_scale_limit, self.log_scale_limit)
        error = (target.float() - location).abs()
        likelihood = _mean_over_known((error * torch.exp(-log_scale) + log_scale + torch.log(torch.tensor(2.0))) * mask, mask).mean()
        return LossRecord(total=likelihood, parts={"absolute": _mean_over_known(error * mask, mask).mean()})


def _mean_over_known(error: Tensor, mask: Tensor) -> Tensor:
    """(B, K): mean over the known voxels of each sample and channel, of errors that are 0 elsewhere."""
    axes = (2, 3, 4)
    return error.sum(axes) / mask.float().expand_as(error).sum(axes).clamp(min=1)
