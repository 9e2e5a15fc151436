"""A classifier that learns from scribbles while they are drawn."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Triple

Region = tuple[slice, slice, slice]
_WIDTH = {2: (1, 192, 192), 3: (16, 64, 64)}  # voxels of the blocks whose features are computed at once, by the number of axes they span


class Model(Protocol):
    """What a session needs of a classifier: fitted to scribbled voxels, it predicts regions."""

    def fit(self, voxels: NDArray[np.int64], classes: NDArray[np.int64]) -> None:
        """voxels: (n, 3) indices z, y, x; classes: (n,) numbers from 0."""

    def predict(self, region: Region) -> NDArray[np.float32]:
        """Class probabilities (K, z, y, x) of a region."""


class ScribbleForest:
    """A random forest on pixel features (`cellml.pixels`), of which only those of newly scribbled voxels are computed at each fit.

    image: (Z, Y, X); spacing: (z, y, x) in nm; classes: K; scales_nm: of the features; estimator: of scikit-learn, a forest of 50 trees
    where None; samples: at most so many scribbled voxels are used, evenly from all classes; smoothing_nm: of the probabilities;
    seed: of the draw and of the forest. Grey values are normalised to mean 0 and standard deviation 1 of the whole image.
    """

    def __init__(
        self,
        image: NDArray[Any],
        spacing: Triple,
        classes: int,
        *,
        scales_nm: Sequence[float] = (10.0, 20.0, 40.0, 80.0),
        estimator: Any = None,
        samples: int = 20_000,
        smoothing_nm: float = 0.0,
        seed: int = 0,
    ) -> None:
        from cellml.pixels.classifier import PixelClassifier
        from cellml.pixels.features import PixelFeatures

        deviation = float(image.std(dtype=np.float64))
        if not deviation > 0 or not np.isfinite(deviation):
            raise CellmlError(f"The image is constant or not finite (standard deviation {deviation}); nothing can be learned from it.")
        self._image, self._mean, self._deviation = image, float(image.mean(dtype=np.float64)), deviation
        self.features = PixelFeatures(spacing=spacing, scales_nm=scales_nm)
        self.net = PixelClassifier(
            self.features, _forest() if estimator is None else estimator, out_channels=classes, smoothing_nm=smoothing_nm, seed=seed
        )
        self.samples, self.seed = samples, seed
        self._known = np.zeros(0, np.int64)  # flat indices, ascending, of voxels whose features are at hand
        self._rows = np.zeros((0, len(self.features.names)), np.float32)
        self.seconds: dict[str, float] = {}

    def fit(self, voxels: NDArray[np.int64], classes: NDArray[np.int64]) -> None:
        """Fit to scribbled voxels (n, 3) and their classes (n,), from 0; `seconds` says how long features and forest took."""
        from cellml.pixels.samples import LabelledPixels

        begin = time.perf_counter()
        chosen = self._drawn(classes)
        flat = np.ravel_multi_index(tuple(voxels[chosen].T), self._image.shape)
        self._learn_features(np.setdiff1d(flat, self._known))
        middle = time.perf_counter()
        self.net.fit_pixels(LabelledPixels(self._rows[np.searchsorted(self._known, flat)], classes[chosen]))
        self.seconds = {"features": middle - begin, "fit": time.perf_counter() - middle}

    def predict(self, region: Region) -> NDArray[np.float32]:
        """Class probabilities (K, z, y, x) of a region, from the voxels in it and around it. Raises CellmlError before the first fit."""
        if not len(self._known):
            raise CellmlError("Nothing is learned yet; scribble voxels of at least two classes, then retrain.")
        block, inner = self._around(region, self.net.halo)
        return self.net.probabilities(block)[(slice(None), *inner)]

    def _drawn(self, classes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which scribbled voxels to use: all, or `samples` of them, evenly from all classes and always the same."""
        from cellml.pixels.samples import share_out

        if len(classes) <= self.samples:
            return np.arange(len(classes))
        order = np.random.default_rng(self.seed).permutation(len(classes))
        present = np.unique(classes)
        quotas = share_out([int((classes == number).sum()) for number in present], self.samples)
        parts = [order[classes[order] == number][:quota] for number, quota in zip(present, quotas, strict=True)]
        return np.sort(np.concatenate(parts))

    def _learn_features(self, flat: NDArray[np.int64]) -> None:
        """Compute the features of voxels, block by block, and keep them."""
        if not flat.size:
            return
        voxels = np.stack(np.unravel_index(flat, self._image.shape), axis=1)
        width = np.array(_WIDTH[len(self.features.axes)])
        blocks, which = np.unique(voxels // width, axis=0, return_inverse=True)
        rows = np.empty((len(flat), self._rows.shape[1]), np.float32)
        for number, block in enumerate(blocks):
            own = which.ravel() == number
            low = np.maximum(block * width, voxels[own].min(axis=0))
            high = np.minimum((block + 1) * width, voxels[own].max(axis=0) + 1)
            region = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
            around, inner = self._around(region, self.features.halo)
            z, y, x = (voxels[own] - low + [part.start for part in inner]).T
            rows[own] = self.features(around)[:, z, y, x].T
        known = np.concatenate([self._known, flat])
        order = np.argsort(known)
        self._known, self._rows = known[order], np.concatenate([self._rows, rows])[order]

    def _around(self, region: Region, halo: Sequence[int]) -> tuple[NDArray[np.float32], Region]:
        """Normalised grey values (1, …) of a region with a halo, where the image has it, and where the region lies in them."""
        outer = [slice(max(0, s.start - h), min(n, s.stop + h)) for s, h, n in zip(region, halo, self._image.shape, strict=True)]
        inner = [slice(s.start - o.start, s.stop - o.start) for s, o in zip(region, outer, strict=True)]
        grey = (self._image[tuple(outer)].astype(np.float32) - self._mean) / self._deviation
        return grey[None].astype(np.float32), (inner[0], inner[1], inner[2])


def _forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    # Each tree sees half of the scribbles: neighbouring pixels say the same, and the next stroke must not wait.
    return RandomForestClassifier(n_estimators=50, max_depth=12, min_samples_leaf=3, max_samples=0.5, n_jobs=-1)
