"""Classifiers of scikit-learn, fitted so that the same pixels and seed always give the same answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.pixels.samples import LabelledPixels
from cellml.pixels.threads import in_parallel

_PIXELS_AT_A_TIME = 16_384


@dataclass(frozen=True, eq=False)
class FittedClassifier:
    """estimator: fitted to (x − mean) / scale; mean, scale: (F,) float32, so that no feature counts more for its unit."""

    estimator: Any
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def fit(cls, estimator: Any, pixels: LabelledPixels, seed: int) -> FittedClassifier:
        """Fit a copy of the estimator to standardised features."""
        mean, scale = pixels.features.mean(axis=0), pixels.features.std(axis=0)
        scale = np.where(scale > 0, scale, 1).astype(np.float32)
        return cls(seeded(estimator, seed).fit((pixels.features - mean) / scale, pixels.classes), mean, scale)

    def shares(self, features: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
        """features: (F, n) → class probabilities (classes, n); classes that the fit did not see get 0."""
        result = np.zeros((classes, features.shape[1]), np.float32)

        def some(start: int) -> None:
            part = slice(start, start + _PIXELS_AT_A_TIME)
            result[self.estimator.classes_.astype(int), part] = _shares(self.estimator, (features[:, part].T - self.mean) / self.scale).T

        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # the threads are ours; a second layer inside each would only wait for its own
            in_parallel(some, range(0, features.shape[1], _PIXELS_AT_A_TIME))
        return result


def seeded(estimator: Any, seed: int) -> Any:
    """An unfitted copy whose random states, and those of estimators inside it, are the seed wherever they were left open."""
    from sklearn.base import clone

    copy = clone(estimator)
    open_states = [name for name, value in copy.get_params().items() if name.split("__")[-1] == "random_state" and value is None]
    return copy.set_params(**dict.fromkeys(open_states, seed))


def is_forest(estimator: Any) -> bool:
    """Whether it is a decision tree or a mean of decision trees."""
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    return isinstance(estimator, RandomForestClassifier | ExtraTreesClassifier | DecisionTreeClassifier)


def _shares(estimator: Any, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, K) probabilities; of a classifier that only has a decision function, its logistic (two classes) or softmax."""
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(features))
    from scipy.special import softmax

    scores = np.asarray(estimator.decision_function(features))
    return np.asarray(softmax(np.stack([-scores / 2, scores / 2], axis=1) if scores.ndim == 1 else scores, axis=1))
