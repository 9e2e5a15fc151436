"""Small volumes made by code, which the tests of decoding share.

Property tests here compare with slow twins: they must not fail because a machine is busy.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from scipy.ndimage import gaussian_filter

from cellml.segmentation.neighbourhood import NEAREST, affinities_from_labels

settings.register_profile("slow twins", deadline=None, max_examples=50)
settings.load_profile("slow twins")

LONG = (*NEAREST, (-3, 0, 0), (0, -3, 0), (0, 0, -3), (-5, 0, 0), (0, -5, 0), (0, 0, -5))


def cells(shape=(24, 36, 36), count=8, seed=0):
    """Voronoi cells of random points, (Z, Y, X) uint32 from 1."""
    points = np.random.default_rng(seed).uniform(0, shape, (count, 3))
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    squared = ((grid[..., None, :] - points) ** 2).sum(-1)
    return (squared.argmin(-1) + 1).astype(np.uint32)


def blurred_affinities(labels, offsets=LONG, noise=0.1, seed=0):
    """Affinities as a network gives them: a soft valley at each boundary, and correlated noise."""
    rng = np.random.default_rng(seed)
    affinities, mask = affinities_from_labels(labels, offsets)
    for channel, known in zip(affinities, mask, strict=True):
        valley = np.clip(2.5 * gaussian_filter(np.where(known, 1 - channel, 0), 1.0), 0, 1)
        channel[:] = np.clip(1 - valley + noise * rng.standard_normal(channel.shape), 0, 1)
    return affinities


def same_partition(a, b):
    """Whether two label arrays differ only in how objects are numbered, 0 being background in both."""
    if not np.array_equal(a == 0, b == 0):
        return False
    pairs = len(np.unique(np.stack([a.ravel(), b.ravel()]), axis=1).T)
    return pairs == len(np.unique(a)) == len(np.unique(b))


@pytest.fixture(scope="session")
def synthetic():
    return SimpleNamespace(LONG=LONG, cells=cells, blurred_affinities=blurred_affinities, same_partition=same_partition)
