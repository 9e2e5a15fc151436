"""How well a predicted image agrees with the true one, from sums that add up over blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError


@dataclass(frozen=True, eq=False)
class ImageMoments:
    """Means and centred second moments of truth t and prediction p over the voxels counted, for each channel.

    count, truth_mean, prediction_mean, truth_square Σ(t − t̄)², prediction_square Σ(p − p̄)², product Σ(t − t̄)(p − p̄), absolute Σ|p − t|:
    (C,) float64. Blocks add up with `+` by the pairwise update of Chan, Golub and LeVeque (1983, doi:10.1080/00031305.1983.10483115),
    which loses no digits where means are large against deviations, as fluorescence on a camera's offset is.
    """

    count: NDArray[np.float64]
    truth_mean: NDArray[np.float64]
    prediction_mean: NDArray[np.float64]
    truth_square: NDArray[np.float64]
    prediction_square: NDArray[np.float64]
    product: NDArray[np.float64]
    absolute: NDArray[np.float64]

    @classmethod
    def zeros(cls, channels: int) -> ImageMoments:
        """No voxel counted yet."""
        return cls(*(np.zeros(channels) for _ in range(7)))

    @classmethod
    def from_images(cls, truth: NDArray[Any], prediction: NDArray[Any], mask: NDArray[Any] | None = None) -> ImageMoments:
        """Count two images (C, Z, Y, X) where `mask` (the same shape) is true. Raises CellmlError where shapes disagree."""
        truth, prediction = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
        known = np.ones(truth.shape, bool) if mask is None else np.broadcast_to(np.asarray(mask) != 0, truth.shape)
        if truth.shape != prediction.shape:
            raise CellmlError(f"Truth has shape {truth.shape}, prediction has shape {prediction.shape}; they must cover the same voxels.")
        return cls(*np.array([_moments(t[k], p[k]) for t, p, k in zip(truth, prediction, known, strict=True)]).T)

    def __add__(self, other: ImageMoments) -> ImageMoments:
        count = self.count + other.count
        share = np.divide(other.count, count, out=np.zeros_like(count), where=count > 0)
        truth, prediction = other.truth_mean - self.truth_mean, other.prediction_mean - self.prediction_mean
        between = self.count * share
        return ImageMoments(
            count,
            self.truth_mean + truth * share,
            self.prediction_mean + prediction * share,
            self.truth_square + other.truth_square + truth**2 * between,
            self.prediction_square + other.prediction_square + prediction**2 * between,
            self.product + other.product + truth * prediction * between,
            self.absolute + other.absolute,
        )

    def pearson(self) -> NDArray[np.float64]:
        """Correlation r of truth and prediction, (C,), −1 to 1; NaN where either is constant or nothing was counted."""
        spread = np.sqrt(self.truth_square * self.prediction_square)
        return np.divide(self.product, spread, out=np.full(spread.shape, np.nan), where=spread > 0)

    def mean_absolute_error(self) -> NDArray[np.float64]:
        """Mean |p − t|, (C,), in the images' units; NaN where nothing was counted."""
        return np.divide(self.absolute, self.count, out=np.full(self.count.shape, np.nan), where=self.count > 0)

    def explained_variance(self) -> NDArray[np.float64]:
        """R² = 1 − Σ(p − t)² / Σ(t − t̄)², (C,), at most 1; NaN where the truth is constant."""
        bias = self.count * (self.prediction_mean - self.truth_mean) ** 2
        squared = self.truth_square + self.prediction_square - 2 * self.product + bias
        return 1 - np.divide(squared, self.truth_square, out=np.full(squared.shape, np.nan), where=self.truth_square > 0)


def _moments(truth: NDArray[np.float64], prediction: NDArray[np.float64]) -> tuple[float, ...]:
    if not truth.size:
        return (0.0,) * 7
    t, p = truth - truth.mean(), prediction - prediction.mean()
    sums = (np.dot(t, t), np.dot(p, p), np.dot(t, p), np.abs(prediction - truth).sum())
    return (float(truth.size), float(truth.mean()), float(prediction.mean()), *(float(s) for s in sums))
