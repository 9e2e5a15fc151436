from __future__ import annotations

import errno
import json
import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import atomic
from cellml.io.atomic import atomic_path, gigabytes, write_json, write_text

Entries = Callable[[Path], list[str]]


def test_a_file_appears_when_it_is_complete(tmp_path: Path, entries: Entries) -> None:
    final = tmp_path / "new" / "a.txt"
    with atomic_path(final) as aside:
        aside.write_text("half")
        assert not final.exists()
        assert aside.parent == final.parent
        assert aside.suffix == ".txt"
    assert final.read_text() == "half"
    assert entries(final.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), SystemExit(1), CellmlError("y")])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path, entries: Entries, error: BaseException) -> None:
    final = tmp_path / "a.txt"
    final.write_text("old")
    with pytest.raises(type(error)), atomic_path(final) as aside:
        aside.write_text("new")
        raise error
    assert final.read_text() == "old"
    assert entries(tmp_path) == ["a.txt"]


def test_a_folder_replaces_a_folder(tmp_path: Path, entries: Entries) -> None:
    final = tmp_path / "store"
    for number in range(2):
        with atomic_path(final) as aside:
            (aside / "deep").mkdir(parents=True)
            (aside / "deep" / f"{number}").write_text("x")
    assert entries(tmp_path) == ["store"]
    assert entries(final / "deep") == ["1"]


def test_an_exception_keeps_the_old_folder(tmp_path: Path, entries: Entries) -> None:
    final = tmp_path / "store"
    final.mkdir()
    (final / "old").write_text("x")
    with pytest.raises(KeyboardInterrupt), atomic_path(final) as aside:
        aside.mkdir()
        (aside / "new").write_text("y")
        raise KeyboardInterrupt
    assert entries(tmp_path) == ["store"]
    assert entries(final) == ["old"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_explained(tmp_path: Path, entries: Entries, number: int) -> None:
    final = tmp_path / "a.txt"
    with (
        pytest.raises(FileError, match=r"no space is left: about 3\.5 GB are needed, .* are free .*free some space") as caught,
        atomic_path(final, needed=3_500_000_000) as aside,
    ):
        aside.write_text("x")
        raise OSError(number, os.strerror(number))
    assert str(final) in str(caught.value)
    assert entries(tmp_path) == []


def test_a_full_disk_behind_another_exception_is_found(tmp_path: Path) -> None:
    def write() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("the library's own words") from error

    with pytest.raises(FileError, match="no space"), atomic_path(tmp_path / "a"):
        write()
    with pytest.raises(FileError, match="no space"), atomic_path(tmp_path / "a"):
        raise RuntimeError("Can't write data (errno = 28, error message = 'No space left on device')")


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path, entries: Entries) -> None:
    with pytest.raises(FileError, match=r"May not write .*a\.txt"), atomic_path(tmp_path / "a.txt"):
        raise PermissionError(errno.EACCES, "Permission denied")
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="in the way"), atomic_path(tmp_path / "file" / "a.txt"):
        pass
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match="in the way"):
        write_text(tmp_path / "folder", "x")
    assert entries(tmp_path) == ["file", "folder"]


def test_other_errors_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a"):
        raise ZeroDivisionError


def test_what_a_link_points_at_is_replaced(tmp_path: Path) -> None:
    real = tmp_path / "real.txt"
    real.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(real)
    write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_json_round_trip_and_no_nan(tmp_path: Path, entries: Entries) -> None:
    write_json(tmp_path / "a.json", {"µ": [1, 2.5, None]})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"µ": [1, 2.5, None]}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b.json", {"x": float("nan")})
    assert entries(tmp_path) == ["a.json"]


@pytest.mark.parametrize(("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2_500_000, "2.5 MB"), (3e12, "3.0 TB")])
def test_sizes_for_people(size: int, text: str) -> None:
    assert gigabytes(size) == text


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_is_replaced_whole(at_once: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not at_once:
        monkeypatch.setattr(atomic, "_exchanged", lambda *_: False)
    for number in range(3):
        with atomic_path(tmp_path / "folder") as aside:
            aside.mkdir()
            (aside / f"{number}.txt").write_text("x")
        assert [path.name for path in (tmp_path / "folder").iterdir()] == [f"{number}.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs renameat2")
def test_there_is_no_moment_without_the_folder(tmp_path: Path) -> None:
    """In which a killed process would leave neither the old nor the new one."""
    target = tmp_path / "folder"
    target.mkdir()
    missed, done = [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            if not target.exists():
                missed.append(1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(200):
            with atomic_path(target) as aside:
                aside.mkdir()
    finally:
        done.set()
        watcher.join()
    assert not missed
