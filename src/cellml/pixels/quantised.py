"""Classes of pixels by the cell that their features fall into: what thresholds and clusters have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.pixels.feature_net import FeatureNet
from cellml.pixels.features import PixelFeatures
from cellml.pixels.fitted import Field
from cellml.pixels.samples import draw_anywhere, draw_positions, pixels_at


class QuantisedNet(FeatureNet):
    """Cells found without labels, and the share of each class in every cell, counted on labelled voxels.

    A subclass says `learn` (features of unlabelled pixels → arrays that describe the cells) and `cells` (features → cell numbers). samples:
    voxels of the training blocks that the cells are learned from, and as many labelled ones that are counted.
    """

    fitted: tuple[str, ...] = ("class_shares",)

    def __init__(self, features: PixelFeatures, in_channels: int, out_channels: int, samples: int, seed: int) -> None:
        super().__init__(features, in_channels, out_channels)
        self.samples, self.seed = samples, seed

    def learn(self, features: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Features (n, F) of pixels of the training blocks → arrays by name, which `fitted` lists."""
        raise NotImplementedError(f"{type(self).__name__}.learn")

    def cells(self, features: Field) -> NDArray[np.integer[Any]]:
        """Features (F, n) → cell numbers (n,), below `cell_count`."""
        raise NotImplementedError(f"{type(self).__name__}.cells")

    @property
    def cell_count(self) -> int:
        """How many cells there are."""
        raise NotImplementedError(f"{type(self).__name__}.cell_count")

    def fit(self, data: Any, target: Any) -> dict[str, float]:
        """Learn the cells from any voxels of the training blocks, and count the classes of labelled ones in them."""
        blocks = data.training_blocks
        anywhere = pixels_at(blocks, draw_anywhere(blocks, self.samples, self.seed), self.features)
        self.keep(**self.learn(anywhere.features))
        labelled = pixels_at(blocks, draw_positions(blocks, target, self.samples, self.seed, even=False), self.features)
        counts = np.zeros((self.cell_count, self.classes))
        np.add.at(counts, (self.cells(labelled.features.T), labelled.classes), 1)
        prior = counts.sum(axis=0) / counts.sum()
        shares = (counts + prior) / (counts.sum(axis=1, keepdims=True) + 1)  # a cell without labelled voxels has the shares of all
        self.keep(class_shares=shares.astype(np.float32))
        return {"pixels": float(len(labelled.classes))}

    def shares(self, features: Field) -> Field:
        """Features (F, n) → the shares of their cells, (classes, n)."""
        return np.asarray(self.kept("class_shares").T[:, self.cells(features)])
