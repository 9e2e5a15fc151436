"""Networks of single sections, with an encoder that may begin with published weights of natural images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.nets.resnet import ResNetEncoder
from cellml.nets.unet import Triple


class SectionNet(nn.Module):
    """(B, C, Z, Y, X) image → (B, K, Z, Y, X) logits, section by section.

    A section sees `neighbours` sections on both sides as further channels (at the volume's ends the last one again). With one neighbour
    a grey image has three channels, as the published weights expect.
    """

    def __init__(self, in_channels: int, out_channels: int, blocks: Sequence[int], width: int, neighbours: int) -> None:
        super().__init__()
        if neighbours < 0:
            raise CellmlError(f"task.net.neighbours is {neighbours}; it must be at least 0.")
        self.in_channels, self.out_channels, self.neighbours = in_channels, out_channels, neighbours
        self.encoder = ResNetEncoder(in_channels * (2 * neighbours + 1), blocks, width)

    @property
    def multiple(self) -> Triple:
        """Input sizes along (z, y, x) must be multiples of these."""
        stride = self.encoder.strides[-1]
        return (1, stride, stride)

    @property
    def halo(self) -> Triple:
        """Radius of the field of view along (z, y, x) in voxels."""
        return (self.neighbours, self.radius, self.radius)

    @property
    @abstractmethod
    def radius(self) -> int:
        """Of the field of view along y and x."""

    @abstractmethod
    def decode(self, features: list[Tensor]) -> Tensor:
        """Feature maps of the encoder, finest first → logits (N, K, Y, X)."""

    @property
    def stages(self) -> list[tuple[str, ...]]:
        """Names of the parts in the order in which an image passes them, for learning rates that decay with depth."""
        layers = [(f"encoder.layer{level + 1}",) for level in range(len(self.encoder.blocks))]
        rest = [name for name, _ in self.named_children() if name != "encoder"]
        return [("encoder",), *layers, *((name,) for name in rest)]

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, Z, Y, X), of sizes that are multiples of `multiple`, else CellmlError."""
        if any(n % m for n, m in zip(image.shape[2:], self.multiple, strict=True)):
            raise CellmlError(f"The network needs patches in multiples of {self.multiple} voxels (z, y, x), got {tuple(image.shape[2:])}.")
        batch, _, depth, rows, columns = image.shape
        numbers = torch.arange(depth, device=image.device)
        shifts = range(-self.neighbours, self.neighbours + 1)
        stack = torch.cat([image[:, :, (numbers + shift).clamp(0, depth - 1)] for shift in shifts], dim=1)
        sections = stack.transpose(1, 2).reshape(batch * depth, -1, rows, columns)
        logits = self.decode(self.encoder(sections))
        return logits.reshape(batch, depth, self.out_channels, rows, columns).transpose(1, 2)


class ResNetUNet(SectionNet):
    """A U-Net whose arm downwards is a ResNet (Ronneberger et al. 2015; He et al. 2016).

    blocks, width: as in `ResNetEncoder`; decoder_width: channels of the arm upwards at the deepest level, halved at each step.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 2,
        blocks: Sequence[int] = (3, 4, 6, 3),
        width: int = 64,
        decoder_width: int = 128,
        neighbours: int = 1,
    ) -> None:
        super().__init__(in_channels, out_channels, blocks, width, neighbours)
        before = self.encoder.widths[-1]
        self.up, self.decoder = nn.ModuleList(), nn.ModuleList()
        for step, skip in enumerate(reversed(self.encoder.widths[:-1])):
            after = max(decoder_width // 2**step, 1)
            self.up.append(nn.ConvTranspose2d(before, after, 2, 2))
            self.decoder.append(
                nn.Sequential(nn.Conv2d(after + skip, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True))
            )
            before = after
        self.head = nn.ConvTranspose2d(before, out_channels, 2, 2)

    @property
    def radius(self) -> int:
        """Along y and x: down to the deepest map, and one convolution at each level on the way up."""
        return self.encoder.radii[-1] + sum(self.encoder.strides[:-1]) + self.encoder.strides[-1] - 1

    def decode(self, features: list[Tensor]) -> Tensor:
        """Feature maps of the encoder, finest first → logits (N, K, Y, X)."""
        *skips, x = features
        for up, decoder, skip in zip(self.up, self.decoder, reversed(skips), strict=True):
            x = decoder(torch.cat([up(x), skip], dim=1))
        return self.head(x)  # type: ignore[no-any-return]


class ResNetFCN(SectionNet):
    """A fully convolutional head: scores at several strides, upsampled and added (Long, Shelhamer & Darrell 2015).

    finest: stride of the finest map that answers, 32 (FCN-32s), 16 or 8 (FCN-8s); upsampling is a deconvolution that begins as bilinear
    interpolation and learns (section 4.2 there). blocks, width: as in `ResNetEncoder`.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 2,
        blocks: Sequence[int] = (3, 4, 6, 3),
        width: int = 64,
        finest: int = 8,
        neighbours: int = 1,
    ) -> None:
        super().__init__(in_channels, out_channels, blocks, width, neighbours)
        strides = self.encoder.strides
        if finest not in strides:
            raise CellmlError(f"task.net.finest is {finest}; the encoder has maps at the strides {strides}.")
        self.used = list(range(strides.index(finest), len(strides)))
        self.scores = nn.ModuleList([nn.Conv2d(self.encoder.widths[level], out_channels, 1) for level in self.used])
        self.upsample = nn.ModuleList([bilinear(out_channels, 2) for _ in self.used[1:]])
        self.finish = bilinear(out_channels, finest)

    @property
    def radius(self) -> int:
        """Along y and x: a bilinear deconvolution of stride s reaches 3 s/2 − 1 of its own pixels towards lower numbers."""
        strides = [self.encoder.strides[level] for level in self.used]
        return self.encoder.radii[-1] + sum(2 * s for s in strides[:-1]) + strides[0] * 3 // 2 - 1

    def decode(self, features: list[Tensor]) -> Tensor:
        """Feature maps of the encoder, finest first → logits (N, K, Y, X)."""
        scores = [score(features[level]) for score, level in zip(self.scores, self.used, strict=True)]
        x = scores[-1]
        for upsample, score in zip(reversed(list(self.upsample)), reversed(scores[:-1]), strict=True):
            x = upsample(x) + score
        return self.finish(x)  # type: ignore[no-any-return]


def bilinear(channels: int, stride: int) -> nn.ConvTranspose2d:
    """A deconvolution of even stride that begins as bilinear interpolation of each channel on its own."""
    layer = nn.ConvTranspose2d(channels, channels, 2 * stride, stride, stride // 2, bias=False)
    ramp = 1 - (torch.arange(2 * stride) - (stride - 0.5)).abs() / stride
    with torch.no_grad():
        layer.weight.zero_()
        for channel in range(channels):
            layer.weight[channel, channel] = ramp[:, None] * ramp[None, :]
    return layer
