from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import FunctionTransformer

from cellml.checkpoint import read
from cellml.errors import CellmlError
from cellml.pixels.configuration import as_configuration
from cellml.pixels.features import PixelFeatures
from cellml.pixels.scribbles import fit_scribbles
from cellml.types import Labels, Volume

SPACING = (40.0, 10.0, 10.0)
RNG = np.random.default_rng(0)
TRUTH = np.zeros((4, 40, 44), np.uint8)
TRUTH[:, 8:22, 10:30] = 1
IMAGE = Volume((90 + 50 * TRUTH + RNG.normal(0, 20, TRUTH.shape)).clip(0, 255).astype(np.uint8), SPACING)
FOREST = RandomForestClassifier(6, max_depth=5)


def scribbles() -> Labels:
    """Two strokes in one section: 1 outside, 2 inside."""
    drawn = np.zeros(TRUTH.shape, np.uint8)
    drawn[1, 30:33, 4:40], drawn[1, 12:15, 14:26] = 1, 2
    return Labels(drawn, SPACING, kind="semantic")


@pytest.mark.parametrize("classifier", [FOREST, VotingClassifier([("a", GaussianNB()), ("b", FOREST)], voting="soft")])
def test_two_strokes_find_the_rest_and_the_file_predicts(classifier: Any, tmp_path: Path, cellml: Any) -> None:
    from cellml.io import read_labels, write_volume

    model = fit_scribbles(IMAGE, scribbles(), tmp_path / "scribbled.ckpt", classes=["cytosol", "organelle"], classifier=classifier)
    assert read(tmp_path / "scribbled.ckpt")["cellml"]["labels"] == ["cytosol", "organelle"]
    assert model.contract["spacing_nm"] == list(SPACING) and model.task.net.features.scales_nm == (10, 20, 40, 80)
    write_volume(IMAGE, tmp_path / "image.tif")
    words = [f"checkpoint={tmp_path / 'scribbled.ckpt'}", f"input={tmp_path / 'image.tif'}", f"output={tmp_path / 'out.tif'}"]
    assert cellml("infer", *words, "precision=float32") == 0
    found = read_labels(tmp_path / "out.tif").data
    assert (found == TRUTH).mean() > 0.85


def test_channels_and_features_of_ones_own(tmp_path: Path) -> None:
    both = Volume(np.stack([RNG.integers(0, 255, TRUTH.shape, np.uint8), IMAGE.data]), SPACING, axes="CZYX")
    features = PixelFeatures(spacing=SPACING, scales_nm=(12,), stride=(1, 2, 2))
    model = fit_scribbles(both, scribbles(), tmp_path / "a.ckpt", features=features, classifier=GaussianNB(), smoothing_nm=10)
    assert model.contract["channels"] == 2 and model.task.net.features == features and model.task.net.smoothing_nm == 10
    with torch.inference_mode():
        assert model.task.net(torch.zeros(1, 2, 2, 8, 8)).shape == (1, 2, 2, 8, 8)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (Labels(TRUTH[:, :-1], SPACING), "must be on one grid"),
        (Labels(TRUTH, (40, 11, 10)), "must be on one grid"),
        (Labels(TRUTH * 3, SPACING), "hold the number 3, and there are 2 classes"),
        (Labels(TRUTH, SPACING), "at least two classes"),
        (Labels(TRUTH * 0, SPACING), "at least two classes"),
    ],
)
def test_scribbles_that_do_not_fit_are_refused(labels: Labels, said: str, tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match=said):
        fit_scribbles(IMAGE, labels, tmp_path / "no.ckpt", classifier=FOREST)
    assert not (tmp_path / "no.ckpt").exists()


def test_a_film_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match="time axis"):
        fit_scribbles(Volume(IMAGE.data[None], SPACING, axes="TZYX"), scribbles(), tmp_path / "no.ckpt")


@dataclass(frozen=True)
class Inner:
    a: tuple[int, ...] = (1, 2)


def test_a_configuration_builds_the_same_again() -> None:
    from hydra.utils import instantiate

    vote = VotingClassifier([("a", GaussianNB(var_smoothing=1e-3)), ("b", FOREST)], voting="soft")
    again = instantiate(as_configuration(vote), _convert_="all")
    assert as_configuration(again) == as_configuration(vote) and again.estimators[1][1].max_depth == 5
    assert as_configuration(Inner()) == {"_target_": f"{__name__}.Inner", "a": [1, 2]}
    with pytest.raises(CellmlError, match=r"classifier.func is a function"):
        as_configuration(FunctionTransformer(lambda x: x))
