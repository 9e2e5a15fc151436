"""Clusters of pixels in the space of their features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.pixels.features import PixelFeatures
from cellml.pixels.fitted import Field
from cellml.pixels.quantised import QuantisedNet


class KMeans(QuantisedNet):
    """Σ_i min_k |x_i − c_k|² is minimised over the centres c_k of standardised features (MacQueen 1967), best of `starts` (k-means++).

    Labels have no say in the clusters; they tell how much of each class is in each. features: what is looked at; clusters: k.
    """

    fitted = ("class_shares", "centres", "mean", "scale")

    def __init__(
        self,
        features: PixelFeatures,
        in_channels: int = 1,
        out_channels: int = 2,
        clusters: int = 12,
        starts: int = 4,
        samples: int = 50_000,
        seed: int = 0,
    ) -> None:
        if clusters < 2:
            raise CellmlError(f"task.net.clusters is {clusters}; at least 2 are needed to tell anything apart.")
        super().__init__(features, in_channels, out_channels, samples, seed)
        self.clusters, self.starts = clusters, starts

    @property
    def cell_count(self) -> int:
        """Clusters."""
        return self.clusters

    def learn(self, features: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Features (n, F) → centres (k, F), mean and scale (F,)."""
        from sklearn.cluster import KMeans as Clustering

        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > 0, scale, 1).astype(np.float32)
        found = Clustering(self.clusters, n_init=self.starts, random_state=self.seed).fit((features - mean) / scale)
        return {"centres": found.cluster_centers_.astype(np.float32), "mean": mean, "scale": scale}

    def cells(self, features: Field) -> NDArray[np.integer[Any]]:
        """Features (F, n) → the nearest centre: |x − c|² without |x|², which is the same for all."""
        centres, mean, scale = (self.kept(name) for name in ("centres", "mean", "scale"))
        weights = centres / scale
        offset = (centres**2).sum(axis=1) / 2 + weights @ mean
        return np.asarray((offset[:, None] - weights @ features).argmin(axis=0))
