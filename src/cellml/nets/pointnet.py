"""Networks on clouds of points, blind to their order (PointNet: Qi et al. 2017, doi:10.1109/CVPR.2017.16)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError


class PointNet(nn.Module):
    """Classify a cloud, or each of its points.

    classes: K; channels: numbers of a point (3 for places, 6 with normals); widths: features after each layer shared by all points;
    head: hidden layers of the classifier; per_point: K logits for each point, from its own features after the first layer and the cloud's
    (the segmentation network, section 4.2), instead of for the cloud; dropout: before the last layer. The two small networks of the paper
    that turn clouds are left out: turn them at random in training instead.
    """

    inputs = ("cloud",)

    @property
    def answers(self) -> str:
        """Which labels it is asked for: of the mesh, or of the cloud's points."""
        return "point_labels" if self.per_point else "labels"

    def __init__(
        self,
        classes: int = 3,
        channels: int = 6,
        widths: Sequence[int] = (32, 64, 128),
        head: Sequence[int] = (64,),
        per_point: bool = False,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        if classes < 1 or channels < 1 or not widths or min(*widths, *head, 1) < 1 or not 0 <= dropout < 1:
            raise CellmlError(
                f"PointNet needs positive numbers of classes, channels and features, got {classes}, {channels}, {list(widths)}."
            )
        self.classes, self.channels, self.per_point = classes, channels, per_point
        sizes = [channels, *widths]
        self.shared = nn.ModuleList(_layer(a, b) for a, b in itertools.pairwise(sizes))
        sizes = [widths[-1] + (widths[0] if per_point else 0), *head]
        hidden = [_layer(a, b) for a, b in itertools.pairwise(sizes)]
        self.head = nn.Sequential(*hidden, nn.Dropout(dropout), nn.Conv1d(sizes[-1], classes, 1))

    def forward(self, cloud: Tensor) -> Tensor:
        """cloud: (B, P, channels) → logits (B, K), or (B, K, P) per point. Raises CellmlError for other channels or no points."""
        if cloud.ndim != 3 or cloud.shape[2] != self.channels or cloud.shape[1] == 0:
            raise CellmlError(f"This PointNet takes clouds (B, P, {self.channels}) of at least one point, got {tuple(cloud.shape)}.")
        features = cloud.transpose(1, 2)
        first = None
        for layer in self.shared:
            features = layer(features)
            first = features if first is None else first
        whole = features.amax(dim=2, keepdim=True)
        if not self.per_point:
            return self.head(whole)[:, :, 0]  # type: ignore[no-any-return]
        assert first is not None
        return self.head(torch.cat([first, whole.expand(-1, -1, cloud.shape[1])], dim=1))  # type: ignore[no-any-return]


def _layer(before: int, after: int) -> nn.Module:
    # One group of a group norm: batch norm fails where a batch holds one cloud and one value a channel, as in the head.
    return nn.Sequential(nn.Conv1d(before, after, 1), nn.GroupNorm(1, after), nn.ReLU())
