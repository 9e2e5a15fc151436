"""Grey levels: the simplest segmentation there is, and the measure of all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.pixels.features import PixelFeatures
from cellml.pixels.fitted import Field
from cellml.pixels.quantised import QuantisedNet


class Thresholds(QuantisedNet):
    """Grey values cut into levels with the largest variance between them (Otsu 1979; several thresholds: Liao et al. 2001).

    σ_B² = Σ_k w_k (μ_k − μ)² is maximised over thresholds, w_k and μ_k being share and mean of level k in the training blocks' histogram of
    256 bins; no label has a say in it. Labelled voxels then tell how much of each class is in each level.

    spacing: (z, y, x) in nm; levels: 2 for one threshold, at most 5; smoothing_nm: standard deviation of the Gaussian on the image, within
    sections where these are far apart; stride: voxels that are averaged to one before.
    """

    fitted = ("class_shares", "thresholds")

    def __init__(
        self,
        spacing: Sequence[float] = (10.0, 10.0, 10.0),
        in_channels: int = 1,
        out_channels: int = 2,
        levels: int = 2,
        smoothing_nm: float = 10.0,
        stride: Sequence[int] = (1, 1, 1),
        samples: int = 200_000,
        seed: int = 0,
    ) -> None:
        if not 2 <= levels <= 5:
            raise CellmlError(
                f"task.net.levels is {levels}; Otsu's method is for 2 to 5 (its time grows with the power of the thresholds)."
            )
        if in_channels != 1:
            raise CellmlError(f"Thresholds need one grey value for each voxel, and the image has {in_channels} channels; select one.")
        features = PixelFeatures(spacing=spacing, scales_nm=(smoothing_nm,), stride=stride, edges=False, texture=False)
        super().__init__(features, in_channels, out_channels, samples, seed)
        self.levels = levels

    @property
    def cell_count(self) -> int:
        """Levels."""
        return self.levels

    def learn(self, features: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Grey values (n, 1) → thresholds. Raises CellmlError where there are fewer values than levels."""
        return {"thresholds": otsu_thresholds(features[:, 0], self.levels)}

    def cells(self, features: Field) -> NDArray[np.integer[Any]]:
        """Grey values (1, n) → levels, the darkest 0."""
        return np.digitize(features[0], self.kept("thresholds"))


def otsu_thresholds(values: NDArray[Any], levels: int) -> NDArray[np.float32]:
    """The `levels` − 1 thresholds of Otsu's method, from 256 bins. Raises CellmlError where there are fewer values than levels."""
    from skimage.filters import threshold_multiotsu, threshold_otsu

    if len(np.unique(values[:: max(1, len(values) // 10_000)])) < levels:
        raise CellmlError(f"The training blocks have fewer than {levels} grey values; there is nothing to threshold.")
    found = threshold_otsu(values, nbins=256) if levels == 2 else threshold_multiotsu(values, classes=levels, nbins=256)
    half = np.ptp(values) / 512  # a threshold is the middle of a bin, all of which belongs to the level below
    return np.atleast_1d(np.asarray(found + half, np.float32))
