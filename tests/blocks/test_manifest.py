"""What is done is remembered, whatever kills the process that did it, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cellml.blocks.grid import Grid
from cellml.blocks.manifest import Manifest
from cellml.blocks.store import chunks_for, noted, publish, read_part, ready_store, write_durably
from cellml.io.header import ImageHeader

HEADER = ImageHeader((10, 9, 8), np.dtype(np.uint32), "ZYX", (10.0, 10.0, 10.0), (0.0, 0.0, 0.0), name="labels", kind="instance")


def test_parts_are_done_when_they_are_committed(tmp_path: Path) -> None:
    manifest = Manifest.of(tmp_path, "decode", {"threshold": 0.5})
    assert manifest.waiting(range(3)) == [0, 1, 2]
    manifest.commit_arrays(1, {"sizes": np.arange(4)})
    assert manifest.waiting(range(3)) == [0, 2] and manifest.done(1) and manifest.read(1)["sizes"].tolist() == [0, 1, 2, 3]
    assert Manifest.of(tmp_path, "decode", {"threshold": 0.5}).waiting(range(3)) == [0, 2]
    assert Manifest.of(tmp_path, "decode", {"threshold": 0.6}).waiting(range(3)) == [0, 1, 2]


def test_a_failure_between_writing_and_committing_leaves_the_part_to_do(tmp_path: Path) -> None:
    manifest = Manifest.of(tmp_path, "tiles", {}, ".npy")

    def halfway(aside: Path) -> None:
        aside.write_bytes(b"half")
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        manifest.commit(0, halfway)
    assert manifest.waiting([0]) == [0] and not [p for p in manifest.folder.iterdir() if p.name.startswith(".part")]


def test_a_kill_while_a_part_is_written_leaves_it_to_do(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from cellml.blocks.manifest import Manifest\n"
        "def write(aside): aside.write_bytes(b'half'); Path(sys.argv[1], 'begun').touch(); time.sleep(60)\n"
        "Manifest.of(Path(sys.argv[1]), 'tiles', {}, '.npy').commit(7, write)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert Manifest.of(tmp_path, "tiles", {}, ".npy").waiting([7]) == [7]


def test_a_store_is_filled_block_by_block_and_published(tmp_path: Path) -> None:
    grid, target = Grid((10, 9, 8), (5, 9, 4)), tmp_path / "labels.zarr"
    folder = ready_store(tmp_path / "work" / "labels.zarr", HEADER, grid.block, {"note": "a"})
    voxels = np.random.default_rng(0).integers(0, 5, grid.shape).astype(np.uint32)
    for number in range(len(grid)):
        write_durably(folder, grid.region(number), voxels[grid.region(number)])
    (folder / "0" / "c" / "left.partial").write_bytes(b"half")
    assert np.array_equal(read_part(ready_store(folder, HEADER, grid.block), grid.region(1)), voxels[grid.region(1)])
    target.mkdir()
    (target / "old").touch()
    publish(folder, target)
    from cellml.io import read_labels

    assert np.array_equal(read_labels(target).data, voxels) and noted(target, "note") == "a" and noted(tmp_path, "note") is None
    assert not folder.exists() and not list(target.rglob("*.partial")) and not (target / "old").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["labels.zarr", "work"]


@pytest.mark.parametrize(("block", "shape", "chunks"), [
    ((256, 256, 256), (1000, 1000, 1000), (128, 128, 128)),
    ((192, 200, 1000), (1000, 1000, 1000), (96, 100, 128)),
    ((64, 30, 131), (1000, 1000, 1000), (64, 30, 131)),
])  # fmt: skip
def test_no_chunk_belongs_to_two_blocks(block: tuple[int, int, int], shape: tuple[int, int, int], chunks: tuple[int, int, int]) -> None:
    found = chunks_for(block, shape)
    assert found == chunks
    assert all(b % c == 0 or b >= n for b, c, n in zip(block, found, shape, strict=True))
