"""Blockwise on a Dask cluster: no torch in the client, bounded memory, and the same labels after kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.blocks.memory import process_tree, proportional_set_size, watched_memory
from cellml.io import read_labels, read_volume, write_volume

pytest.importorskip("distributed", reason="clusters need the extra `cluster`")

RUN = (
    "import json, sys; from cellml.blocks.command import blockwise; told = blockwise(**json.loads(sys.argv[1])); "
    "print('\\n' + json.dumps({**told, 'torch': 'torch' in sys.modules}))"
)


def command(model: Path, volume: Path, output: Path) -> list[str]:
    arguments = {
        "checkpoint": str(model), "input": str(volume), "output": str(output), "block": [20, 32, 32], "tile": [16, 16, 16],
        "precision": "float32", "cluster": {"_target_": "cellml.blocks.dask_engine.LocalDask"},
        "decode": {"_target_": "cellml.segmentation.components.ThresholdComponents", "min_size": 3},
    }  # fmt: skip
    return [sys.executable, "-c", RUN, json.dumps(arguments)]


@pytest.fixture(scope="module")
def volume(phantom_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "volume.zarr"
    write_volume(read_volume(phantom_file), path)
    return path


@pytest.fixture(scope="module")
def unbroken(tiny_run: Any, volume: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, dict[str, Any]]:
    output = tmp_path_factory.mktemp("unbroken") / "out.zarr"
    done = subprocess.run(command(tiny_run.model, volume, output), check=True, stdout=subprocess.PIPE, text=True)
    return read_labels(output).data, json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.slow
def test_the_client_has_no_torch_and_knows_the_peak_of_its_processes(unbroken: tuple[np.ndarray, dict[str, Any]]) -> None:
    told = unbroken[1]
    assert told["torch"] is False
    assert 0.2 < told["peak_memory_gb"] < 2.5 and told["objects"] == unbroken[0].max()


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["a worker", "all"])
def test_killed_and_run_again_it_gives_the_same_labels(
    tiny_run: Any, volume: Path, unbroken: tuple[np.ndarray, dict[str, Any]], tmp_path: Path, whom: str
) -> None:
    output = tmp_path / "out.zarr"
    words = command(tiny_run.model, volume, output)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    tiles = Path(f"{output}.blocks")
    while process.poll() is None and len(list(tiles.glob("tiles-*/[0-9]*.npy"))) < 1:
        time.sleep(0.01)
    assert process.poll() is None, sorted(tiles.rglob("*"))
    if whom == "all":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        workers = [p for p in process_tree(process.pid)[1:] if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]
        os.kill(workers[0], signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in tiles.glob("tiles-*/[0-9]*.npy")}
    if whom == "all":
        assert kept and not output.exists()
        subprocess.run([*words[:-1], json.dumps({**json.loads(words[-1]), "keep": True})], check=True, stdout=subprocess.DEVNULL)
        assert all(path.stat().st_mtime_ns == before for path, before in kept.items())  # nothing is done twice
    assert np.array_equal(read_labels(output).data, unbroken[0])


def test_memory_of_a_tree_of_processes_is_seen() -> None:
    hold = "import sys, time; held = bytearray(b'1') * 120_000_000; print('held', flush=True); time.sleep(60)"
    with watched_memory(0.05) as peak:
        child = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None and child.stdout.readline().strip() == "held"
        assert child.pid in process_tree(os.getpid()) and proportional_set_size(child.pid) > 120_000_000
        deadline = time.monotonic() + 20
        while peak.bytes < proportional_set_size(os.getpid()) + 100_000_000 and time.monotonic() < deadline:
            time.sleep(0.05)
        child.kill()
        child.wait()
    assert peak.bytes > 120_000_000 and peak.samples > 0 and proportional_set_size(child.pid) == 0
