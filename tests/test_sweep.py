"""Sweeps: one job's failure is its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cellml.checkpoint import load

Overrides = Callable[..., list[str]]
SHORT = ("training.max_steps=1", "training.validations=1", "hydra.run.dir=unused")


def cellml(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run([sys.executable, "-m", "cellml", *words], capture_output=True, text=True, timeout=280, env=given)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "joblib", "local"])
def test_a_failed_job_does_not_lose_the_others(launcher: str, tiny: Overrides, tmp_path: Path) -> None:
    if launcher != "basic":
        pytest.importorskip(f"hydra_plugins.hydra_{'joblib' if launcher == 'joblib' else 'submitit'}_launcher")
    more = {"joblib": ["hydra.launcher.n_jobs=1"], "local": ["hydra.launcher.mem_gb=4", "hydra.launcher.cpus_per_task=1"], "basic": []}[
        launcher
    ]
    words = [w for w in tiny(tmp_path, *SHORT) if not w.startswith("task.net.widths")]
    done = cellml(
        "train",
        "--multirun",
        *words,
        f"hydra.sweep.dir={tmp_path / 'sweep'}",
        f"hydra/launcher={launcher}",
        *more,
        "task.net.widths=[2,4],[2],[2,2]",
    )
    assert done.returncode != 0, done.stderr
    assert "two widths" in done.stderr + done.stdout
    for number in (0, 2):
        load(tmp_path / f"sweep/{number}/model.ckpt")
        assert (tmp_path / f"sweep/{number}/checkpoints/last.ckpt").is_file()
    assert not (tmp_path / "sweep/1/model.ckpt").exists()


@pytest.mark.slow
def test_optuna_looks_for_the_smallest_objective(tiny: Overrides, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    words = tiny(
        tmp_path,
        *SHORT,
        f"hydra.sweep.dir={tmp_path / 'sweep'}",
        "hydra/sweeper=optuna",
        "hydra.sweeper.n_trials=2",
        "hydra.sweeper.n_jobs=1",
    )
    done = cellml("train", "--multirun", *words, "task.optimizer.lr=interval(0.001,0.01)")
    assert done.returncode == 0, done.stderr
    assert "best_value" in (tmp_path / "sweep/optimization_results.yaml").read_text()
    for number in range(2):
        load(tmp_path / f"sweep/{number}/model.ckpt")


@pytest.mark.slow
def test_one_offline_run_of_weights_and_biases_for_each_job(tiny: Overrides, tmp_path: Path) -> None:
    words = tiny(tmp_path, *SHORT, f"hydra.sweep.dir={tmp_path / 'sweep'}", "logger=wandb")
    words = [w for w in words if not w.startswith("seed=")]
    done = cellml("train", "--multirun", *words, "seed=1,2", WANDB_MODE="offline", WANDB_SILENT="true")
    assert done.returncode == 0, done.stderr
    for number in range(2):
        assert len(list((tmp_path / f"sweep/{number}/wandb").glob("offline-run-*"))) == 1
        assert next((tmp_path / f"sweep/{number}").rglob("metrics.csv")).stat().st_size > 0


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_two_processes_compute_what_one_does_on_the_same_batch(norm: str, tiny: Overrides, tmp_path: Path) -> None:
    import torch

    common = (
        f"task.net.norm={norm}",
        "data.patches_per_epoch=4",
        "data.transforms=[]",
        "task.optimizer._target_=torch.optim.SGD",
        "training.max_steps=3",
    )
    one = cellml("train", *tiny(tmp_path / "one", *common, "data.batch_size=2"))
    two = cellml("train", *tiny(tmp_path / "two", *common, "trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu"))
    assert one.returncode == 0 and two.returncode == 0, one.stderr[-3000:] + two.stderr[-3000:]
    a, b = (torch.load(tmp_path / f"{name}/checkpoints/last.ckpt", weights_only=True)["state_dict"] for name in ("one", "two"))
    start = torch.load(tmp_path / "one/model.ckpt", weights_only=True)["state_dict"]
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-4, atol=1e-6)
    assert start.keys() == a.keys()
    load(tmp_path / "two/model.ckpt")
