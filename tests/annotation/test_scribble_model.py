from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from cellml.annotation.scribble_model import ScribbleForest
from cellml.errors import CellmlError

SPACING = (40.0, 5.0, 5.0)
WHOLE = (slice(0, 3), slice(0, 60), slice(0, 70))


def scene(shape=(3, 60, 70), seed=0):
    """Two textures of one mean grey: fine noise on the left, coarse on the right."""
    rng = np.random.default_rng(seed)
    fine = rng.normal(100, 20, shape)
    coarse = rng.normal(100, 20, (shape[0], -(-shape[1] // 4), -(-shape[2] // 4))).repeat(4, 1).repeat(4, 2)[:, : shape[1], : shape[2]]
    right = np.broadcast_to(np.arange(shape[2]) >= shape[2] // 2, shape)
    return np.where(right, coarse, fine).astype(np.float32), right


def scribbles(right, count, seed=1):
    rng = np.random.default_rng(seed)
    voxels = np.stack([rng.integers(0, n, count) for n in right.shape], axis=1)
    return voxels, right[tuple(voxels.T)].astype(np.int64)


def forest(image, **more):
    return ScribbleForest(image, SPACING, 2, scales_nm=(5.0, 20.0), **more)


def test_texture_is_learned_from_a_few_hundred_voxels():
    image, right = scene()
    model = forest(image)
    model.fit(*scribbles(right, 300))
    share = model.predict(WHOLE)
    assert share.shape == (2, *image.shape) and share.sum(axis=0) == pytest.approx(1, abs=1e-5)
    assert ((share[1] > 0.5) == right).mean() > 0.9


def test_features_of_new_voxels_are_added_to_those_at_hand():
    """In two strokes the same is learned as at once, though the blocks that features were computed in differ."""
    image, right = scene((3, 220, 230))
    voxels, classes = scribbles(right, 400)
    once, twice = forest(image), forest(image)
    once.fit(voxels, classes)
    twice.fit(voxels[:150], classes[:150])
    assert len(twice._known) == len(np.unique(voxels[:150], axis=0))
    twice.fit(voxels, classes)
    np.testing.assert_allclose(once._rows, twice._rows, atol=1e-4)
    flat = np.ravel_multi_index(tuple(voxels.T), image.shape)
    whole = once.features(((image - image.mean()) / image.std())[None]).reshape(len(once.features.names), -1)
    np.testing.assert_allclose(once._rows, whole[:, np.unique(flat)].T, atol=1e-3)


def test_a_region_is_predicted_as_it_is_within_the_whole():
    image, right = scene()
    model = forest(image)
    model.fit(*scribbles(right, 300))
    part = (slice(1, 2), slice(20, 40), slice(25, 50))
    np.testing.assert_allclose(model.predict(part), model.predict(WHOLE)[(slice(None), *part)], atol=0.05)


def test_many_scribbles_are_drawn_from_evenly_and_any_classifier_can_stand_in():
    image, right = scene()
    model = forest(image, samples=100, estimator=GaussianNB())
    voxels, classes = scribbles(right, 600)
    rare = np.concatenate([np.flatnonzero(classes == 0)[:20], np.flatnonzero(classes == 1)])
    model.fit(voxels[rare], classes[rare])
    drawn = model._drawn(classes[rare])
    assert np.bincount(classes[rare][drawn]).tolist() == [20, 80]
    assert ((model.predict(WHOLE)[1] > 0.5) == right).mean() > 0.8


def test_what_cannot_be_learned_is_refused():
    with pytest.raises(CellmlError, match="constant or not finite"):
        forest(np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(CellmlError, match="Nothing is learned yet"):
        forest(scene()[0]).predict(WHOLE)


@pytest.mark.slow
def test_retraining_from_20000_scribbled_voxels_takes_at_most_five_seconds(capsys):
    """By processor time of one core, so that other programs on the machine do not decide; features of 2,000 new voxels included."""
    image, right = scene((10, 512, 512))
    voxels, classes = scribbles(right, 20_000)
    model = ScribbleForest(image, (45.0, 4.6, 4.6), 2)
    model.fit(voxels[:18_000], classes[:18_000])
    begin, wall = time.process_time(), time.perf_counter()
    model.fit(voxels, classes)
    took = time.process_time() - begin
    with capsys.disabled():
        print(f"\nretrained from {len(voxels):,} voxels: {took:.2f} s of processor time, {time.perf_counter() - wall:.2f} s on the clock")
    assert took <= 5.0
