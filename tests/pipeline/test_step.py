from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cellml.errors import CellmlError, FileError
from cellml.pipeline.step import file_hash, key_of, run_step


class Maker:
    """Writes two artefacts; counts how often it was asked, and can be killed between them."""

    def __init__(self) -> None:
        self.calls, self.written, self.killed = 0, [], False

    def __call__(self, folder: Path) -> dict[str, Any]:
        self.calls += 1
        for name in ("a.txt", "b.txt"):
            if not (folder / name).exists():
                if name == "b.txt" and self.killed:
                    raise KeyboardInterrupt
                (folder / name).write_text(f"{name} {self.calls}")
                self.written.append(name)
        return {"calls": self.calls}


def run(folder: Path, make: Maker, settings: dict[str, Any] | None = None, before: tuple[str, ...] = ("x",)) -> Any:
    return run_step(folder, settings or {"n": 1}, before, make, tell=lambda _: None)


def test_the_same_step_is_not_done_twice_and_each_change_does_it_again(tmp_path: Path) -> None:
    make, folder = Maker(), tmp_path / "01_step"
    first = run(folder, make)
    assert not first.reused and run(folder, make).reused and make.calls == 1
    assert run(folder, make, {"n": 2}).key != first.key and make.calls == 2
    run(folder, make, {"n": 2}, ("y",))
    assert make.calls == 3 and (folder / "a.txt").read_text() == "a.txt 3"
    (folder / "b.txt").write_text("edited")
    assert not run(folder, make, {"n": 2}, ("y",)).reused and (folder / "b.txt").read_text() == "b.txt 4"
    (folder / "a.txt").unlink()
    run(folder, make, {"n": 2}, ("y",))
    assert make.calls == 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["01_step"]


def test_what_was_finished_before_a_stop_is_kept_for_the_same_key_only(tmp_path: Path) -> None:
    make, folder = Maker(), tmp_path / "01_step"
    make.killed = True
    with pytest.raises(KeyboardInterrupt):
        run(folder, make)
    make.killed = False
    run(folder, make)
    assert make.written == ["a.txt", "b.txt"]
    make.killed = True
    with pytest.raises(KeyboardInterrupt):
        run(folder, make, {"n": 2})
    make.killed = False
    run(folder, make, {"n": 3})
    assert make.written[2:] == ["a.txt", "a.txt", "b.txt"]


def test_a_key_does_not_depend_on_the_order_of_settings_but_on_their_values() -> None:
    assert key_of({"a": 1, "b": (2, 3)}) == key_of({"b": [2, 3], "a": 1}) != key_of({"a": 1, "b": [3, 2]})


def test_hashes_are_of_contents_and_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("same")
    assert file_hash(tmp_path / "one") == file_hash(tmp_path / "two")
    (tmp_path / "two" / "x").rename(tmp_path / "two" / "y")
    assert file_hash(tmp_path / "one") != file_hash(tmp_path / "two")
    (tmp_path / "one" / ".zattrs").write_text('{"spacing": 1}')
    before = file_hash(tmp_path / "one")
    (tmp_path / "one" / ".zattrs").write_text('{"spacing": 2}')
    assert file_hash(tmp_path / "one") != before
    with pytest.raises(CellmlError, match="cannot be read"):
        file_hash(tmp_path / "none")


def test_folders_of_others_and_damaged_manifests_are_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(CellmlError, match="no step of a pipeline"):
        run(tmp_path / "mine", Maker())
    run(tmp_path / "step", Maker())
    for text in ("{", '{"state": "done", "key": "x", "seconds": 1}', '{"state": "begun", "key": "x"}'):
        (tmp_path / "step" / "manifest.json").write_text(text)
        with pytest.raises(CellmlError, match="is damaged"):
            run(tmp_path / "step", Maker())
    assert (tmp_path / "step" / "a.txt").is_file()
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FileError, match="Cannot write"):
        run(tmp_path / "file" / "step", Maker())
