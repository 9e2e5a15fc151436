"""The verb blockwise: the same labels as in memory, whatever the blocks and the workers, and nothing done twice."""

from __future__ import annotations

import json
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.blocks.command import blockwise
from cellml.errors import CellmlError, FileError
from cellml.infer.command import infer_file
from cellml.io import read_labels, read_volume, write_labels, write_volume
from cellml.types import Labels, Volume

HERE = {"_target_": "cellml.blocks.engine.Here"}
COMPONENTS = {"_target_": "cellml.segmentation.components.ThresholdComponents", "threshold": 0.5, "min_size": 3}
SIZES: dict[str, Any] = {"tile": [16, 16, 16], "precision": "float32"}


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two label volumes differ by names only."""
    pairs = np.unique(np.stack([one.reshape(-1), other.reshape(-1)]), axis=1)
    return len(pairs[0]) == len(np.unique(pairs[0])) == len(np.unique(pairs[1])) and not (pairs[:, (pairs == 0).any(axis=0)] != 0).any()


@pytest.fixture(scope="module")
def volume(phantom_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "volume.zarr"
    write_volume(read_volume(phantom_file), path)
    return path


@pytest.mark.parametrize("block", [(16, 16, 16), (24, 32, 10)])
def test_objects_are_those_of_infer(tiny_run: Any, volume: Path, tmp_path: Path, block: tuple[int, int, int]) -> None:
    whole, out = tmp_path / "whole.zarr", tmp_path / "out.zarr"
    infer_file(str(tiny_run.model), str(volume), str(whole), decode=COMPONENTS, probabilities=True, **SIZES)
    told = blockwise(str(tiny_run.model), str(volume), str(out), cluster=HERE, block=block, decode=COMPONENTS, probabilities=True, **SIZES)
    found, expected = read_labels(out), read_labels(whole)
    assert np.array_equal(found.data, expected.data) and found.spacing == expected.spacing and found.kind == "instance"
    assert told["objects"] == found.data.max() > 0
    blended = read_volume(tmp_path / "out_probabilities.zarr")
    assert np.array_equal(blended.data, read_volume(tmp_path / "whole_probabilities.zarr").data) and blended.axes == "CZYX"


def test_tiles_keep_what_the_decoder_reads(tiny_run: Any, volume: Path, tmp_path: Path) -> None:
    for name, probabilities in (("all", True), ("few", False)):
        told = {"cluster": HERE, "block": (24, 32, 10), "decode": COMPONENTS, "keep": True, **SIZES}
        blockwise(str(tiny_run.model), str(volume), str(tmp_path / f"{name}.zarr"), probabilities=probabilities, **told)
    kept = {name: {len(np.load(p)) for p in tmp_path.glob(f"{name}.zarr.blocks/tiles-*/*.npy")} for name in ("all", "few")}
    assert kept["few"] == {3} and kept["all"] == {read_volume(tmp_path / "all_probabilities.zarr").data.shape[0]} != {3}
    assert np.array_equal(read_labels(tmp_path / "few.zarr").data, read_labels(tmp_path / "all.zarr").data)


def test_a_full_disk_ends_the_run_at_once_and_the_same_command_goes_on(tiny_run: Any, volume: Path, tmp_path: Path) -> None:
    told = {"cluster": HERE, "block": (24, 32, 10), "decode": COMPONENTS, **SIZES}
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:  # a limit of file sizes stands for the full disk: a tile has 49 kB
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.raises(FileError, match=r"tiles-.*no space is left.*What is done is kept; the same command goes on"):
            blockwise(str(tiny_run.model), str(volume), str(tmp_path / "out.zarr"), **told)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not (tmp_path / "out.zarr").exists()
    blockwise(str(tiny_run.model), str(volume), str(tmp_path / "out.zarr"), **told)
    assert read_labels(tmp_path / "out.zarr").data.max() > 0


def test_a_refused_run_leaves_nothing(tiny_run: Any, tmp_path: Path) -> None:
    bad = np.zeros((20, 20, 20), np.float32)
    bad[3, 3, 3] = np.nan
    write_volume(Volume(bad, (10.0, 10.0, 10.0)), tmp_path / "bad.zarr")
    with pytest.raises(CellmlError, match="NaN"):
        blockwise(str(tiny_run.model), str(tmp_path / "bad.zarr"), str(tmp_path / "out.zarr"), cluster=HERE, decode=COMPONENTS, **SIZES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.zarr"]


def test_classes_are_those_of_infer(semantic_run: Any, volume: Path, tmp_path: Path) -> None:
    infer_file(str(semantic_run.model), str(volume), str(tmp_path / "whole.zarr"), **SIZES)
    blockwise(str(semantic_run.model), str(volume), str(tmp_path / "out.zarr"), cluster=HERE, block=(16, 32, 16), **SIZES)
    found, expected = read_labels(tmp_path / "out.zarr"), read_labels(tmp_path / "whole.zarr")
    assert np.array_equal(found.data, expected.data) and found.data.dtype == np.uint8
    assert found.kind == "semantic" and found.names == expected.names


def test_scores_and_meshes_are_those_of_the_whole(
    tiny_run: Any, volume: Path, phantom_file: Path, tmp_path: Path, cellml: Callable[..., int]
) -> None:
    from cellml.metrics.command import score_files

    write_labels(Labels(read_labels(phantom_file).data, (10.0, 10.0, 10.0)), tmp_path / "truth.zarr")
    out = tmp_path / "out.zarr"
    words = [f"checkpoint={tiny_run.model}", f"input={volume}", f"output={out}", "cluster=here", "decode=components", "tile=[16,16,16]"]
    assert cellml("blockwise", *words, "block=[16,16,32]", f"truth={tmp_path / 'truth.zarr'}") == 0
    scores = json.loads((tmp_path / "out_scores.json").read_text())
    whole = score_files(out, tmp_path / "truth.zarr")
    assert {k: v for k, v in whole.items() if k != "split"} == scores


def test_a_finished_run_does_nothing_and_another_question_begins_anew(tiny_run: Any, volume: Path, tmp_path: Path) -> None:
    def run(threshold: float) -> dict[str, Any]:
        decode = {**COMPONENTS, "threshold": threshold}
        return blockwise(
            str(tiny_run.model),
            str(volume),
            str(tmp_path / "out.zarr"),
            cluster=HERE,
            block=(16, 16, 16),
            decode=decode,
            keep=True,
            **SIZES,
        )

    first = run(0.5)
    tiles = {p: p.stat().st_mtime_ns for p in (tmp_path / "out.zarr.blocks").glob("tiles-*/*.npy")}
    assert {"predict", "decode", "number"} <= set(first) and tiles
    assert "predict" not in run(0.5)
    again = run(0.4)
    assert again["predict"] < first["predict"] and "decode" in again
    assert tiles == {p: p.stat().st_mtime_ns for p in (tmp_path / "out.zarr.blocks").glob("tiles-*/*.npy")}
    labels = read_labels(tmp_path / "out.zarr").data
    shutil.rmtree(tmp_path / "out.zarr")  # what was kept says that it is done, but its store is gone
    run(0.4)
    assert np.array_equal(read_labels(tmp_path / "out.zarr").data, labels) and labels.max() > 0


def test_what_does_not_go_together_is_said_before_anything_is_computed(tiny_run: Any, volume: Path, tmp_path: Path) -> None:
    model, out = str(tiny_run.model), str(tmp_path / "out.zarr")
    with pytest.raises(CellmlError, match=r"cannot be found block by block.*decode=components"):
        blockwise(model, str(volume), out, cluster=HERE)
    with pytest.raises(CellmlError, match=r"voxels of 20"):
        blockwise(model, str(volume), out, cluster=HERE, decode=COMPONENTS, spacing_nm=[20, 20, 20])
    with pytest.raises(FileError, match=r"end its name with \.zarr"):
        blockwise(model, str(volume), str(tmp_path / "out.tif"), cluster=HERE)
    with pytest.raises(FileError, match="no checkpoint"):
        blockwise(str(tmp_path / "none.ckpt"), str(volume), out, cluster=HERE)
    with pytest.raises(CellmlError, match="would replace"):
        blockwise(model, str(volume), str(volume), cluster=HERE)
    with pytest.raises(CellmlError, match="block=.*three numbers"):
        blockwise(model, str(volume), out, cluster=HERE, block=(0, 1, 2))
    assert not (tmp_path / "out.zarr").exists()
