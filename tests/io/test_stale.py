from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cellml.io import stale
from cellml.io.atomic import atomic_path, write_text

Entries = Callable[[Path], list[str]]
WRITER = """
import sys, time
from pathlib import Path
from cellml.io.atomic import atomic_path
with atomic_path(Path(sys.argv[1]) / "a.npz") as file, atomic_path(Path(sys.argv[1]) / "b.zarr") as folder:
    file.write_text("half")
    folder.mkdir()
    (folder / "chunk").write_text("half")
    print("written", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale, "_swept", set())


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path, entries: Entries) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "written\n"
    with atomic_path(tmp_path / "c.txt") as aside:
        aside.write_text("x")
        assert len(entries(tmp_path)) == 3  # a living process keeps its own
    stale._swept.clear()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert len(entries(tmp_path)) == 3
    write_text(tmp_path / "a.npz", "whole")
    assert entries(tmp_path) == ["a.npz", "c.txt"]


def test_what_cannot_be_judged_stays(tmp_path: Path, entries: Entries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale, "_alive", lambda process: process == os.getpid())
    here = stale.part_name(".txt").split("-")[1]
    names = [f".part-{'0' * 8}-7-00000000.txt", f".part-{here}-{os.getpid()}-00000000.txt", ".part-0a0b0c0d.txt", "part.txt"]
    for name in [*names, f".part-{here}-7-00000000.txt"]:
        (tmp_path / name).write_text("x")
    stale.remove_stale_parts(tmp_path)
    assert entries(tmp_path) == sorted(names)
    (tmp_path / f".part-{here}-7-00000000.txt").write_text("x")
    stale.remove_stale_parts(tmp_path)  # once a process: a folder of many files is not listed for each of them
    assert len(entries(tmp_path)) == 5
    stale.remove_stale_parts(tmp_path / "missing")
