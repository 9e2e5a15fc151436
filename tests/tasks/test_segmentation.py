from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellml.losses.semantic import SemanticLoss
from cellml.tasks.segmentation import SegmentationTask
from cellml.tasks.targets import SemanticTarget


class Answer(nn.Module):
    """Answers with the class that the image holds, surely."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes, self.weight = classes, nn.Parameter(torch.tensor(20.0))

    def forward(self, image: Tensor) -> Tensor:
        return self.weight * nn.functional.one_hot(image[:, 0].long(), self.classes).permute(0, 4, 1, 2, 3)


def validated(monkeypatch: pytest.MonkeyPatch, image: np.ndarray, labels: np.ndarray, classes: int = 3) -> dict[str, float]:
    names = [f"class {number}" for number in range(classes)]
    task = SegmentationTask(Answer(classes), SemanticTarget(names), SemanticLoss(), torch.optim.SGD)
    logged: dict[str, float] = {}
    monkeypatch.setattr(task, "log", lambda name, value, **_: logged.update({name: float(value)}))
    task.on_validation_epoch_start()
    task.validation_step({"image": torch.from_numpy(image[None]).float(), "labels": torch.from_numpy(labels), "name": "block"}, 0)
    task.on_validation_epoch_end()
    return logged


def test_validation_judges_labelled_voxels_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (4, 8, 8))
    sparse, image = np.full_like(truth, -1), rng.integers(0, 3, truth.shape)
    sparse[2], image[2] = truth[2], truth[2]
    found = validated(monkeypatch, image, sparse)
    assert found["val/dice"] == found["val/iou"] == 1 and found["val/loss"] < 1e-3
    image[2, :4] = (truth[2, :4] + 1) % 3
    assert validated(monkeypatch, image, sparse)["val/dice"] < 0.9


def test_a_class_that_is_missing_leaves_the_scores_finite_and_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.random.default_rng(0).integers(0, 2, (4, 8, 8))
    found = validated(monkeypatch, truth, truth)
    assert found["val/dice"] == found["val/iou"] == 1 and np.isfinite(found["val/loss"])
    predicted = truth.copy()
    predicted[0, 0, :4] = 2
    assert validated(monkeypatch, predicted, truth)["val/dice"] < 0.6, "predicted where it is not, it counts as 0"
