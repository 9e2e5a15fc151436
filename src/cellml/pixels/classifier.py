"""A classifier of pixels by their features, in a network's place: random forests and any other classifier of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellml.errors import CellmlError
from cellml.pixels.feature_net import FeatureNet
from cellml.pixels.features import PixelFeatures
from cellml.pixels.fitted import Field
from cellml.pixels.refit import FittedClassifier, is_forest, seeded
from cellml.pixels.samples import LabelledPixels, draw_positions, pixels_at
from cellml.pixels.trees import Trees

_TREES = ("roots", "left", "feature", "threshold", "share")


class PixelClassifier(FeatureNet):
    """Features of every pixel, a classifier, and a Gaussian over its probabilities (ilastik's pixel classification, Berg et al. 2019).

    features: what the classifier sees; classifier: an estimator of scikit-learn, with `predict_proba` or `decision_function`; samples: at
    most so many labelled voxels are drawn, evenly from all classes; smoothing_nm: standard deviation of the Gaussian, 0 for none; seed: of
    the draw, and of every random state of the classifier that is not set.

    A checkpoint holds no code: forests of decision trees are stored as arrays of nodes; of any other classifier the training pixels are
    stored, to which it is fitted again, with the same seed, when the checkpoint is opened.
    """

    fitted = ("pixel_features", "pixel_classes", *_TREES)

    def __init__(
        self,
        features: PixelFeatures,
        classifier: Any,
        in_channels: int = 1,
        out_channels: int = 2,
        samples: int = 20_000,
        smoothing_nm: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(features, in_channels, out_channels, smoothing_nm)
        if not hasattr(classifier, "fit") or not (hasattr(classifier, "predict_proba") or hasattr(classifier, "decision_function")):
            raise CellmlError(
                f"task.net.classifier is a {type(classifier).__name__}, which has no fit, or neither predict_proba nor "
                "decision_function; use a classifier of scikit-learn, such as sklearn.ensemble.RandomForestClassifier."
            )
        self.classifier, self.samples, self.seed = classifier, samples, seed

    def fit(self, data: Any, target: Any) -> dict[str, float]:
        """Draw labelled voxels of the training blocks, compute their features, fit. Returns how many voxels there were."""
        blocks = data.training_blocks
        pixels = pixels_at(blocks, draw_positions(blocks, target, self.samples, self.seed), self.features)
        self.fit_pixels(pixels)
        return {"pixels": float(len(pixels.classes))}

    def fit_pixels(self, pixels: LabelledPixels) -> None:
        """Fit to labelled pixels, and keep what a checkpoint needs."""
        arrays: dict[str, Any] = {name: np.empty(0, np.float32) for name in self.fitted}
        if is_forest(self.classifier):
            forest = seeded(self.classifier, self.seed).fit(pixels.features, pixels.classes)
            trees = Trees.of(forest, self.classes)
            arrays |= {name: getattr(trees, name) for name in _TREES}
        else:
            arrays |= {"pixel_features": pixels.features, "pixel_classes": pixels.classes.astype(np.uint8)}
        self.keep(**arrays)

    def restored(self) -> None:
        """Make the trees of the stored arrays, or fit the classifier to the stored pixels. Raises CellmlError for a damaged state."""
        if len(self.kept("roots")):
            self._model: Any = Trees(*(self.kept(name) for name in _TREES))
            return
        pixels = LabelledPixels(self.kept("pixel_features"), self.kept("pixel_classes").astype(np.int64))
        if pixels.features.ndim != 2 or len(pixels.features) != len(pixels.classes) or pixels.classes.max(initial=-1) >= self.classes:
            raise CellmlError(
                f"The stored pixels ({pixels.features.shape}, classes up to {pixels.classes.max(initial=-1)}) do not fit a classifier of "
                f"{self.classes} classes; the file is damaged."
            )
        self._model = FittedClassifier.fit(self.classifier, pixels, self.seed)

    def shares(self, features: Field) -> Field:
        """Features (F, n) → class probabilities (classes, n)."""
        if isinstance(self._model, Trees):
            return self._model.shares(features)
        return self._model.shares(features, self.classes)  # type: ignore[no-any-return]
