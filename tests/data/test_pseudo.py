from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.data.blocks import Block, OpenBlock
from cellml.data.labelled import UNLABELLED
from cellml.data.pseudo import PseudoLabels, _say, confident_labels
from cellml.errors import CellmlError


def opened(path: Path, *sections: int) -> OpenBlock:
    return OpenBlock(Block(str(path), f"{path}:classes", {"z": [0, 12]}, labelled_sections=sections))


def test_only_confident_voxels_get_a_label() -> None:
    probabilities = np.array([0.95, 0.6, 0.05, 0.1])[None, None, None] * [[[[1.0]]], [[[-1.0]]]] + [[[[0.0]]], [[[1.0]]]]
    assert confident_labels(probabilities.astype(np.float32), 0.9).tolist() == [[[0, UNLABELLED, 1, 1]]]


def test_predictions_fill_unlabelled_voxels_and_say_where_they_come_from(semantic_run: Any, phantom_file: Path) -> None:
    from cellml.infer.block import predict_block

    sparse, empty, full = opened(phantom_file, 3, 7), opened(phantom_file), opened(phantom_file, *range(12))
    given = sparse.read_labels()
    origin = PseudoLabels(str(semantic_run.model), confidence=0.5).fill([sparse, empty, full])
    probabilities = predict_block(semantic_run.model, Block(str(phantom_file), f"{phantom_file}:classes", {"z": [0, 12]})).probabilities
    assert np.mean(empty.read_labels() == probabilities.argmax(0)) > 0.99, "the same but for the number format"
    assert np.array_equal(sparse.read_labels()[[3, 7]], given[[3, 7]]) and full.filled is None
    assert (sparse.read_labels() != UNLABELLED).all()
    assert origin["sha256"] == hashlib.sha256(semantic_run.model.read_bytes()).hexdigest() and len(origin["blocks"]) == 2
    assert origin["blocks"][0]["unlabelled"] == 10 * 32 * 32 == sum(origin["blocks"][0]["classes"].values())


def test_a_model_that_is_sure_of_nothing_is_refused(semantic_run: Any, phantom_file: Path) -> None:
    with pytest.raises(CellmlError, match="of 12,288 unlabelled voxels none reaches a probability of 1"):
        PseudoLabels(str(semantic_run.model), confidence=1.0).fill([opened(phantom_file)])


def test_a_class_that_no_prediction_teaches_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"block": "a", "unlabelled": 10, "filled": 4, "classes": {"background": 4, "mito": 0}}]
    with caplog.at_level(logging.INFO):
        _say(rows, PseudoLabels("model.ckpt"))
    assert "Pseudo-labels: 40.0 % of 10 unlabelled voxels" in caplog.text
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [
        "No pseudo-label of class mito reaches a probability of 0.9: only labels given by hand teach it."
    ]


def test_what_predicts_objects_gives_no_classes(tiny_run: Any, phantom_file: Path) -> None:
    with pytest.raises(CellmlError, match="predicts objects, not classes"):
        PseudoLabels(str(tiny_run.model)).fill([opened(phantom_file)])


@pytest.mark.parametrize("confidence", [0, 1.2])
def test_a_confidence_that_is_no_probability_is_refused(confidence: float) -> None:
    with pytest.raises(CellmlError, match="a probability above 0"):
        PseudoLabels("model.ckpt", confidence)


def test_a_random_forest_teaches_too(cellml: Any, phantom_file: Path, tmp_path: Path) -> None:
    blocks = (
        "data=fib25",
        "data.train=[{region: {z: [0, 20]}}]",
        "data.val=[{region: {z: [24, 40]}}]",
        "data.guard=4",
        "data.transforms=[]",
    )
    forest = ("task=pixels", "task.net.samples=500", "task.net.features.scales_nm=[10,20]", "task.net.classifier.n_estimators=5")
    files = (f"data.path={phantom_file}", f"data.labels={phantom_file}:classes", f"hydra.run.dir={tmp_path / 'f'}")
    assert cellml("train", *blocks, *forest, *files, "training.max_steps=1", "data.patch=[16,16,16]") == 0
    block = opened(phantom_file, 3)
    PseudoLabels(str(tmp_path / "f/model.ckpt"), confidence=0.6).fill([block])
    labels, truth = block.read_labels(), OpenBlock(Block(str(phantom_file), f"{phantom_file}:classes", {"z": [0, 12]})).read_labels()
    sure = (labels != UNLABELLED).mean()
    assert sure > 0.3 and (labels == truth)[labels != UNLABELLED].mean() > 0.5
