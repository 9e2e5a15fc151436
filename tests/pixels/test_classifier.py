from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from cellml.data.module import VolumeDataModule
from cellml.errors import CellmlError
from cellml.infer.predict import SlidingWindow
from cellml.pixels.classifier import PixelClassifier
from cellml.pixels.features import PixelFeatures
from cellml.tasks.targets import BoundaryTarget, SemanticTarget

FEATURES = PixelFeatures(spacing=(10, 10, 10), scales_nm=(10, 20), planar=True)
TARGET = SemanticTarget(["background", "foreground"])
TREES = ExtraTreesClassifier(8, max_depth=6)
VOTE = VotingClassifier([["a", TREES], ["b", LogisticRegression()]], voting="soft")
MANY = [TREES, GaussianNB(), LogisticRegression(), SVC(), Perceptron(), HistGradientBoostingClassifier(max_iter=5), VOTE]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> VolumeDataModule:
    """Bright discs on dark noise: 12 × 48 × 48 voxels, of which the last sections are for validation."""
    rng = np.random.default_rng(0)
    z, y, x = np.meshgrid(np.arange(12), np.arange(48), np.arange(48), indexing="ij")
    labels = ((y - 14 - z) ** 2 + (x - 20) ** 2 < 81).astype(np.uint8)
    raw = (80 + 60 * labels + rng.normal(0, 25, labels.shape)).clip(0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("discs") / "discs.npz"
    np.savez(path, raw=raw, labels=labels, voxel_nm=[10, 10, 10])
    return VolumeDataModule(
        path=f"{path}:raw",
        labels=f"{path}:labels",
        train=[{"region": {"z": [0, 6]}}],
        val=[{"region": {"z": [7, 12]}}],
        patch=[4, 16, 16],
        guard=1,
    )


@pytest.fixture(scope="module")
def fit(data: VolumeDataModule) -> Callable[..., PixelClassifier]:
    def fitted(classifier: Any = TREES, features: PixelFeatures = FEATURES, target: Any = TARGET, **more: Any) -> PixelClassifier:
        net = PixelClassifier(features, classifier, **({"out_channels": target.channels, "samples": 400} | more))
        net.fit(data, target)
        return net.eval()

    return fitted


def logits(net: PixelClassifier, data: VolumeDataModule) -> torch.Tensor:
    with torch.inference_mode():
        return net(torch.from_numpy(data.validation_blocks[0].read_image())[None])


@pytest.mark.parametrize("classifier", MANY, ids=[type(c).__name__ for c in MANY])
def test_any_classifier_learns_and_its_state_alone_predicts_the_same(
    classifier: Any, fit: Any, data: VolumeDataModule, tmp_path: Path
) -> None:
    net = fit(classifier)
    answer, truth = logits(net, data), data.validation_blocks[0].read_labels()
    assert (answer[0].argmax(dim=0).numpy() == truth).mean() > 0.9
    torch.save(net.state_dict(), tmp_path / "state.pt")
    other = PixelClassifier(FEATURES, classifier)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(logits(other.eval(), data), answer)
    assert (net.roots.numel() > 0) == (classifier is TREES) and (net.pixel_features.numel() > 0) == (classifier is not TREES)


def test_the_same_seed_gives_the_same_forest_and_another_seed_another(fit: Any, data: VolumeDataModule) -> None:
    first, again, other = (logits(fit(seed=seed), data) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("planar", [True, False])
@pytest.mark.parametrize("stride", [(1, 1, 1), (1, 2, 2)])
def test_tiled_prediction_is_whole_prediction(planar: bool, stride: tuple[int, int, int], fit: Any, data: VolumeDataModule) -> None:
    features = PixelFeatures(spacing=(10, 10, 10), scales_nm=(10,), planar=planar, neighbours=int(planar), stride=stride)
    net, image = fit(GaussianNB(), features, smoothing_nm=10.0), data.validation_blocks[0].read_image()[:, :, :47]
    whole, tiled = (
        SlidingWindow(tile=tile, halo=None, overlap=(0, 0, 0)).whole(net, image, activation=TARGET.activation)
        for tile in ((64, 64, 64), (2, 10, 12))
    )
    np.testing.assert_allclose(whole, tiled, atol=2e-5)


def test_smoothing_keeps_probabilities_and_takes_away_noise(fit: Any, data: VolumeDataModule) -> None:
    rough, smooth = (logits(fit(smoothing_nm=width), data).softmax(dim=1) for width in (0.0, 15.0))
    np.testing.assert_allclose(smooth.sum(dim=1), 1, atol=1e-5)
    assert smooth[0, 1].diff(n=2).abs().mean() < 0.3 * rough[0, 1].diff(n=2).abs().mean()


def test_the_bias_moves_the_threshold(fit: Any, data: VolumeDataModule) -> None:
    net = fit()
    before = logits(net, data)
    net.bias.data = torch.tensor([0.0, -np.log(0.8 / 0.2)], dtype=torch.float32)
    p = before.softmax(dim=1)[0, 1]
    sure = (p - 0.8).abs() > 1e-4
    assert torch.equal(logits(net, data)[0].argmax(dim=0)[sure], (p > 0.8).long()[sure])


def test_a_boundary_is_one_channel_whose_sigmoid_is_its_probability(fit: Any, data: VolumeDataModule) -> None:
    net = fit(TREES, target=BoundaryTarget(), samples=800)
    answer = torch.sigmoid(logits(net, data))
    truth = BoundaryTarget()(torch.from_numpy(data.validation_blocks[0].read_labels().astype(np.int64))[None])[0]
    assert answer.shape == truth.shape and net.classes == 2
    assert answer[truth > 0].mean() > answer[truth == 0].mean() + 0.2


def test_what_is_no_classifier_is_refused() -> None:
    with pytest.raises(CellmlError, match="net.classifier is a object"):
        PixelClassifier(FEATURES, object())


def test_before_the_fit_and_for_other_channels_it_says_so(fit: Any) -> None:
    with pytest.raises(CellmlError, match="has not been fitted"):
        PixelClassifier(FEATURES, TREES)(torch.zeros(1, 1, 4, 8, 8))
    with pytest.raises(CellmlError, match="made for 1 channel"):
        fit()(torch.zeros(1, 2, 4, 8, 8))


def test_a_damaged_forest_is_refused_when_it_is_loaded(fit: Any) -> None:
    state = fit().state_dict()
    state["left"] = torch.zeros_like(state["left"])
    with pytest.raises(CellmlError, match="no decision trees"):
        PixelClassifier(FEATURES, TREES).load_state_dict(state)


def test_damaged_pixels_are_refused_and_an_unfitted_state_is_still_unfitted(fit: Any) -> None:
    state = fit(GaussianNB()).state_dict()
    state["pixel_classes"] = state["pixel_classes"] + 7
    with pytest.raises(CellmlError, match="classes up to 8.*damaged"):
        PixelClassifier(FEATURES, GaussianNB()).load_state_dict(state)
    empty = PixelClassifier(FEATURES, TREES)
    empty.load_state_dict(PixelClassifier(FEATURES, TREES).state_dict())
    with pytest.raises(CellmlError, match="has not been fitted"):
        empty(torch.zeros(1, 1, 4, 8, 8))
