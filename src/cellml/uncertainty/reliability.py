"""Are events that are said to have a chance of 70 % there in 70 of 100 cases? Sums over whole volumes, from bins that add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 20
_EDGE = 1e-7


@dataclass(frozen=True)
class Bins:
    """Voxels, sum of the stated probabilities and number of true events in each of B equal bins of probability, all (B,) float64."""

    voxels: NDArray[np.float64]
    stated: NDArray[np.float64]
    observed: NDArray[np.float64]

    @classmethod
    def zeros(cls, bins: int = BINS) -> Bins:
        """Nothing counted."""
        return cls(np.zeros(bins), np.zeros(bins), np.zeros(bins))

    @classmethod
    def count(cls, probability: NDArray[Any], event: NDArray[Any], bins: int = BINS) -> Bins:
        """probability, event: (N,), the event 0 or 1."""
        place = np.minimum((probability * bins).astype(np.int64), bins - 1)
        ones = np.ones(len(place))
        return cls(*(np.bincount(place, weights=w, minlength=bins).astype(np.float64) for w in (ones, probability, event)))

    def __add__(self, other: Bins) -> Bins:
        """Counted together."""
        return Bins(self.voxels + other.voxels, self.stated + other.stated, self.observed + other.observed)

    @property
    def error(self) -> float:
        """Expected calibration error, Σ_b n_b/n |mean stated − share observed| (Naeini et al. 2015); NaN where nothing was counted."""
        total = self.voxels.sum()
        return float(np.abs(self.stated - self.observed).sum() / total) if total else float("nan")

    def as_dict(self) -> dict[str, list[float]]:
        """Plain lists, for JSON."""
        return {name: [float(v) for v in getattr(self, name)] for name in ("voxels", "stated", "observed")}


@dataclass(frozen=True)
class Reliability:
    """Calibration statistics of K channels.

    channels: bins of each channel's own probability; top: bins of the likeliest class's probability, the event being that it is right
    (exclusive classes; for yes-or-no channels the likelier answer, all channels together); voxels: counted voxels; brier, nll: sums.
    """

    channels: tuple[Bins, ...]
    top: Bins
    voxels: int = 0
    brier_sum: float = 0.0
    nll_sum: float = 0.0

    @classmethod
    def zeros(cls, channels: int) -> Reliability:
        """Nothing counted."""
        return cls(tuple(Bins.zeros() for _ in range(channels)), Bins.zeros())

    def update(
        self, probabilities: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_] | None = None, *, exclusive: bool
    ) -> Reliability:
        """With further voxels: probabilities, truth: (K, …), the truth one-hot or 0 and 1 in each channel; mask: (1 or K, …)."""
        k = len(self.channels)
        p, y = (np.asarray(a, np.float64).reshape(k, -1) for a in (probabilities, truth))
        kept = np.ones(p.shape, bool) if mask is None else np.broadcast_to(np.asarray(mask, bool).reshape(len(mask), -1), p.shape)
        counted = [Bins.count(p[i][kept[i]], y[i][kept[i]]) for i in range(k)]
        if exclusive:
            p, y = p[:, kept[0]], y[:, kept[0]]
            best = p.argmax(axis=0)
            top = Bins.count(p.max(axis=0), np.take_along_axis(y, best[None], axis=0)[0])
            brier, nll, voxels = ((p - y) ** 2).sum(), -np.log(np.maximum((p * y).sum(axis=0), _EDGE)).sum(), p.shape[1]
        else:
            p, y = p[kept], y[kept]
            top = Bins.count(np.maximum(p, 1 - p), (p >= 0.5) == (y > 0.5))
            q = np.clip(p, _EDGE, 1 - _EDGE)
            brier, nll, voxels = ((p - y) ** 2).sum(), -(y * np.log(q) + (1 - y) * np.log1p(-q)).sum(), p.size
        return self + Reliability(tuple(counted), top, voxels, float(brier), float(nll))

    def __add__(self, other: Reliability) -> Reliability:
        """Counted together."""
        channels = tuple(a + b for a, b in zip(self.channels, other.channels, strict=True))
        return Reliability(
            channels,
            self.top + other.top,
            self.voxels + other.voxels,
            self.brier_sum + other.brier_sum,
            self.nll_sum + other.nll_sum,
        )

    def scores(self) -> dict[str, float]:
        """ece: of the likeliest answer (Guo et al. 2017); channel_ece: mean over channels of each one's own.

        brier: mean of Σ_k (p_k − y_k)² over voxels for classes (Brier 1950), of (p − y)² for yes-or-no channels; nll: mean −ln p(truth).
        """
        n = self.voxels or float("nan")
        own = [bins.error for bins in self.channels]
        return {
            "ece": self.top.error,
            "channel_ece": float(np.mean(own)),
            "brier": self.brier_sum / n,
            "nll": self.nll_sum / n,
        }
