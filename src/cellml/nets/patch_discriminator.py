"""The critic of adversarial training: scores for overlapping patches of an image, with layers that cannot grow steep.

Patch critics judge texture and local structure, not the whole (Isola et al. 2017, arXiv:1611.07004, section 3.2.2); spectral
normalisation holds each layer's largest singular value at 1 (Miyato et al. 2018, arXiv:1802.05957).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from cellml.errors import CellmlError


class PatchDiscriminator(nn.Module):
    """(B, C, …) → scores (B, 1, …), one for each patch: high for images that look true.

    in_channels: C; widths: features of each level, every one of which halves the image; dimensions: 2 or 3; spectral: whether the layers
    are spectrally normalised. No normalisation over the batch or the image, which a gradient penalty would not allow (Gulrajani et al.
    2017, section 4). Raises CellmlError for an image smaller than one patch needs.
    """

    def __init__(self, in_channels: int = 1, widths: Sequence[int] = (16, 32, 64), dimensions: int = 3, spectral: bool = True) -> None:
        super().__init__()
        if dimensions not in (2, 3) or not widths or min(widths) < 1:
            raise CellmlError(f"A patch discriminator has 2 or 3 dimensions and widths above 0, got {dimensions} and {list(widths)}.")
        kind: type[nn.Conv2d] | type[nn.Conv3d] = nn.Conv2d if dimensions == 2 else nn.Conv3d
        layers: list[nn.Module] = []
        for narrow, wide in zip([in_channels, *widths[:-1]], widths, strict=True):
            layers += [kind(narrow, wide, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        layers += [kind(widths[-1], widths[-1], 3, padding=1), nn.LeakyReLU(0.2), kind(widths[-1], 1, 3, padding=1)]
        self.layers = nn.Sequential(*(spectral_norm(layer) if spectral and isinstance(layer, kind) else layer for layer in layers))
        self.in_channels, self.smallest = in_channels, 2 ** len(widths)

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, …) → scores (B, 1, …)."""
        if min(image.shape[2:]) < self.smallest:
            raise CellmlError(
                f"The discriminator needs patches of at least {self.smallest} voxels along each axis, got {tuple(image.shape[2:])}; "
                "enlarge data.patch, or give the discriminator fewer widths."
            )
        return self.layers(image)  # type: ignore[no-any-return]
