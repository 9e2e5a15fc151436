"""Classes from what a model makes of a shape, cross-validated so that no group is on both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]
Codes = Callable[[NDArray[np.int64], NDArray[np.int64]], tuple[Floats, Floats]]


def forest(seed: int = 0) -> Any:
    """500 trees, classes weighted by their rarity: for descriptors."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(500, class_weight="balanced", min_samples_leaf=2, random_state=seed)


def linear(seed: int = 0) -> Any:
    """Logistic regression on standardised codes, classes weighted by their rarity: for latent codes."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.3, class_weight="balanced", max_iter=2000, random_state=seed))


def cross_validated_classes(
    table: Floats | Codes, classes: Sequence[str], groups: Sequence[str], classifier: Callable[[], Any], folds: int = 5
) -> NDArray[np.str_]:
    """The class (N,) that is predicted for each shape by a classifier that saw none of its group.

    table: numbers (N, K), or a function (train, test) → numbers of either, for codes of a model that is itself fitted on the training
    shapes; classes, groups: (N,). Raises CellmlError for a class with fewer than two groups: it cannot be held out.
    """
    from cellml.data.labelled_mesh import folds_by_group

    labels, stacks = np.asarray(classes), np.asarray(groups)
    for name in np.unique(labels):
        if len(np.unique(stacks[labels == name])) < 2:
            raise CellmlError(f"Class {name!r} has {(labels == name).sum()} shapes of one group; it needs two groups. Leave the class out.")
    fold = folds_by_group(list(groups), folds)
    found = np.empty(len(labels), dtype=labels.dtype)
    for number in range(folds):
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        known, unknown = table(train, test) if callable(table) else (table[train], table[test])
        found[test] = classifier().fit(known, labels[train]).predict(unknown)
    return found


def balanced_accuracy(truth: Sequence[str], predicted: Sequence[str] | NDArray[np.str_]) -> float:
    """Mean over classes of the share of their shapes that are recognised; chance is one over the number of classes."""
    truths, answers = np.asarray(truth), np.asarray(predicted)
    return float(np.mean([(answers[truths == name] == name).mean() for name in np.unique(truths)]))
