"""What looks at pixels through their features, in a network's place."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from cellml.pixels.features import PixelFeatures
from cellml.pixels.fitted import Field, FittedNet, Triple
from cellml.pixels.gaussian import radius, smooth


class FeatureNet(FittedNet):
    """Features of every pixel, class shares by them, and a Gaussian over these; a subclass says `shares` and `fit`.

    features: what is looked at; smoothing_nm: standard deviation of the Gaussian over the shares, 0 for none.
    """

    def __init__(self, features: PixelFeatures, in_channels: int, out_channels: int, smoothing_nm: float = 0.0) -> None:
        super().__init__(in_channels, out_channels)
        self.features, self.smoothing_nm = features, smoothing_nm

    @property
    def multiple(self) -> Triple:  # type: ignore[override]
        """Sizes must be multiples of these (z, y, x)."""
        z, y, x = self.features.stride
        return (z, y, x)

    @property
    def halo(self) -> Triple:  # type: ignore[override]
        """Radius of the field of view in voxels: of the features, of the smoothing, and of interpolation between coarser voxels."""
        reach = [radius(sigma) * s + (s > 1) * s for sigma, s in zip(self._smoothing(), self.features.stride, strict=True)]
        z, y, x = (a + b for a, b in zip(self.features.halo, reach, strict=True))
        return (z, y, x)

    def shares(self, features: Field) -> Field:
        """Features (F, n) of pixels → class shares (classes, n)."""
        raise NotImplementedError(f"{type(self).__name__}.shares")

    def probabilities(self, image: Field) -> Field:
        """Normalised image (C, Z, Y, X) → class probabilities (classes, Z, Y, X)."""
        parts = []
        for _, block in self.features.slabs(image):
            parts.append(self.shares(block.reshape(len(block), -1)).reshape(self.classes, *block.shape[1:]))
        result = np.concatenate(parts, axis=1)
        if self.smoothing_nm:
            result = np.stack([smooth(field, self._smoothing()) for field in result])
        return refined(result, image.shape[1:])

    def _smoothing(self) -> tuple[float, float, float]:
        """Standard deviations (z, y, x) of the smoothing in working voxels."""
        z, y, x = (self.smoothing_nm / s if axis in self.features.axes else 0.0 for axis, s in enumerate(self.features.working_spacing))
        return (z, y, x)


def refined(coarse: Field, shape: tuple[int, ...]) -> Field:
    """(K, Z', Y', X') → (K, Z, Y, X) by linear interpolation between the centres of coarser voxels."""
    if coarse.shape[1:] == shape:
        return coarse
    fine = functional.interpolate(torch.from_numpy(coarse)[None], size=shape, mode="trilinear", align_corners=False)
    return np.asarray(fine[0].numpy())
