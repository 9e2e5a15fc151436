"""Sweeps on a real SLURM, and on submitit's local executor: jobs are killed, cancelled, preempted, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from cellml.checkpoint import read
from cellml.sweeps.job_record import read_record

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
Overrides = Callable[..., list[str]]
SMALL = ("hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=2", "hydra.launcher.gpus_per_node=0", "hydra.launcher.timeout_min=60")
STEPS = ("training.max_steps=60", "training.validations=1")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A SLURM of this machine while the tests of this file run."""
    spec = spec_from_file_location("cluster", Path(__file__).parent / "cluster.py")
    assert spec is not None and spec.loader is not None
    cluster = module_from_spec(spec)
    spec.loader.exec_module(cluster)
    try:
        context = cluster.running(tmp_path_factory.mktemp("slurm"))
        context.__enter__()
    except cluster.NoClusterError as reason:
        pytest.skip(str(reason))
    yield
    context.__exit__(None, None, None)


def sweep_of(tiny: Overrides, folder: Path, launcher: str, *more: str) -> list[str]:
    """The command of a sweep of tiny trainings."""
    words = [word for word in tiny(folder, *STEPS) if not word.startswith(("hydra.run.dir", "task.net.widths"))]
    poll = "hydra.launcher.poll_s=2" if launcher == "slurm" else "hydra.launcher.poll_s=0.5"
    command = [sys.executable, "-m", "cellml", "train", "--multirun", *words, f"hydra.sweep.dir={folder}"]
    return [*command, f"hydra/launcher={launcher}", poll, *(w for w in SMALL if launcher == "slurm" or "timeout" not in w), *more]


def started(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as stream:
        return subprocess.Popen(command, stdout=stream, stderr=stream, env={**os.environ, "OMP_NUM_THREADS": "1"})


def training(folder: Path) -> int | None:
    """The process that trains in a folder and has written a checkpoint there, if one does."""
    record = read_record(folder)
    if record is None or record.settled_state != "running" or not (folder / "checkpoints/last.ckpt").is_file():
        return None
    return record.process


def slurm_name(process: int) -> str:
    """By what SLURM knows the job of a process."""
    pairs = (entry.partition("=") for entry in Path(f"/proc/{process}/environ").read_text().split("\0"))
    given = {key: value for key, _, value in pairs}
    return f"{given['SLURM_ARRAY_JOB_ID']}_{given['SLURM_ARRAY_TASK_ID']}" if "SLURM_ARRAY_TASK_ID" in given else given["SLURM_JOB_ID"]


def waited(process: subprocess.Popen[bytes], log: Path, during: Callable[[], None]) -> str:
    """The log of a command that ends well, while `during` is called again and again."""
    end = time.monotonic() + 3000
    while process.poll() is None and time.monotonic() < end:
        during()
        time.sleep(0.05)
    process.kill()
    said = log.read_text(errors="replace")
    assert process.wait(30) == 0, said[-6000:]
    return said


def search_with_two_killed(tiny: Overrides, folder: Path, launcher: str, cancel: Callable[[int], None]) -> str:
    """Twelve trials of which the fourth is cancelled or killed for good, and the sixth is killed once."""
    log, killed = folder.with_suffix(".log"), list[int]()

    def kill() -> None:
        lost = training(folder / "3")
        if lost is not None and (not killed.count(3) or launcher == "local"):
            cancel(lost)
            killed.append(3)
        once = training(folder / "5")
        if once is not None and not killed.count(5):
            os.kill(once, signal.SIGKILL)
            killed.append(5)

    search = (
        "hydra/sweeper=optuna",
        "hydra.sweeper.n_jobs=4",
        "task.optimizer.lr=tag(log,interval(1e-4,1e-2))",
        "task.net.widths=[2,4],[3,4]",
    )
    said = waited(started(sweep_of(tiny, folder, launcher, *search, "hydra.sweeper.n_trials=12"), log), log, kill)
    assert {3, 5} <= set(killed), said[-3000:]
    check_study(folder, 12)
    again = read_record(folder / "5")
    assert again is not None and again.state == "done" and again.starts == 2
    finished = {path: path.stat().st_mtime_ns for path in folder.glob("*/model.ckpt")}
    assert len(finished) == 11
    said += waited(started(sweep_of(tiny, folder, launcher, *search, "hydra.sweeper.n_trials=13"), log), log, lambda: None)
    check_study(folder, 13)
    assert all(path.stat().st_mtime_ns == before for path, before in finished.items()), "nothing is done twice"
    return said


def check_study(folder: Path, count: int) -> None:
    """One failed trial, number 3; all others complete."""
    import optuna

    study = optuna.load_study("sweep", f"sqlite:///{folder / 'study.db'}")
    states = {trial.number: trial.state.name for trial in study.trials}
    assert states == {number: "FAIL" if number == 3 else "COMPLETE" for number in range(count)}
    assert f"trials: {count}\nfailed: 1" in (folder / "optimization_results.yaml").read_text()


def report_of(folder: Path) -> dict[str, Any]:
    from cellml.sweeps.report_command import sweep_report

    return sweep_report(str(folder))


def test_a_search_on_slurm_survives_a_cancelled_and_a_killed_job(slurm: None, tiny: Overrides, tmp_path: Path) -> None:
    def cancel(process: int) -> None:
        subprocess.run(["scancel", slurm_name(process)], check=True, timeout=60)

    search_with_two_killed(tiny, tmp_path / "sweep", "slurm", cancel)
    found, cancelled = report_of(tmp_path / "sweep"), read_record(tmp_path / "sweep/3")
    assert (found["jobs"], found["done"]) == (13, 12)
    assert cancelled is not None and cancelled.state == "interrupted"  # by scancel's SIGTERM, after which its position is kept


def test_a_search_by_local_processes_survives_two_killed_jobs(tiny: Overrides, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    search_with_two_killed(tiny, tmp_path / "sweep", "local", lambda process: os.kill(process, signal.SIGKILL))
    found = report_of(tmp_path / "sweep")
    assert (found["jobs"], found["done"], found["failed"]) == (13, 12, 1)


def test_a_preempted_job_goes_on_in_its_folder_and_ends_as_an_undisturbed_one(
    slurm: None, tiny: Overrides, cellml: Callable[..., int], tmp_path: Path
) -> None:
    """First the warning that submitit asks SLURM for, SIGUSR2, then `scontrol requeue`, which sends SIGTERM."""
    import torch

    folder, log, done = tmp_path / "sweep", tmp_path / "sweep.log", list[str]()
    job = folder / "0"

    def disturb() -> None:
        process = training(job)
        record = read_record(job)
        if process is None or record is None or record.starts != len(done) + 1 or len(done) == 2:
            return
        name = slurm_name(process)
        words = ["scontrol", "requeue", name] if done else ["scancel", "--signal=USR2", name]
        subprocess.run(words, check=True, timeout=60)
        done.append(words[0])

    said = waited(
        started(sweep_of(tiny, folder, "slurm", "training.max_steps=1500", "task.optimizer.lr=1e-3", "task.net.widths=[2,4]"), log),
        log,
        disturb,
    )
    record = read_record(job)
    assert done == ["scancel", "scontrol"] and record is not None and record.state == "done" and record.starts == 3, said[-3000:]
    calm = tiny(tmp_path / "calm", *STEPS, "training.max_steps=1500", "task.optimizer.lr=1e-3")
    assert cellml("train", *calm) == 0
    for name in ("model.ckpt", "checkpoints/last.ckpt"):
        one, two = (read(place / name)["state_dict"] for place in (job, tmp_path / "calm"))
        assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)
