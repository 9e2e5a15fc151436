"""One process at a time in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cellml.errors import CellmlError, FileError
from cellml.io.alone import LOCK, alone_in

HOLD = (
    "import sys, time\nfrom cellml.io.alone import alone_in\nwith alone_in(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(60)"
)


def test_a_second_process_is_told_and_the_lock_of_a_killed_one_is_free(tmp_path: Path) -> None:
    folder = tmp_path / "made/for it"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    with pytest.raises(CellmlError, match="Another process is working in"), alone_in(folder):
        pass
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    with alone_in(folder):
        assert (folder / LOCK).exists()
    assert [path.name for path in folder.iterdir()] == [LOCK]


def test_it_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), alone_in(tmp_path):
        raise RuntimeError
    with alone_in(tmp_path):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError), alone_in(tmp_path / "file"):
        pass


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import filelock

    def refused(self: object) -> None:
        raise NotImplementedError("no flock")

    monkeypatch.setattr(filelock.FileLock, "acquire", refused)
    with pytest.raises(FileError, match=r"knows no locks \(no flock\)"), alone_in(tmp_path):
        pass
