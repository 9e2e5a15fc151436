from __future__ import annotations

import math

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.evaluation import distributions
from cellml.evaluation.distributions import ShapeRow, distribution_scores, shape_answers
from cellml.sim.model_file import load_model
from cellml.sim.shipped import find_model
from cellml.types import Surface


def ball(radius: float, name: str) -> Surface:
    """An icosphere in nm."""
    import trimesh

    mesh = trimesh.creation.icosphere(subdivisions=2, radius=radius)
    return Surface(np.asarray(mesh.vertices), np.asarray(mesh.faces), name=name)


def rows(real: list[float], made: list[float], refused: int = 0) -> list[ShapeRow]:
    found = [ShapeRow("real", str(k), "volume", "um^3", v, "ok") for k, v in enumerate(real)]
    found += [ShapeRow("generated", str(k), "volume", "um^3", v, "ok") for k, v in enumerate(made)]
    return found + [ShapeRow("generated", f"r{k}", "volume", "", math.nan, "refused", "holes") for k in range(refused)]


def test_the_times_of_a_ball_are_those_of_its_radius_and_shapes_that_are_none_are_told() -> None:
    flat = Surface(np.zeros((3, 3)), np.array([[0, 1, 2]]), name="flat")
    model = load_model(find_model("diffusion"))
    found = list(shape_answers([ball(300.0, "a")], [ball(600.0, "b"), flat], model, voxels=800))
    value = {(r.shape, r.observable): r for r in found}
    # Slowest mode in a sealed ball: R²/(D 2.0816²).
    assert value["a", "relaxation_time"].value == pytest.approx(0.3**2 / 2.0816**2, rel=0.04)
    assert value["b", "relaxation_time"].value == pytest.approx(0.6**2 / 2.0816**2, rel=0.04)
    assert value["b", "volume"].value == pytest.approx(4 / 3 * np.pi * 0.6**3, rel=0.05)
    assert value["a", "conductance"].status == "undefined"
    assert value["flat", "volume"].status == "refused" and value["flat", "volume"].reason


def test_scores_are_in_deviations_of_the_real_ones_and_count_what_was_refused() -> None:
    rng = np.random.default_rng(0)
    real = rng.lognormal(0, 0.3, 40)
    (score,) = distribution_scores(rows(real.tolist(), (2 * real).tolist(), refused=10))
    assert score.median_ratio == pytest.approx(2) and score.median_ratio_low < 2 < score.median_ratio_high
    assert score.wasserstein == pytest.approx(real.mean() / real.std()) and score.failures == pytest.approx(0.2)
    assert (score.real, score.generated, score.unit) == (40, 40, "um^3")


def test_one_shape_is_no_distribution_and_no_answer_no_line() -> None:
    (score,) = distribution_scores(rows([1.0, 2.0], [1.0]))
    assert math.isnan(score.wasserstein) and score.generated == 1
    assert distribution_scores([ShapeRow("real", "a", "volume", "", math.nan, "failed")]) == []


def test_no_pair_is_begun_after_the_time_but_the_first_and_real_ones_are_solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def answer(side: str, surface: Surface, model: object, voxels: int) -> list[ShapeRow]:
        asked.append((side, surface.name))
        return [ShapeRow(side, surface.name, "volume", "um^3", 1.0, "ok")]

    monkeypatch.setattr(distributions, "_rows", answer)
    model, known = load_model(find_model("diffusion")), {}
    shapes = [Surface(np.zeros((0, 3)), np.zeros((0, 3), int), name=str(k)) for k in range(3)]
    assert len(list(shape_answers(shapes, shapes, model, seconds=-1, known=known))) == 2
    assert len(list(shape_answers(shapes, shapes, model, known=known))) == 6
    assert asked.count(("real", "0")) == 1 and asked.count(("generated", "0")) == 2


def test_a_model_of_time_courses_alone_cannot_judge_shapes() -> None:
    from dataclasses import replace

    model = load_model(find_model("narrow_escape"))
    courses = replace(model, observables=tuple(o for o in model.observables if o.type == "amount"))
    with pytest.raises(CellmlError, match="time courses"):
        list(shape_answers([], [], courses))
