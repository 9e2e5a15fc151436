"""Reconstruction, shells, controls, classes and likelihoods on shapes with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from cellml.errors import CellmlError
from cellml.shapes.evaluation.classes import balanced_accuracy, cross_validated_classes, forest, linear
from cellml.shapes.evaluation.controls import copied_share, memorised
from cellml.shapes.evaluation.likelihood import held_out_log_likelihood
from cellml.shapes.evaluation.reconstruction import body_iou, reconstructions
from cellml.shapes.evaluation.shells import shell_energies, shell_radii, shell_table
from cellml.shapes.population import Population
from cellml.types import Surface


def ball(radius: float, shift: float = 0.0, level: int = 3) -> Surface:
    mesh = trimesh.creation.icosphere(level, radius)
    return Surface(np.asarray(mesh.vertices) + np.array([shift, 0, 0]), np.asarray(mesh.faces), f"ball {radius:g}")


def population(surfaces: list[Surface]) -> Population:
    return Population(
        tuple(f"shape {i}" for i in range(len(surfaces))),
        tuple(surfaces),
        tuple(f"stack {i % 3}" for i in range(len(surfaces))),
        ("",) * len(surfaces),
    )


def test_balls_in_balls() -> None:
    (found,) = reconstructions([ball(100)], [ball(80)])
    assert found.assd_nm == pytest.approx(20, rel=0.02)
    assert found.hd95_nm == pytest.approx(20, rel=0.03)
    assert found.iou == pytest.approx(0.8**3, abs=0.02)
    d = 60.0  # two balls of radius r at distance d share π (4 r + d)(2 r − d)² / 12
    shared = np.pi * (4 * 100 + d) * (200 - d) ** 2 / 12
    assert body_iou(ball(100), ball(100, d)) == pytest.approx(shared / (2 * 4 / 3 * np.pi * 1e6 - shared), abs=0.02)
    with pytest.raises(CellmlError, match="needs its own"):
        reconstructions([ball(1)], [])


def test_shells_of_a_ball_are_full_or_empty() -> None:
    found = shell_energies(ball(100, shift=1e4), np.array([50.0, 150.0]), degree=4)
    assert found[0, 0] == pytest.approx(np.sqrt(4 * np.pi), rel=1e-3)  # the harmonic of degree 0 is 1 / √4π
    assert np.abs(found[0, 1:]).max() < 0.02
    assert found[1] == pytest.approx(0.0)


def test_shells_do_not_see_turns_but_see_shapes() -> None:
    bar = trimesh.creation.box((400, 150, 100)).subdivide().subdivide()
    one = Surface(np.asarray(bar.vertices), np.asarray(bar.faces))
    turn = Rotation.random(random_state=5).as_matrix()
    other = Surface(one.vertices @ turn.T + 500, one.faces)
    radii = shell_radii([one], 5)
    a, b, c = shell_table([one, other, ball(100)], radii)
    assert np.linalg.norm(a - b) < 0.15 * np.linalg.norm(a - c)
    assert (np.diff(radii) > 0).all()


def test_memoriser_gives_every_training_shape_before_it_repeats() -> None:
    found = memorised(population([ball(r) for r in (10, 20, 30)]), 7, seed=1)
    assert sorted(found[:3].tolist()) == [0, 1, 2]
    assert len(found) == 7
    rng = np.random.default_rng(0)
    train, new = rng.normal(size=(80, 3)), rng.normal(size=(80, 3))
    within = np.linalg.norm(train[:, None] - train[None], axis=2)
    assert copied_share(np.linalg.norm(train[found % 80][:, None] - train[None], axis=2), within) == 1.0
    assert copied_share(np.linalg.norm(new[:, None] - train[None], axis=2), within) < 0.1


def test_classes_that_codes_hold_are_found_and_others_are_not() -> None:
    rng = np.random.default_rng(3)
    labels = np.array(["thin", "stubby"])[rng.integers(2, size=120)]
    groups = [f"stack {i % 8}" for i in range(120)]
    told = np.column_stack([3.0 * (labels == "thin") + rng.normal(size=120), rng.normal(size=120)])
    found = cross_validated_classes(told, list(labels), groups, linear)
    chance = cross_validated_classes(rng.normal(size=(120, 3)), list(labels), groups, linear)
    assert balanced_accuracy(labels, found) > 0.85
    assert 0.3 < balanced_accuracy(labels, chance) < 0.7
    fitted: list[int] = []

    def codes(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fitted.append(len(np.intersect1d([groups[i] for i in train], [groups[i] for i in test])))
        return told[train], told[test]

    assert (cross_validated_classes(codes, list(labels), groups, linear) == found).all()
    assert fitted == [0] * 5
    with pytest.raises(CellmlError, match="two groups"):
        cross_validated_classes(told[:9], ["thin"] * 8 + ["stubby"], [*groups[:8], "other"], linear)
    assert forest().n_estimators == 500


class _Normal:
    """The code of a shape is the logarithm of its volume, its density a normal one."""

    def encode(self, shapes: Population) -> np.ndarray:
        return np.log([[s.volume()] for s in shapes.surfaces])

    def log_density(self, codes: np.ndarray) -> np.ndarray:
        return -0.5 * (codes[:, 0] - 10.0) ** 2 - 0.5 * np.log(2 * np.pi)


def test_held_out_log_likelihood_is_the_mean_density() -> None:
    shapes = population([ball(r, level=1) for r in (10, 12, 14, 16, 18, 20)])
    model = _Normal()
    found = held_out_log_likelihood(model, shapes, draws=100)  # type: ignore[arg-type]
    assert found.value == pytest.approx(float(model.log_density(model.encode(shapes)).mean()))
    assert found.low <= found.value <= found.high
