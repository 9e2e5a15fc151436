"""A committee: the same tile judged by several networks, in several orientations, with several thinned networks, and what they agree on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from cellml.segmentation.neighbourhood import Offset
from cellml.uncertainty.information import entropy, pooled_variance
from cellml.uncertainty.residuals import ResidualCorrelation
from cellml.uncertainty.symmetry import Symmetry, reach, restore

Triple = tuple[int, int, int]


class Committee(nn.Module):
    """(1, C, z, y, x) image → (1, K + 2, z, y, x): mean probabilities, their pooled variance, and the mean entropy of the members.

    nets: an ensemble (Lakshminarayanan et al. 2017); symmetries: orientations in which each is asked (test-time augmentation, Wang et al.
    2019), the identity first; dropout_passes: thinned copies of each (Monte-Carlo dropout, Gal and Ghahramani 2016), 0 for the whole
    network; seed: of their masks, the same for each tile, so that a pass of channel dropout is one network over the whole volume.
    activation: logits (1, K, …) → probabilities; exclusive: whether the channels are classes of which a voxel has one; offsets: pairs that
    affinity channels speak of; entropies: whether those of the members are wanted, which cost as much as a small network (else 0). It
    looks like a network to `SlidingWindow`: `halo`, `multiple`, and `shift`, the context that shifted affinities need on top.
    """

    def __init__(
        self,
        nets: Sequence[nn.Module],
        activation: Callable[[Tensor], Tensor],
        *,
        exclusive: bool,
        symmetries: Sequence[Symmetry] = (Symmetry(),),
        dropout_passes: int = 0,
        seed: int = 0,
        offsets: Sequence[Offset] | None = None,
        entropies: bool = True,
    ) -> None:
        super().__init__()
        self.nets, self.activation, self.exclusive = nn.ModuleList(nets), activation, exclusive
        self.symmetries, self.passes, self.seed, self.offsets = list(symmetries), dropout_passes, seed, offsets
        self.entropies = entropies
        self.residuals = ResidualCorrelation()
        self.eval()

    @property
    def members(self) -> int:
        """How many answers are averaged."""
        return len(self.nets) * len(self.symmetries) * max(1, self.passes)

    @property
    def multiple(self) -> Triple:
        """Input sizes that suit every network."""
        z, y, x = (math.lcm(*(getattr(net, "multiple", (1, 1, 1))[a] for net in self.nets)) for a in range(3))
        return (z, y, x)

    @property
    def halo(self) -> Triple:
        """The widest field of view of the networks, for any orientation."""
        sizes = [[getattr(net, "halo", (32, 32, 32))[axis] for axis in s.axes] for net in self.nets for s in self.symmetries]
        z, y, x = (max(size[a] for size in sizes) for a in range(3))
        return (z, y, x)

    @property
    def shift(self) -> Triple:
        """Context (z, y, x) that affinities named by their other end need beyond the halo."""
        return reach(self.offsets) if len(self.symmetries) > 1 else (0, 0, 0)

    def forward(self, image: Tensor) -> Tensor:
        """The members' mean, variance and mean entropy, by Welford's running sums in float32."""
        first: Tensor | None = None
        mean = squares = uncertainty = torch.zeros(())
        for count, logits in enumerate(self.answers(image), start=1):
            answer = self.activation(logits)
            if first is None:
                first, mean, squares = logits, answer.clone(), torch.zeros_like(answer)
                uncertainty = self._entropy(answer)
                continue
            self.residuals.add(logits - first, first)
            step = answer - mean
            mean = mean + step / count
            squares = squares + step * (answer - mean)
            uncertainty = uncertainty + (self._entropy(answer) - uncertainty) / count
        variance = pooled_variance(squares / max(1, self.members - 1), exclusive=self.exclusive)
        return torch.cat([mean, variance, uncertainty], dim=1)

    def _entropy(self, answer: Tensor) -> Tensor:
        return entropy(answer, exclusive=self.exclusive) if self.entropies else torch.zeros_like(answer[:, :1])

    def answers(self, image: Tensor) -> Iterator[Tensor]:
        """Logits (1, K, z, y, x) float32 of each member in the frame of the image; the first is the first network's own."""
        beyond: Tensor | None = None
        for net in self.nets:
            for symmetry in self.symmetries:
                moved = symmetry.apply(image).contiguous()
                for number in range(max(1, self.passes)):
                    logits = self._logits(net, moved, number).float()
                    logits = restore(symmetry, logits, self.offsets, beyond)
                    beyond = logits if beyond is None else beyond
                    yield logits

    def _logits(self, net: nn.Module, image: Tensor, number: int) -> Tensor:
        if not self.passes:
            return net(image)  # type: ignore[no-any-return]
        layers = dropout_layers(net)
        devices = [image.device] if image.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(self.seed + number)
            for layer in layers:
                layer.train()
            try:
                return net(image)  # type: ignore[no-any-return]
            finally:
                for layer in layers:
                    layer.eval()


def dropout_layers(net: nn.Module) -> list[nn.Module]:
    """The layers that drop something (rate above 0) during training."""
    kinds = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
    return [layer for layer in net.modules() if isinstance(layer, kinds) and layer.p > 0]
