from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cellml.data import sources
from cellml.data.references import resolve


@pytest.mark.parametrize("reference", ["scan.tif", "scan.npz:raw", "scan.h5:/volumes/raw", "folder/fib25_train2.npz", "unknown:raw"])
def test_files_are_left_as_they_are(reference: str) -> None:
    assert resolve(reference, "image") == (reference, None)


def test_a_known_name_becomes_its_file_and_the_usual_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "locate", lambda name: SimpleNamespace(path=Path(f"/data/{name}.npz"), warning="a phantom"))
    assert resolve("fib25_train2", "image") == ("/data/fib25_train2.npz:raw", "a phantom")
    assert resolve("fib25_train2", "labels") == ("/data/fib25_train2.npz:neurons", "a phantom")
    assert resolve("fib25_train2:other", "image")[0] == "/data/fib25_train2.npz:other"


def test_a_file_that_bears_a_known_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fib25_train2").mkdir()
    assert resolve("fib25_train2", "image") == ("fib25_train2", None)
