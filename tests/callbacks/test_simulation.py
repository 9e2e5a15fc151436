from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cellml.callbacks import simulation
from cellml.callbacks.simulation import SimulationEvaluation
from cellml.errors import CellmlError
from cellml.evaluation import objects
from cellml.evaluation.solved import SolvedObject
from cellml.report.objects import ObjectRow

ROW = ObjectRow("1", "1", 1.0, 500.0, "matched", "relaxation_time", "s", 2.0, 2.0, 0.0, 0.01, False)


class Logged(dict):
    """Stands for the task: remembers what is logged."""

    def log(self, name: str, value: float, **_: Any) -> None:
        self[name] = value


class Clock:
    """time.monotonic that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def batch(labels: np.ndarray) -> dict[str, Any]:
    return {"labels": torch.from_numpy(labels), "spacing": (10.0, 10.0, 10.0), "origin": (0.0, 0.0, 0.0), "name": "block"}


def validate(callback: SimulationEvaluation, truth: np.ndarray, prediction: np.ndarray) -> Logged:
    logged, trainer = Logged(), SimpleNamespace(sanity_checking=False)
    callback.on_validation_epoch_start(trainer, logged)
    callback.on_validation_batch_end(trainer, logged, {"prediction": prediction}, batch(truth), 0)
    callback.on_validation_epoch_end(trainer, logged)
    return logged


def compared(rows: list[ObjectRow]) -> Callable[..., Iterator[Any]]:
    return lambda *_, **__: iter([SimpleNamespace(rows=[row]) for row in rows])


CUBE = np.ones((4, 4, 4), np.int64)


def test_a_missing_object_and_a_failure_count_as_error_one_and_none_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        replace(ROW, rel_error=0.2, prediction=2.4, resolved=True),
        replace(ROW, truth_id="2"),
        replace(ROW, truth_id="3", status="unmatched", prediction=float("nan"), rel_error=1.0),
        replace(ROW, truth_id="4", status="failed", prediction=float("nan"), rel_error=1.0),
    ]
    monkeypatch.setattr(simulation, "compare_objects", compared(rows))
    logged = validate(SimulationEvaluation(), CUBE, CUBE)
    assert logged["val/sim/relaxation_time"] == pytest.approx(2.2)
    assert logged["val/sim/relaxation_time/rel_error"] == pytest.approx(0.6)
    assert logged["val/sim/relaxation_time/rel_error_p90"] == pytest.approx(1.0)
    assert logged["val/sim/relaxation_time/not_resolved"] == 0.25
    assert logged["val/sim/failure_rate"] == 0.25 and logged["val/sim/objects"] == 4


def test_objects_of_two_blocks_with_the_same_numbers_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = iter([[replace(ROW, status="failed"), replace(ROW, truth_id="2")], [ROW, replace(ROW, truth_id="2")]])
    monkeypatch.setattr(simulation, "compare_objects", lambda *_, **__: compared(next(blocks))())
    callback, logged, trainer = SimulationEvaluation(), Logged(), SimpleNamespace(sanity_checking=False)
    callback.on_validation_epoch_start(trainer, logged)
    for number in range(2):
        callback.on_validation_batch_end(trainer, logged, {"prediction": CUBE}, batch(CUBE), number)
    callback.on_validation_epoch_end(trainer, logged)
    assert logged["val/sim/objects"] == 4 and logged["val/sim/failure_rate"] == 0.25


@pytest.mark.parametrize("setting", [{"every": 0}, {"iou": 0.0}, {"share": -0.1}, {"most": 0}, {"min_voxels": 9, "max_voxels": 8}])
def test_settings_that_no_validation_could_follow_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(CellmlError, match=next(iter(setting))):
        SimulationEvaluation(**setting)


def test_a_crash_of_the_judge_is_logged_and_ends_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr(simulation, "compare_objects", crash)
    assert validate(SimulationEvaluation(), CUBE, CUBE) == {}
    assert "no room" in caplog.text


def test_the_share_of_the_time_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, asked = Clock(), []
    monkeypatch.setattr(simulation, "time", clock)

    def slow(*_: Any, seconds: float, **__: Any) -> Iterator[Any]:
        asked.append(seconds)
        clock.now += 10
        return iter([SimpleNamespace(rows=[ROW])])

    monkeypatch.setattr(simulation, "compare_objects", slow)
    callback = SimulationEvaluation(share=0.1)
    callback.on_fit_start(SimpleNamespace(), SimpleNamespace())
    ran = []
    for _ in range(40):
        clock.now += 20
        ran.append(bool(validate(callback, CUBE, CUBE)))
    elapsed = clock.now - 1000
    assert ran[0] and not all(ran)
    assert sum(ran) * 10 <= 0.1 * elapsed + 10
    assert sum(ran) * 10 >= 0.1 * elapsed - 10, "the share is also used"


def test_only_every_nth_validation_and_never_the_sanity_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "compare_objects", compared([ROW]))
    callback = SimulationEvaluation(every=3)
    assert [bool(validate(callback, CUBE, CUBE)) for _ in range(6)] == [True, False, False, True, False, False]
    quiet, first = Logged(), SimulationEvaluation(every=2)
    first.on_validation_epoch_start(SimpleNamespace(sanity_checking=True), quiet)
    assert validate(first, CUBE, CUBE), "the sanity check is no validation that counts"
    callback.on_validation_batch_end(SimpleNamespace(sanity_checking=True), quiet, {"prediction": CUBE}, batch(CUBE), 0)
    assert callback.rows == []


def test_training_goes_on_while_every_mesh_fails(
    monkeypatch: pytest.MonkeyPatch, cellml: Callable[..., int], tiny: Callable[..., list[str]], tmp_path: Path
) -> None:
    monkeypatch.setattr(objects, "solve_object", lambda labels, label, model, **_: SolvedObject(label, failure="no mesh"))
    more = [
        "callbacks=simulation",
        "callbacks.simulation.min_voxels=100",
        "callbacks.simulation.most=2",
        "training.max_steps=2",
        "training.validations=1",
    ]
    assert cellml("train", *tiny(tmp_path / "run", *more)) == 0
    with next((tmp_path / "run").rglob("metrics.csv")).open() as stream:
        (row,) = [r for r in csv.DictReader(stream) if r.get("val/sim/failure_rate")]
    assert float(row["val/sim/failure_rate"]) == 1.0 and float(row["val/sim/objects"]) == 2.0
    assert float(row["val/sim/relaxation_time/rel_error"]) == 1.0 and float(row["val/loss"]) > 0


class Pictures:
    """A logger that takes images."""

    def __init__(self, fails: bool = False) -> None:
        self.fails, self.taken = fails, []

    def log_image(self, key: str, images: list[Any], step: int) -> None:
        if self.fails:
            raise ConnectionError("offline")
        self.taken.append((key, images[0].shape, step))


def test_rows_go_to_the_folder_and_figures_to_loggers_that_take_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(simulation, "compare_objects", compared([replace(ROW, truth_id=str(k)) for k in range(3)]))
    callback, logged, pictures = SimulationEvaluation(folder=str(tmp_path)), Logged(), Pictures()
    trainer = SimpleNamespace(sanity_checking=False, loggers=[object(), Pictures(fails=True), pictures], global_step=7)
    callback.on_validation_epoch_start(trainer, logged)
    callback.on_validation_batch_end(trainer, logged, {"prediction": CUBE}, batch(CUBE), 0)
    callback.on_validation_epoch_end(trainer, logged)
    (key, (height, width, channels), step) = pictures.taken[0]
    assert (key, channels, step) == ("val/sim", 3, 7) and min(height, width) > 100
    from cellml.report.objects import read_objects

    assert [row.truth_id for row in read_objects(tmp_path / "objects.csv")] == ["0", "1", "2"]


def test_repaired_images_are_read_by_a_segmenter_and_the_truth_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def compare(truth: Any, prediction: Any, *_: Any, **__: Any) -> Any:
        seen.append((truth.data, prediction.data))
        return iter([SimpleNamespace(rows=[ROW])])

    monkeypatch.setattr(simulation, "compare_objects", compare)
    callback, read = SimulationEvaluation(reader="segmenter.ckpt", invert=True), []

    def reader(image: np.ndarray) -> np.ndarray:
        read.append(image)
        return (np.asarray(image).reshape(4, 4, 4) > 0.5).astype(np.int64)

    monkeypatch.setattr(callback, "reader", reader)
    trainer, logged = SimpleNamespace(sanity_checking=False), Logged()
    true = {**batch(CUBE), "labels": torch.ones(1, 4, 4, 4)}
    for _ in range(2):
        callback.on_validation_epoch_start(trainer, logged)
        callback.on_validation_batch_end(trainer, logged, {"image": np.zeros((1, 4, 4, 4))}, true, 0)
        callback.on_validation_epoch_end(trainer, logged)
    assert len(read) == 3 and (seen[0][0] == 1).all() and (seen[0][1] == 0).all()
    assert logged["val/sim/objects"] == 1
    none = SimulationEvaluation()
    none.on_validation_epoch_start(trainer, logged)
    none.on_validation_batch_end(trainer, logged, {"image": np.zeros((1, 4, 4, 4))}, true, 0)
    assert none.rows == []  # without a reader nobody can tell


class Shapes(Logged):
    """Stands for a model of shapes."""

    representation = SimpleNamespace(surface=lambda values, unit, name: SimpleNamespace(name=name, size=float(values.sum()) * unit))

    def encode(self, population: Any) -> Any: ...

    def decode(self, codes: np.ndarray) -> list[Any]:
        return [SimpleNamespace(name=f"drawn {k}", size=float(v)) for k, v in enumerate(codes[:, 0])]

    def sample(self, count: int, seed: int, condition: str = "") -> np.ndarray:
        return np.arange(1.0, count + 1)[:, None]

    def log_density(self, codes: Any) -> Any: ...


def test_a_shape_that_cannot_be_made_ends_no_training(caplog: pytest.LogCaptureFixture) -> None:
    callback, trainer = SimulationEvaluation(), SimpleNamespace(sanity_checking=False)
    broken = Shapes()
    broken.representation = SimpleNamespace(surface=lambda *_: 1 / 0)
    callback.on_validation_epoch_start(trainer, broken)
    callback.on_validation_batch_end(trainer, broken, None, {"image": torch.zeros(1), "unit": torch.tensor(1.0)}, 0)
    assert "could not be made" in caplog.text


def test_models_of_shapes_are_judged_by_distributions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from cellml.evaluation.distributions import ShapeRow

    def answers(real: list[Any], drawn: list[Any], *_: Any, **__: Any) -> Any:
        for side, shapes in (("real", real), ("generated", drawn)):
            for shape in shapes:
                yield ShapeRow(side, shape.name, "volume", "um^3", shape.size, "ok" if shape.size < 4 else "refused")

    monkeypatch.setattr(simulation, "shape_answers", answers)
    callback, logged, pictures = SimulationEvaluation(most=4, folder=str(tmp_path)), Shapes(), Pictures()
    trainer = SimpleNamespace(sanity_checking=False, loggers=[pictures], global_step=1)
    callback.on_validation_epoch_start(trainer, logged)
    for size in (1.0, 2.0, 3.0, 3.5, 9.0):
        callback.on_validation_batch_end(trainer, logged, None, {"image": torch.full((1,), size), "unit": torch.tensor(1.0)}, 0)
    callback.on_validation_epoch_end(trainer, logged)
    assert logged["val/sim/volume/median_ratio"] == pytest.approx(2.0 / 2.5)
    assert logged["val/sim/failure_rate"] == 0.25 and logged["val/sim/objects"] == 4
    assert pictures.taken[0][0] == "val/sim" and (tmp_path / "shape_answers.csv").is_file()
    assert len(callback.shapes) == 8  # no more validation shapes than drawn ones
