"""Readers of foreign files: what fuzzing once found, and a little fuzzing each time. `make fuzz` goes on for longer."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from mutations import mutated  # noqa: E402
from targets import TARGETS  # noqa: E402
from trial import finding_of, make_seeds  # noqa: E402

FOUND = sorted(path for path in (HERE / "corpus").rglob("*") if path.is_file())
FEW = 25


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_is_refused_as_documented(path: Path, tmp_path: Path) -> None:
    target = TARGETS[path.parent.name]
    make_seeds(target, tmp_path)  # for what the reader looks for beside the file
    copy = tmp_path / f"latest{target.suffix}"
    copy.write_bytes(path.read_bytes())
    assert finding_of(target, copy) == ""


@pytest.mark.parametrize("name", TARGETS)
def test_sound_files_are_read_and_damaged_ones_read_or_refused(name: str, tmp_path: Path) -> None:
    target, dice = TARGETS[name], random.Random(name)
    seeds = make_seeds(target, tmp_path)
    target.read(seeds[0])
    contents = [path.read_bytes() for path in seeds]
    damaged = tmp_path / f"latest{target.suffix}"
    for number in range(FEW):
        damaged.write_bytes(mutated(dice.choice(contents), dice))
        assert finding_of(target, damaged) == "", f"damage number {number}"


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.suffix in (".json", ".jsonl", ".yaml")])
@pytest.mark.parametrize("text", ["[", '{"a":', "- "])
def test_text_nested_beyond_any_stack_is_refused(text: str, name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    path = tmp_path / f"latest{target.suffix}"
    path.write_text(text * 20_000)
    assert finding_of(target, path) == ""


def test_a_reader_that_fails_or_hangs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    import trial
    from target import Target

    path = tmp_path / "a.txt"
    path.write_bytes(b"1")
    monkeypatch.setattr(trial, "SLOWEST_S", 0.2)
    assert "IndexError" in finding_of(Target("fails", ".txt", lambda folder: None, lambda path: [][1]), path)
    assert "longer than" in finding_of(Target("hangs", ".txt", lambda folder: None, lambda path: time.sleep(5)), path)
