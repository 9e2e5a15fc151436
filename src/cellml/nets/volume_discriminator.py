"""The critic of whole shapes: one score a volume, for a shape is right or wrong as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from cellml.errors import CellmlError


class VolumeDiscriminator(nn.Module):
    """(B, C, Z, Y, X) → scores (B, 1), high for shapes that look real.

    channels: C, the grid, the size and one for each number of the condition; shape: voxels (z, y, x), multiples of 2^len(widths); widths:
    features of each level, every one of which halves the grid; normalised: batch normalisation but for the first level (Radford et al.
    2016, arXiv:1511.06434), which a gradient penalty does not allow (Gulrajani et al. 2017, section 4); spectral: layers whose largest
    singular value is held at 1 (Miyato et al. 2018, arXiv:1802.05957); dropout: share of the last features that a step leaves out.
    Raises CellmlError for a grid that cannot be halved so often.
    """

    def __init__(
        self,
        channels: int = 2,
        shape: Sequence[int] = (32, 32, 32),
        widths: Sequence[int] = (16, 32, 64),
        normalised: bool = False,
        spectral: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        fold = 2 ** len(widths)
        if not widths or any(int(n) % fold or int(n) < fold for n in shape):
            raise CellmlError(f"A grid of {list(shape)} voxels cannot be halved {len(widths)} times; use multiples of {fold}.")
        layers: list[nn.Module] = []
        for level, (narrow, wide) in enumerate(zip([channels, *widths[:-1]], widths, strict=True)):
            layers += [nn.Conv3d(narrow, wide, 4, stride=2, padding=1)]
            layers += [nn.BatchNorm3d(wide)] if normalised and level else []
            layers += [nn.LeakyReLU(0.2)]
        self.channels, self.width = channels, widths[-1] * prod(int(n) // fold for n in shape)
        layers += [nn.Flatten(), nn.Dropout(dropout)]
        held = [spectral_norm(layer) if spectral and isinstance(layer, nn.Conv3d) else layer for layer in layers]
        score = nn.Linear(self.width, 1)
        self.layers, self.score = nn.Sequential(*held), spectral_norm(score) if spectral else score

    def features(self, image: Tensor) -> Tensor:
        """(B, C, Z, Y, X) → (B, width), from which the score is linear."""
        if image.shape[1] != self.channels:
            raise CellmlError(
                f"The critic was built for {self.channels} channels and is shown {image.shape[1]}: the grid, the size, and one for each "
                f"number of the condition; set task.opponent.critic.channels={image.shape[1]}."
            )
        return self.layers(image)  # type: ignore[no-any-return]

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, Z, Y, X)."""
        return self.score(self.features(image))  # type: ignore[no-any-return]
