from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from cellml.errors import CellmlError
from cellml.sweeps.jobs import by_setting, interval, read_jobs, varied
from cellml.sweeps.report_command import best_job, sweep_report


def job(folder: Path, number: int, overrides: list[str], record: dict[str, Any] | None, dice: float | None = None) -> None:
    place = folder / str(number)
    (place / ".hydra").mkdir(parents=True)
    (place / ".hydra/overrides.yaml").write_text(yaml.safe_dump(overrides))
    if record is not None:
        usual = {"objective": "val/loss", "seconds": 10.0, "starts": 1, "host": "another", "process": 1}
        (place / "job.json").write_text(json.dumps({**usual, **record}))
    if dice is not None:
        (place / "metrics").mkdir()
        (place / "metrics/metrics.csv").write_text(f"step,val/dice\n1,0.1\n2,{dice}\n")


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two learning rates with three seeds each, of which one failed and one was interrupted, and one job that never began."""
    values = {(0.1, 1): 1.0, (0.1, 2): 2.0, (0.1, 3): 3.0, (0.01, 1): 5.0}
    number = 0
    for lr in (0.1, 0.01):
        for seed in (1, 2, 3):
            words = [f"task.optimizer.lr={lr}", f"seed={seed}", "+training.extra=[1,2]"]
            if (lr, seed) in values:
                job(tmp_path, number, words, {"state": "done", "value": values[lr, seed]}, dice=0.9)
            elif seed == 2:
                job(tmp_path, number, words, {"state": "failed", "error": "CellmlError: bad | patch\nsize"})
            else:
                job(tmp_path, number, words, {"state": "interrupted", "starts": 2})
            number += 1
    job(tmp_path, 10, ["task.optimizer.lr=0.1", "seed=4", "+training.extra=[1,2]"], None)
    return tmp_path


def test_jobs_are_read_in_the_order_of_their_numbers(sweep: Path) -> None:
    jobs, objective = read_jobs(sweep)
    assert [j.number for j in jobs] == ["0", "1", "2", "3", "4", "5", "10"] and objective == "val/loss"
    assert [j.state for j in jobs] == ["done", "done", "done", "done", "failed", "interrupted", "waiting"]
    assert varied(jobs) == ["task.optimizer.lr", "seed"] and jobs[0].overrides["training.extra"] == "[1,2]"
    assert jobs[0].metrics["val/dice"] == 0.9 and math.isnan(jobs[4].value)


def test_a_refused_command_does_not_change_what_a_job_was_trained_with(tmp_path: Path) -> None:
    """Hydra writes overrides.yaml before cellml finds the folder taken."""
    job(tmp_path, 0, ["seed=9"], {"state": "done", "value": 1.0, "overrides": ["seed=1"]})
    jobs, _ = read_jobs(tmp_path)
    assert jobs[0].overrides == {"seed": "1"}


def test_a_table_that_is_being_written_costs_no_other_job_its_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in (0, 1):
        job(tmp_path, number, [f"seed={number}"], {"state": "running"}, dice=0.5)
    (tmp_path / "1/metrics/metrics.csv").write_text("step,val/dice\n1,0.5,0.7\n")
    jobs, _ = read_jobs(tmp_path)
    assert jobs[0].metrics["val/dice"] == 0.5 and not jobs[1].metrics and "metrics of job 1 are left out" in caplog.text


def test_seeds_of_one_setting_have_a_mean_and_an_interval(sweep: Path) -> None:
    jobs, _ = read_jobs(sweep)
    first, second = by_setting(jobs, varied(jobs))
    assert first.settings == {"task.optimizer.lr": "0.1"} and len(first.jobs) == 4
    half = 4.302652729911275 / math.sqrt(3)  # t(0.975, 2) s/√n of 1, 2, 3
    assert (first.mean, first.low, first.high) == pytest.approx((2.0, 2 - half, 2 + half))
    assert second.mean == 5.0 and math.isnan(second.low)
    assert all(math.isnan(x) for x in interval([]))


def test_the_report_is_one_table_and_one_figure(sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "report"
    found = sweep_report(str(sweep), str(output), metrics=["val/dice"])
    assert found == {"jobs": 7, "done": 4, "failed": 1, "interrupted": 1, "running": 0, "waiting": 1, "best": "0", "value": 1.0}
    with (output / "sweep.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["job", "task.optimizer.lr", "seed", "state", "val/loss", "val/dice", "seconds", "starts", "error"]
    assert rows[0]["val/loss"] == "1" and rows[0]["val/dice"] == "0.9" and rows[4]["error"] == "CellmlError: bad | patch size"
    text = (output / "sweep.md").read_text()
    assert "7 jobs: 4 done, 1 failed, 1 interrupted, 1 waiting." in text and "bad \\| patch" in text and "## Settings over seeds" in text
    assert "<table>" in (output / "sweep.html").read_text() and (output / "sweep.png").stat().st_size > 10_000
    assert "Best: job 0 with val/loss 1." in capsys.readouterr().out


def test_a_high_objective_may_be_good(sweep: Path) -> None:
    jobs, _ = read_jobs(sweep)
    best = best_job(jobs, minimise=False)
    assert best is not None and best.value == 5.0 and best_job([], True) is None


def test_a_folder_without_jobs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match="holds no job of a sweep"):
        sweep_report(str(tmp_path))
    with pytest.raises(CellmlError, match="There is no folder"):
        sweep_report(str(tmp_path / "none"))
