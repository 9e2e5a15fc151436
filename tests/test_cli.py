from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.cli import VERBS, _is_users, main

Command = Callable[..., int]
Overrides = Callable[..., list[str]]
HEAVY = (
    "torch",
    "monai",
    "pytorch_lightning",
    "hydra",
    "omegaconf",
    "torchio",
    "scipy",
    "skimage",
    "trimesh",
    "skfem",
    "matplotlib",
    "plotly",
    "rich",
)


def subprocess_run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=200, **more)


@pytest.mark.parametrize(
    "code", ["import cellml", "from cellml.cli import main; main(['--help'])", "from cellml.cli import main; main(['trian'])"]
)
def test_start_up_imports_nothing_heavy(code: str) -> None:
    done = subprocess_run("-c", f"{code}\nimport sys\nprint('found', [n for n in {HEAVY!r} if n in sys.modules])")
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "found []", done.stdout + done.stderr


def test_help_lists_every_verb_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name}" in text and verb.example in text and verb.example.startswith(f"cellml {name}") for name, verb in VERBS.items())
    assert main(["--version"]) == 0 and capsys.readouterr().out.startswith("cellml 0.")


def test_an_unknown_verb_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    assert "did you mean 'train'" in capsys.readouterr().err


def refused(capsys: pytest.CaptureFixture[str], code: int) -> str:
    """One paragraph on stderr and no traceback."""
    text = capsys.readouterr().err.strip()
    assert code == 2 and text.startswith("cellml ") and "Traceback" not in text and "\n\n\n" not in text, text
    return text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["infer", "inputs=x.tif"], "Could not override 'inputs'"),
        (["infer", "inputs=x.tif"], "use +inputs=x.tif"),
        (["infer", "input=x.tif"], "Missing: checkpoint, output. Give each as an argument, for example checkpoint=VALUE."),
        (["score", "prediction=a.tif"], "Missing: truth"),
        (["sample", "input=a.tif", "output=b.tif"], "correlation_nm: nm over which errors are shared, such as 50"),
        (["plan"], "data.path: the image: FILE"),
        (["train"], "Say how long to train: training.max_steps=N or training.budget_minutes=M"),
        (
            ["train", "data=fib26", "task=affinities"],
            "no configuration 'data/fib26'. There are: data/cdeep3m, data/cdeep3m_vnc, data/",
        ),
        (["train", "data=fib25", "task=affinities"], "training.max_steps=N or training.budget_minutes=M"),
        (["infer", "checkpoint=none.ckpt", "input=x.tif", "output=y.tif"], "There is no checkpoint none.ckpt"),
        (["infer", "checkpoint"], "missing EQUAL"),
    ],
)
def test_mistakes_on_the_command_line(
    words: list[str],
    message: str,
    cellml: Command,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    phantom_file: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    more = [f"data.path={phantom_file}", "data.train=[{region: {z: [0, 20]}}]", "data.val=[{region: {z: [30, 40]}}]", "data.patch=[8,8,8]"]
    assert message in refused(capsys, cellml(*words, *(more if words[-1] == "task=affinities" and "data=fib25" in words else [])))


def test_flags_may_stand_anywhere() -> None:
    from cellml.cli import _flags_first

    words = ["a=1", "--multirun", "b=2,3", "--config-dir", "x=y", "~c", "-cn", "mine", "d=4", "typo"]
    assert _flags_first(["f=0"], words) == ["--multirun", "--config-dir", "x=y", "-cn", "mine", "typo", "f=0", "a=1", "b=2,3", "~c", "d=4"]


def test_verbs_other_than_train_leave_no_run_folder(cellml: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cellml("score", "prediction=a.tif", "truth=b.tif") == 2
    assert list(tmp_path.iterdir()) == []


def test_the_traceback_is_shown_when_asked_for(cellml: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from cellml.errors import CellmlError

    monkeypatch.setenv("CELLML_DEBUG", "1")
    with pytest.raises(CellmlError, match="no checkpoint"):
        cellml("infer", "checkpoint=none.ckpt", "input=x.tif", "output=y.tif")


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, cellml: Command) -> None:
    monkeypatch.setattr("cellml.infer.command.infer_file", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cellml("infer", "checkpoint=a", "input=b", "output=c")
    assert (
        not _is_users(ZeroDivisionError()) and _is_users(OSError(28, "No space left on device")) and not _is_users(OSError(5, "I/O error"))
    )


# Bad input to training and inference


BAD_TRAINING: list[tuple[dict[str, Any], list[str], str]] = [
    ({"raw": np.full((40, 32, 32), np.nan, np.float32)}, [], "NaN or infinite voxels"),
    ({"raw": np.zeros((40, 32, 32), np.uint8)}, [], "constant"),
    ({"raw": np.zeros((32, 32), np.uint8)}, [], "2D image"),
    ({"labels": np.ones((40, 32, 31), np.uint8)}, [], "(40, 32, 32) voxels but its labels"),
    ({"labels": np.zeros((40, 32, 32), np.uint8)}, [], "no labelled voxel"),
    ({"labels": np.full((40, 32, 32), 0.5)}, [], "fractional"),
    ({}, ["data.patch=[24,16,16]"], "smaller than the patch (24, 16, 16)"),
    ({}, ["data.patch=[18,16,16]"], "data.patch is [18, 16, 16] voxels (z, y, x), but the network needs multiples of [4, 4, 4]"),
    ({}, ["data.guard=9"], "4 voxels apart, and data.guard asks for 9"),
    ({}, ["task.net.in_channels=2"], "set task.net.in_channels=1"),
    ({}, ["task.net.out_channels=3"], "set task.net.out_channels=9"),
    ({}, ["task.decoder=null"], "needs a decoder"),
    ({}, ["trainer=gpu"], "no CUDA device"),
    ({}, ["data.train=[{region: {z: [0, 99]}}]"], "which has 40 voxels along z"),
    ({}, ["training.budget_minutes=1"], "one, the other null"),
    ({}, ["training.max_steps=null", "training.budget_minutes=1", "trainer=ddp"], "give training.max_steps=N with trainer=ddp"),
    ({}, ["task.target.offsets=[[0,0,-1]]", "task.net.out_channels=1"], "first three offsets"),
]


@pytest.mark.parametrize(("arrays", "overrides", "message"), BAD_TRAINING, ids=[m for _, _, m in BAD_TRAINING])
def test_bad_input_to_training(
    arrays: dict, overrides: list[str], message: str, cellml: Command, tiny: Overrides, phantom_file: Path, tmp_path: Path, capsys: Any
) -> None:
    good = dict(np.load(phantom_file))
    np.savez(tmp_path / "bad.npz", **{**good, **arrays})
    text = refused(capsys, cellml("train", *tiny(tmp_path / "run", f"data.path={tmp_path / 'bad.npz'}", *overrides)))
    assert message in text
    assert not (tmp_path / "run" / "model.ckpt").exists()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"voxel_nm": np.array([40.0, 10.0, 10.0])},
            "voxels of 40 × 10 × 10 nm (z, y, x), but the checkpoint was trained at 10 × 10 × 10 nm",
        ),
        ({"raw": np.full((30, 8, 8), np.nan, np.float32)}, "bad.npz holds 1536 NaN"),
        ({"raw": np.zeros((8, 8, 8), np.uint8)}, "bad.npz is constant"),
        ({"raw": np.zeros((8, 8), np.uint8)}, "2D image"),
        ({"raw": np.arange(2 * 8**3).reshape(2, 8, 8, 8), "axes": "CZYX"}, "2 channel(s), but the checkpoint was trained on 1"),
        ({"voxel_nm": None}, "spacing_nm=[10,10,10]"),
    ],
)
def test_bad_input_to_inference_writes_nothing(
    arrays: dict, message: str, tiny_run: Any, cellml: Command, tmp_path: Path, capsys: Any
) -> None:
    usual = {"raw": np.random.default_rng(0).random((8, 8, 8)), "voxel_nm": np.array([10.0, 10.0, 10.0])}
    given = {**usual, **arrays}
    more = [f"axes={given.pop('axes')}"] if "axes" in given else []
    np.savez(tmp_path / "bad.npz", **{k: v for k, v in given.items() if v is not None})
    out = tmp_path / "out" / "labels.tif"
    assert message in refused(
        capsys,
        cellml("infer", f"checkpoint={tiny_run.model}", f"input={tmp_path / 'bad.npz'}", f"output={out}", "precision=float32", *more),
    )
    assert not out.exists() and not list(tmp_path.rglob(".part-*"))


