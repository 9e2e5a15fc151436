from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.cli import main
from cellml.errors import CellmlError
from cellml.io.overlap import require_apart


@pytest.mark.parametrize(
    ("output", "source"),
    [("a.npz", "a.npz"), ("a.npz", "a.npz:raw"), ("a.npz:raw", "a.npz:raw"), ("./b/../a.tif", "a.tif"), ("a.h5:/raw", "a.h5:/raw")],
)
def test_an_output_that_would_replace_its_input_is_refused(
    output: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").mkdir()
    with pytest.raises(CellmlError, match="would replace the input"):
        require_apart(output, "other.tif", source)


def test_links_are_seen_through(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch()
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.tif")
    with pytest.raises(CellmlError, match="would replace"):
        require_apart(tmp_path / "link.tif", tmp_path / "a.tif")


@pytest.mark.parametrize(("output", "source"), [("a.npz:labels", "a.npz:raw"), ("b.npz", "a.npz"), ("a.h5:/labels", "a.h5:/raw")])
def test_another_array_or_file_is_allowed(output: str, source: str) -> None:
    assert require_apart(output, source) is None


def test_inference_onto_its_own_input_keeps_the_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, raw=np.zeros((8, 8, 8), np.uint8), voxel_nm=np.array([10.0] * 3))
    before = path.read_bytes()
    assert main(["infer", "checkpoint=model.ckpt", f"input={path}", f"output={path}"]) == 2
    assert path.read_bytes() == before and "would replace the input" in capsys.readouterr().err
