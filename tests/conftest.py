"""What the tests of training and inference share: a small phantom, the commands in-process, and one tiny trained run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

# Half a minute of training becomes a second: tiny widths, patches and blocks.
TINY = (
    "seed=0",
    "training.max_steps=4",
    "training.validations=2",
    "training.precision=32-true",
    "data.patch=[16,16,16]",
    "data.patches_per_epoch=3",
    "data.min_labelled=0",
    "data.guard=4",
    "data.train=[{region: {z: [0, 20]}}]",
    "data.val=[{region: {z: [24, 40]}}]",
    "task.net.widths=[2,4]",
    "callbacks.last.every_n_train_steps=1",
)
AFFINITIES = ("data=fib25", "task=affinities", "task.decoder_grid.threshold=[0.4,0.6]", "+task.decoder.min_size=0")
SEMANTIC = ("data=fib25", "task=semantic", "task.net.fine_channels=2")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """One thread a process: the machine is shared, and sums are taken in one order."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def phantom_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom of 40 × 32 × 32 voxels of 10 nm: `raw`, `labels` (instances), `classes` (1 for odd instances), `voxel_nm`."""
    from cellml.data.phantom import em_phantom

    raw, neurons = em_phantom((40, 32, 32), seed=3)
    path = tmp_path_factory.mktemp("phantom") / "phantom.npz"
    np.savez(path, raw=raw.data, labels=neurons.data, classes=(neurons.data % 2).astype(np.uint8), voxel_nm=np.array(raw.spacing))
    return path


@contextmanager
def _kept_interrupt_handler() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


Command = Callable[..., int]


@pytest.fixture(scope="session")
def cellml() -> Command:
    """Run `cellml WORD...` in this process and return its exit code."""

    def run(*words: object) -> int:
        from cellml.cli import main

        with _kept_interrupt_handler():
            return main([str(word) for word in words])

    return run


@pytest.fixture(scope="session")
def tiny(phantom_file: Path) -> Callable[..., list[str]]:
    """Overrides of a training that takes a second; further ones may be given: `tiny(folder, *more, recipe=AFFINITIES)`."""

    def overrides(folder: Path, *more: str, recipe: Sequence[str] = AFFINITIES) -> list[str]:
        return [*recipe, f"data.path={phantom_file}", *TINY, f"hydra.run.dir={folder}", *more]

    return overrides


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, cellml: Command, tiny: Callable[..., list[str]]) -> Any:
    """One finished training of affinities: `folder`, `model`, `last`, `best`."""
    folder = tmp_path_factory.mktemp("runs") / "affinities"
    assert cellml("train", *tiny(folder)) == 0
    points = folder / "checkpoints"
    return SimpleNamespace(folder=folder, model=folder / "model.ckpt", last=points / "last.ckpt", best=points / "best.ckpt")


@pytest.fixture(scope="session")
def semantic_run(tmp_path_factory: pytest.TempPathFactory, cellml: Command, tiny: Callable[..., list[str]], phantom_file: Path) -> Any:
    """One finished training of classes."""
    folder = tmp_path_factory.mktemp("runs") / "semantic"
    assert cellml("train", *tiny(folder, f"data.labels={phantom_file}:classes", recipe=SEMANTIC)) == 0
    return SimpleNamespace(folder=folder, model=folder / "model.ckpt")
