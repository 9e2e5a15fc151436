from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from cellml.evaluation import objects, solved
from cellml.evaluation.objects import ObjectChoice, compare_objects
from cellml.evaluation.solved import SolvedObject, solve_object
from cellml.report.objects import statistics
from cellml.types import Labels


@pytest.fixture(scope="module")
def model() -> Any:
    from cellml.sim.model_file import load_model
    from cellml.sim.shipped import find_model

    return load_model(find_model("diffusion"))


def rods() -> np.ndarray:
    """Two rods that leave the block at both ends, (14, 30, 40) voxels."""
    labels = np.zeros((14, 30, 40), np.uint16)
    labels[3:11, 3:11, :] = 1
    labels[3:11, 18:26, :] = 2
    return labels


def volume(data: np.ndarray) -> Labels:
    return Labels(data, (10.0, 10.0, 10.0))


CHOICE = ObjectChoice(min_voxels=500, max_voxels=10_000, most=4)


@pytest.fixture(scope="module")
def truth_solved(model: Any) -> dict[int, SolvedObject]:
    return {n: solve_object(volume(rods()), n, model) for n in (1, 2)}


def test_a_perfect_prediction_is_within_the_discretisation_error(model: Any, truth_solved: dict) -> None:
    prediction = rods()
    prediction[prediction == 2] = 7
    prediction[prediction == 1] = 3
    rows = [r for c in compare_objects(volume(rods()), volume(prediction), model, choice=CHOICE, solved_truth=truth_solved) for r in c.rows]
    assert {r.truth_id for r in rows} == {"1", "2"} and {r.predicted_id for r in rows} == {"3", "7"}
    for row in rows:
        assert row.status == "matched" and not row.resolved, row
        assert abs(row.prediction - row.truth) <= row.discretisation_error, row


def test_a_missing_object_has_error_one(model: Any, truth_solved: dict) -> None:
    prediction = rods()
    prediction[prediction == 2] = 0
    found = {c.match.truth: c for c in compare_objects(volume(rods()), volume(prediction), model, choice=CHOICE, solved_truth=truth_solved)}
    assert {row.rel_error for row in found[2].rows} == {1.0} and {row.status for row in found[2].rows} == {"unmatched"}
    assert all(row.rel_error < 0.05 for row in found[1].rows)


def test_a_shape_that_differs_has_an_error_that_is_resolved(model: Any, truth_solved: dict) -> None:
    prediction = rods()
    prediction[3:5][prediction[3:5] == 1] = 0  # 6 voxels thick instead of 8: three quarters of the conductance
    (one,) = [
        c
        for c in compare_objects(volume(rods()), volume(prediction), model, choice=CHOICE, solved_truth=truth_solved)
        if c.match.truth == 1
    ]
    row = next(row for row in one.rows if row.observable == "conductance")
    assert row.resolved and row.rel_error == pytest.approx(0.25, abs=0.06)


def failing(labels: Labels, label: int, model: Any, **_: Any) -> SolvedObject:
    return SolvedObject(label, failure="no mesh")


def test_a_mesh_that_fails_counts_as_error_one_in_truth_and_prediction(
    model: Any, truth_solved: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "solve_object", failing)
    for known in ({}, dict(truth_solved)):
        rows = [r for c in compare_objects(volume(rods()), volume(rods()), model, choice=CHOICE, solved_truth=known) for r in c.rows]
        assert rows and {r.status for r in rows} == {"failed"} and {r.rel_error for r in rows} == {1.0}


def test_a_mesh_that_takes_too_long_is_told_apart_from_one_that_fails(
    model: Any, truth_solved: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = solve_object(volume(rods()), 1, model, timeout_s=1e-3)
    assert late.timed_out and "timeout_s" in late.failure and not truth_solved[1].timed_out
    monkeypatch.setattr(objects, "solve_object", lambda *_, **__: late)
    for known in ({}, dict(truth_solved)):
        rows = [r for c in compare_objects(volume(rods()), volume(rods()), model, choice=CHOICE, solved_truth=known) for r in c.rows]
        assert rows and {r.status for r in rows} == {"timed out"} and all(np.isnan(r.error) for r in rows)
        assert {(s.timed_out, s.failed) for s in statistics(rows)} == {(2, 0)}


def test_time_that_is_up_begins_no_further_object_but_the_first(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "solve_object", failing)
    assert len(list(compare_objects(volume(rods()), volume(rods()), model, choice=CHOICE, seconds=0.0))) == 1


@pytest.mark.parametrize("error", [RuntimeError("singular matrix"), np.linalg.LinAlgError("no convergence")])
def test_a_defect_in_one_object_is_recorded_and_warned_about(
    error: Exception, model: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr("cellml.meshing.mesh_labels", crash)
    with caplog.at_level(logging.WARNING):
        found = solve_object(volume(rods()), 1, model)
    assert found.solution is None and str(error) in found.failure and str(error) in caplog.text
    assert solved.log.name in {record.name for record in caplog.records}


def test_the_choice_looks_at_the_truth_and_the_seed_alone() -> None:
    data = np.repeat(np.arange(1, 21), 1000).reshape(20, 10, 100)
    choice = ObjectChoice(min_voxels=1000, max_voxels=1000, most=5, seed=3)
    assert choice.pick(volume(data)) == choice.pick(volume(data)) == sorted(choice.pick(volume(data)))
    assert len(choice.pick(volume(data))) == 5
    assert ObjectChoice(min_voxels=1001, max_voxels=10**6).pick(volume(data)) == []
    assert ObjectChoice(1000, 1000, 5, seed=4).pick(volume(data)) != choice.pick(volume(data))


def test_of_a_label_in_two_pieces_the_larger_is_solved(model: Any, truth_solved: dict) -> None:
    data = rods()
    data[data == 2] = 0
    data[4:9, 20:25, 10:20] = 1
    found = solve_object(volume(data), 1, model)
    assert found.failure == "" and found.mesh.certificate.components == 1
    assert "largest of 2" in found.mesh.certificate.repairs[0]
    assert found.mesh.mesh.volumes().sum() == pytest.approx(truth_solved[1].mesh.mesh.volumes().sum(), rel=0.02)