def test_an_output_without_suffix_is_refused(tiny_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path, capsys: Any) -> None:
    assert "has no suffix" in refused(
        capsys, cellml("infer", f"checkpoint={tiny_run.model}", f"input={phantom_file}", f"output={tmp_path / 'labels'}")
    )


# What can happen to a process: a full disk, Ctrl-C, kill -9


def test_a_full_disk_leaves_no_half_file(
    tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file-size limit stands for the full disk: both refuse to write on."""
    import resource

    size = tiny_run.model.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
        code = cellml("train", *tiny(tmp_path / "run"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert "no space is left" in refused(capsys, code)
    assert not [p for p in (tmp_path / "run").rglob("*") if p.suffix == ".ckpt" or p.name.startswith(".part-")]


def started(words: list[str], folder: Path, ready: Path, **more: Any) -> subprocess.Popen[str]:
    """`cellml` in a process of its own, once `ready` is there."""
    log = (folder.parent / "log.txt").open("w")
    process = subprocess.Popen([sys.executable, "-m", "cellml", *words], stdout=log, stderr=log, text=True, **more)
    for _ in range(3000):
        if ready.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    assert ready.exists(), (folder.parent / "log.txt").read_text()
    return process


def test_ctrl_c_keeps_the_position_and_says_so(cellml: Command, tiny: Overrides, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = tiny(run, "training.max_steps=100000", "training.validations=1", "callbacks.last.every_n_train_steps=100000")
    process = started(["train", *words], run, run / "run.claimed")
    for _ in range(3000):
        log = next(run.rglob("metrics.csv"), None)
        if log is not None and log.stat().st_size:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    text = (tmp_path / "log.txt").read_text()
    assert "interrupted" in text and "Traceback" not in text
    from cellml.checkpoint import load, read

    assert read(run / "checkpoints/last.ckpt")["global_step"] > 0
    load(run / "checkpoints/last.ckpt")
    assert not list(run.rglob(".part-*"))


@pytest.mark.slow
def test_kill_9_in_the_middle_of_an_epoch_then_resume(tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path) -> None:
    import torch

    from cellml.checkpoint import read

    run, last = tmp_path / "run", tmp_path / "run/checkpoints/last.ckpt"
    overrides = ["training.max_steps=40", "training.validations=4", "data.patches_per_epoch=7"]
    process = started(["train", *tiny(run, *overrides)], run, last)
    process.kill()
    process.wait(60)
    step = read(last)["global_step"]
    assert 0 < step < 40
    assert cellml("train", *tiny(tmp_path / "resumed", *overrides, f"resume={run}")) == 0
    assert cellml("train", *tiny(tmp_path / "whole", *overrides)) == 0
    for name in ("model.ckpt", "checkpoints/last.ckpt"):
        a, b = (read(tmp_path / folder / name)["state_dict"] for folder in ("resumed", "whole"))
        assert all(torch.equal(a[key], b[key]) for key in a)


def test_nothing_that_is_so_by_design_is_warned_about(tiny: Overrides, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
    done = subprocess_run("-m", "cellml", "train", *tiny(tmp_path / "run", "training.max_steps=2"), env=environment)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stdout + done.stderr, done.stderr
