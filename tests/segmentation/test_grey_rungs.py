"""Thresholds, clusters and marker watershed: the rungs below classifiers."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.module import VolumeDataModule
from cellml.errors import CellmlError
from cellml.infer.predict import SlidingWindow
from cellml.pixels.features import PixelFeatures
from cellml.segmentation.kmeans import KMeans
from cellml.segmentation.marker_watershed import MarkerWatershed, flooded
from cellml.segmentation.thresholds import Thresholds, otsu_thresholds
from cellml.tasks.targets import SemanticTarget

TARGET = SemanticTarget(["background", "foreground"])
FEATURES = PixelFeatures(scales_nm=(10,), planar=True, texture=False)


def discs(path: Path, spacing: float = 10) -> VolumeDataModule:
    """Grey discs with a dark rim on a bright ground, so that no single threshold finds them."""
    rng = np.random.default_rng(0)
    z, y, x = np.meshgrid(np.arange(8), np.arange(60), np.arange(70), indexing="ij")
    distance = np.minimum(np.hypot(y - 20 - z, x - 20), np.hypot(y - 36, x - 50 + z))
    labels = (distance < 12).astype(np.uint8)
    raw = np.select([distance < 12, distance < 16], [120, 30], 200)
    np.savez(path, raw=(raw + rng.normal(0, 12, raw.shape)).clip(0, 255).astype(np.uint8), labels=labels, voxel_nm=[spacing, 10, 10])
    blocks = [{"image": f"{path}:raw", "labels": f"{path}:labels", "region": {"z": part}} for part in ([0, 4], [5, 8])]
    return VolumeDataModule(train=blocks[:1], val=blocks[1:], patch=[2, 16, 16], guard=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> VolumeDataModule:
    return discs(tmp_path_factory.mktemp("discs") / "discs.npz", spacing=40)


def agreement(net: Any, data: VolumeDataModule) -> float:
    block = data.validation_blocks[0]
    with torch.inference_mode():
        p = net.eval()(torch.from_numpy(block.read_image())[None]).softmax(dim=1)[0, 1].numpy()
    truth = block.read_labels() > 0
    return max((((p > t) & truth).sum() / ((p > t) | truth).sum()) for t in (0.1, 0.3, 0.5, 0.7))


@pytest.mark.parametrize("levels", [2, 3])
def test_thresholds_maximise_the_variance_between_levels(levels: int) -> None:
    """A slow twin over all choices of thresholds between the values."""
    values = np.random.default_rng(1).integers(0, 12, 300).astype(float) + 0.0
    edges = np.arange(12) + 0.5

    def between(cuts: tuple[float, ...]) -> float:
        parts = np.split(np.sort(values), np.searchsorted(np.sort(values), cuts))
        return sum(len(p) * (p.mean() - values.mean()) ** 2 for p in parts if len(p))

    best = max(between(cuts) for cuts in combinations(edges, levels - 1))
    assert between(tuple(otsu_thresholds(values, levels))) == pytest.approx(best, rel=1e-12)


def test_labels_have_no_say_in_thresholds_but_tell_what_levels_mean(data: VolumeDataModule) -> None:
    one, several = Thresholds((40, 10, 10), levels=2, samples=20_000), Thresholds((40, 10, 10), levels=3, samples=20_000)
    for net in (one, several):
        net.fit(data, TARGET)
    assert several.kept("class_shares").shape == (3, 2) and several.kept("class_shares")[1, 1] > 0.5, "the middle level is the class"
    np.testing.assert_allclose(several.kept("class_shares").sum(axis=1), 1, atol=1e-6)
    assert agreement(several, data) > agreement(one, data) + 0.1


def test_clusters_are_scikit_learns_and_the_nearest_centre_is_the_nearest(data: VolumeDataModule) -> None:
    net = KMeans(FEATURES, clusters=5, samples=3000)
    net.fit(data, TARGET)
    features = np.random.default_rng(0).normal(size=(len(FEATURES.names), 500)).astype(np.float32)
    scaled = (features.T - net.kept("mean")) / net.kept("scale")
    slow = np.linalg.norm(scaled[:, None] - net.kept("centres"), axis=2).argmin(axis=1)
    assert (net.cells(features) == slow).mean() > 0.998 and agreement(net, data) > 0.5


def test_water_meets_on_the_crest() -> None:
    """Two basins with a crest at column 13: the class floods up to it, although its level ends at column 10."""
    edge = np.tile(np.exp(-0.5 * ((np.arange(30) - 13) / 2.0) ** 2), (20, 1)).astype(np.float32)
    inside = np.zeros((20, 30), bool)
    inside[:, :10] = True
    found = flooded(inside, edge, (1, 1), 4.0)
    assert found[:, :13].all() and not found[:, 14:].any()
    assert not flooded(inside, edge, (1, 1), 40.0).any(), "nothing is as deep as that"
    assert flooded(np.ones_like(inside), edge, (1, 1), 1.0).all() and not flooded(np.zeros_like(inside), edge, (1, 1), 1.0).any()


@pytest.mark.parametrize("spacing", [40, 10])
def test_marker_watershed_finds_the_level_and_beats_the_thresholds(spacing: float, tmp_path: Path) -> None:
    data = discs(tmp_path / "discs.npz", spacing)
    net, grey = MarkerWatershed((spacing, 10, 10), smoothing_nm=10), Thresholds((spacing, 10, 10), levels=3)
    numbers = net.fit(data, TARGET)
    grey.fit(data, TARGET)
    assert numbers["level"] == 1 and agreement(net, data) > max(0.8, agreement(grey, data))


@pytest.mark.parametrize("kind", ["thresholds", "kmeans", "marker_watershed"])
def test_state_alone_predicts_the_same_and_tiles_agree(kind: str, data: VolumeDataModule) -> None:
    make: Any = {
        "thresholds": lambda: Thresholds((40, 10, 10), levels=3, stride=(1, 2, 2), samples=5000),
        "kmeans": lambda: KMeans(FEATURES, clusters=4, samples=3000),
        "marker_watershed": lambda: MarkerWatershed((40, 10, 10), smoothing_nm=10, stride=(1, 2, 2), samples=5000),
    }[kind]
    net, other, image = make(), make(), data.validation_blocks[0].read_image()
    with pytest.raises(CellmlError, match="has not been fitted"):
        net(torch.zeros(1, 1, 2, 8, 8))
    net.fit(data, TARGET)
    other.load_state_dict({name: value.clone() for name, value in net.state_dict().items()})
    window = {size: SlidingWindow(tile=size, halo=None, overlap=(0, 0, 0)) for size in ((64, 64, 64), (2, 16, 20))}
    whole, tiled = (w.whole(other.eval(), image, activation=TARGET.activation) for w in window.values())
    assert np.array_equal(whole, window[(64, 64, 64)].whole(net.eval(), image, activation=TARGET.activation))
    assert (np.abs(whole - tiled) < 1e-4).mean() > (0.99 if kind == "marker_watershed" else 0.9999), "only water may differ, and little"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Thresholds(levels=6), "levels is 6"),
        (lambda: Thresholds(in_channels=2), "2 channels"),
        (lambda: KMeans(FEATURES, clusters=1), "clusters is 1"),
        (lambda: MarkerWatershed(out_channels=3), "two classes"),
        (lambda: otsu_thresholds(np.ones(50), 2), "fewer than 2 grey values"),
    ],
)
def test_what_cannot_be_done_is_refused(make: Any, said: str) -> None:
    with pytest.raises(CellmlError, match=said):
        make()
