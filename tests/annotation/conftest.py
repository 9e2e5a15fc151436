"""A truth and annotators with known errors, made by code."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cellml.io import write_labels
from cellml.types import Labels

SPACING = (30.0, 5.0, 5.0)


def truth(shape=(4, 40, 44), classes=2, seed=0):
    """Blocks of 4 × 4 pixels of each class, class 0 most often."""
    rng = np.random.default_rng(seed)
    shares = np.array([0.6] + [0.4 / (classes - 1)] * (classes - 1))
    return rng.choice(classes, (shape[0], shape[1] // 4, shape[2] // 4), p=shares).repeat(4, 1).repeat(4, 2).astype(np.uint8)


def annotator(labels, confusion, seed):
    """Labels of somebody who says class s' where the class is s with probability confusion[s, s']."""
    draws = np.random.default_rng(seed).random(labels.shape)
    return (draws[..., None] > np.cumsum(confusion, axis=1)[labels]).sum(-1).clip(max=len(confusion) - 1).astype(np.uint8)


def binary(sensitivity, specificity):
    return np.array([[specificity, 1 - specificity], [1 - sensitivity, sensitivity]])


def saved(folder, arrays, spacing=SPACING, **more):
    paths = []
    for number, array in enumerate(arrays):
        paths.append(str(folder / f"annotator_{number}.tif"))
        write_labels(Labels(array, spacing, kind="semantic", **more), paths[-1])
    return paths


@pytest.fixture(scope="session")
def people():
    return SimpleNamespace(truth=truth, annotator=annotator, binary=binary, saved=saved, SPACING=SPACING)
