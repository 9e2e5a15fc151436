"""Trainings that are killed with SIGKILL at a random moment and go on in their folder, against one that nobody disturbed."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cellml.report.rows import append_row, read_rows

FOLDER = Path(__file__).parent
KILLS, STEPS = 20, 24  # kills at any moment of a run's life, and as many once it has written a checkpoint


def kill_trainings(seed: int = 0) -> None:
    """Rows of `kills_training.csv`: `same` is 1 where weights, optimiser and chosen model equal the undisturbed run's bit for bit."""
    _import_all()
    table = FOLDER / "kills_training.csv"
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        phantom(place / "phantom.npz")
        begin = time.monotonic()
        process = start(place, "whole", workers=0)
        wait_for_checkpoint(place / "whole")
        ready = time.monotonic() - begin
        assert wait_for(process) == 0
        whole = time.monotonic() - begin
        random = np.random.default_rng(seed)
        moments = [*random.uniform(0, whole, KILLS), *random.uniform(0, whole - ready, KILLS)]
        for number in range(len(read_rows(table)), 2 * KILLS):
            append_row(table, one_kill(place, number, float(moments[number])))


def one_kill(place: Path, number: int, moment: float) -> dict[str, Any]:
    """Kill a training after `moment` seconds, or half of that and so on where it had ended by then; let it go on; compare.

    Of each twenty kills the last five are of trainings with two loader processes.
    """
    workers, late = 0 if number % KILLS < 3 * KILLS // 4 else 2, number >= KILLS
    while True:
        name = f"killed_{number}_{moment:.3f}"
        process = start(place, name, workers)
        if late:
            wait_for_checkpoint(place / name)
        time.sleep(moment)
        os.kill(process, signal.SIGKILL)
        if wait_for(process) == -signal.SIGKILL:
            break
        moment /= 2
    last = place / name / "checkpoints" / "last.ckpt"
    step = int(torch.load(last, weights_only=True)["global_step"]) if last.is_file() else 0
    assert wait_for(start(place, name, workers)) == 0
    told = {"kill": number, "since": "checkpoint" if late else "start", "moment_s": f"{moment:.3f}", "step": step}
    return {**told, "loader_processes": workers, "same": int(same(place, name))}


def wait_for_checkpoint(folder: Path) -> None:
    """Wait until the run in a folder has written its first checkpoint."""
    while not (folder / "checkpoints" / "last.ckpt").is_file():
        time.sleep(0.005)


def same(place: Path, name: str) -> bool:
    """Whether the run's last checkpoint and its model equal the undisturbed run's."""
    for file, keys in (("checkpoints/last.ckpt", ("state_dict", "optimizer_states", "lr_schedulers")), ("model.ckpt", ("state_dict",))):
        one, two = (torch.load(place / run / file, weights_only=True) for run in ("whole", name))
        if not all(equal(one[key], two[key]) for key in keys):
            return False
    return True


def equal(one: Any, two: Any) -> bool:
    """Whether two nested containers hold the same values and tensors, bit for bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(two, torch.Tensor) and torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(equal(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(equal(a, b) for a, b in zip(one, two, strict=True))
    return bool(one == two)


def phantom(path: Path) -> None:
    """A small volume made by code."""
    from cellml.data.phantom import em_phantom

    raw, neurons = em_phantom((40, 32, 32), seed=3)
    np.savez(path, raw=raw.data, labels=neurons.data, voxel_nm=np.array(raw.spacing))


def start(place: Path, name: str, workers: int) -> int:
    """Begin a training in a process of its own, or go on with it in its folder; the number of the process.

    The process is forked, for reading the libraries anew would cost ten times what the training does.
    """
    words = [
        "data=fib25", "task=affinities", f"data.path={place}/phantom.npz", "seed=0",
        f"training.max_steps={STEPS}", "training.validations=3",
        "training.precision=32-true", "data.patch=[16,16,16]", "data.patches_per_epoch=5", "data.min_labelled=0", "data.guard=4",
        "data.train=[{region: {z: [0, 20]}}]", "data.val=[{region: {z: [24, 40]}}]", "task.net.widths=[2,4]",
        "task.decoder_grid.threshold=[0.4,0.6]", "+task.decoder.min_size=0", "callbacks.last.every_n_train_steps=2",
        f"data.num_workers={workers}", f"hydra.run.dir={place / name}", f"resume={place / name}",
    ]  # fmt: skip
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.setsid()
        with open(place / f"{name}.log", "ab") as stream:  # noqa: PTH123
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        from cellml.cli import main

        code = main(["train", *words])
    finally:
        os._exit(code)


def wait_for(process: int) -> int:
    """The exit code, negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _import_all() -> None:
    """What the trainings need, read once."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    import monai.transforms
    import pytorch_lightning
    import torchio
    from hydra.core.plugins import Plugins

    import cellml.run
    import cellml.tasks.segmentation

    assert monai.transforms and pytorch_lightning and torchio and cellml.run and cellml.tasks.segmentation
    Plugins.instance()
