"""Statistical shape models as tasks: fitted at once, stored as plain tensors, and the same after loading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cellml.data.shape_module import ShapeDataModule
from cellml.errors import CellmlError
from cellml.nets.shape_distribution import ShapeDistribution
from cellml.shapes.model import ShapeModel
from cellml.tasks.shape_distribution import ShapeDistributionTask
from cellml.tasks.shape_target import ShapeTarget
from tests.shapes.populations import Stars, ellipsoids


def _task(classes: Sequence[str] = (), **net: Any) -> ShapeDistributionTask:
    return ShapeDistributionTask(ShapeDistribution(**{"latent": 4, "replicas": 10, **net}), ShapeTarget(classes), Stars())


def _fitted(classes: Sequence[str] = (), **net: Any) -> tuple[ShapeDistributionTask, dict[str, float]]:
    data = ShapeDataModule(lambda: ellipsoids(classes=tuple(classes) or ("",)), Stars(), fold=None, classes=classes)
    data.setup()
    task = _task(classes, **net)
    return task, task.net.fit(data, task.target)


def test_it_is_a_shape_model_that_tells_shapes_and_sizes() -> None:
    task, numbers = _fitted(latent=5)
    assert isinstance(task, ShapeModel)
    population = ellipsoids()
    codes = task.encode(population)
    assert codes.shape == (48, 6)
    volumes = [surface.volume() for surface in task.decode(codes)]
    np.testing.assert_allclose(volumes, [s.volume() for s in population.surfaces], rtol=0.08)
    assert numbers["explained"] > 0.9
    assert 0 <= numbers["ks"] <= 1


def test_rarities_are_those_asked_for() -> None:
    task, _ = _fitted()
    codes = task.sample(5, seed=1)
    assert codes.shape == (5, 5)
    np.testing.assert_array_equal(codes, task.sample(5, seed=1))
    level = task.level(0.01)
    drawn = task.log_density(task.sample(20_000, seed=2))
    assert (drawn < level).mean() == pytest.approx(task.net.calibrated.raw(0.01), abs=0.01)
    assert task.rarity(task.likeliest())[0] > 0.9


def test_a_loaded_model_is_the_one_that_was_fitted() -> None:
    task, _ = _fitted()
    again = _task()
    again.load_state_dict(task.state_dict())
    codes = task.sample(3, seed=0)
    np.testing.assert_array_equal(again.log_density(codes), task.log_density(codes))
    np.testing.assert_array_equal(again.decode(codes)[0].vertices, task.decode(codes)[0].vertices)
    np.testing.assert_array_equal(again.rarity(codes), task.rarity(codes))


def test_classes_are_conditions() -> None:
    task, _ = _fitted(("thin", "mushroom"), density="classes")
    assert task.sample(2, 0, "thin").shape == (2, 5)
    with pytest.raises(CellmlError, match="classes thin, mushroom"):
        task.sample(2, 0, "stubby")
    with pytest.raises(CellmlError, match="train one with density=classes"):
        _fitted()[0].sample(2, 0, "thin")


def test_bad_input_is_explained() -> None:
    with pytest.raises(CellmlError, match="density=round is not known"):
        ShapeDistribution(density="round")
    with pytest.raises(CellmlError, match="not been fitted"):
        _task().decode(np.zeros((1, 5)))
    task, _ = _fitted()
    with pytest.raises(CellmlError, match=r"finite numbers \(N, 5\)"):
        task.decode(np.zeros((1, 3)))
    with pytest.raises(CellmlError, match="cannot be drawn"):
        task.sample(0, 0)
