from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellml.data.blocks import Block, OpenBlock
from cellml.errors import CellmlError
from cellml.pixels.features import PixelFeatures
from cellml.pixels.samples import draw_positions, labelled_slabs, pixels_at, share_out
from cellml.tasks.targets import AffinityTarget, BoundaryTarget, SemanticTarget

TARGET = SemanticTarget(["background", "foreground"])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise, and labels: 2 in a cube, 1 around it, 0 (nobody labelled) in half of the volume."""
    path = tmp_path_factory.mktemp("samples") / "scribbles.npz"
    labels = np.ones((9, 30, 34), np.uint8)
    labels[3:6, 10:14, 5:9] = 2
    labels[:, :, 20:] = 0
    np.savez(path, raw=np.random.default_rng(0).integers(0, 255, labels.shape, np.uint8), labels=labels, voxel_nm=[10, 10, 10])
    return path


def block(file: Path, **more: object) -> OpenBlock:
    return OpenBlock(Block(f"{file}:raw", f"{file}:labels", **({"ignore": 0, "values": {1: 0, 2: 1}} | more)))  # type: ignore[arg-type]


def test_voxels_are_drawn_once_each_where_somebody_labelled_evenly_from_all_classes(file: Path) -> None:
    opened = block(file)
    (places,) = draw_positions([opened], TARGET, 100, seed=0)
    assert len(places) == 100 == len(np.unique(places[:, :3], axis=0)) and places[:, 2].max() < 20
    assert np.bincount(places[:, 3]).tolist() == [52, 48], "the cube has 48 voxels, and what it lacks others get"
    truth = np.load(file)["labels"][tuple(places[:, :3].T)] - 1
    assert np.array_equal(places[:, 3], truth)


def test_the_draw_depends_on_the_seed_alone_and_covers_all_blocks(file: Path) -> None:
    blocks = [block(file, region={"z": [0, 5]}), block(file, region={"z": [5, 9]})]
    first, again = draw_positions(blocks, TARGET, 60, seed=1), draw_positions(blocks, TARGET, 60, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)) and min(map(len, first)) > 5
    assert not all(np.array_equal(a, b) for a, b in zip(first, draw_positions(blocks, TARGET, 60, seed=2), strict=True))


def test_without_even_shares_classes_are_as_frequent_as_labelled(file: Path) -> None:
    (places,) = draw_positions([block(file)], TARGET, 2700, seed=0, even=False)
    assert (places[:, 3] == 1).sum() == pytest.approx(48 / 5400 * 2700, abs=16)


def test_labels_in_slabs_are_those_of_the_whole_block_for_boundaries_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = block(file, ignore=None, values=None)
    whole = list(labelled_slabs(opened, BoundaryTarget()))
    monkeypatch.setattr("cellml.pixels.samples._SLAB_VOXELS", 2 * 30 * 34)
    parts = list(labelled_slabs(opened, BoundaryTarget()))
    assert len(whole) == 1 and [start for start, _, _ in parts] == [0, 2, 4, 6, 8]
    assert np.array_equal(np.concatenate([numbers for _, numbers, _ in parts]), whole[0][1]) and whole[0][1].any()


def test_features_at_positions_are_those_of_the_whole_block(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, features = block(file), PixelFeatures(scales_nm=(10,), stride=(1, 2, 2))
    (places,) = draw_positions([opened], TARGET, 80, seed=0)
    expected = features(opened.read_image())[:, places[:, 0], places[:, 1] // 2, places[:, 2] // 2].T
    monkeypatch.setattr("cellml.pixels.samples._TILE", (4, 8, 8))
    found = pixels_at([opened], [places], features)
    order = [np.lexsort(a.T) for a in (found.features, expected)]
    np.testing.assert_allclose(found.features[order[0]], expected[order[1]], atol=1e-5)
    assert np.bincount(found.classes).tolist() == np.bincount(places[:, 3]).tolist()


@example([12, 12], 23)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.integers(0, 200))
def test_quotas_are_even_where_they_can_be_and_use_all_there_is(available: list[int], count: int) -> None:
    quotas = share_out(available, count)
    assert all(q <= a for q, a in zip(quotas, available, strict=True)) and sum(quotas) <= count
    assert sum(quotas) >= min(sum(available), count - len(available)) and (sum(available) > count or quotas == available)
    short = [q for q, a in zip(quotas, available, strict=True) if q < a]
    assert not short or max(quotas) - min(short) <= 1  # whole numbers are even to within one


def test_one_class_alone_and_other_questions_are_refused(file: Path) -> None:
    with pytest.raises(CellmlError, match=r"at least two classes.*have \[1\]"):
        draw_positions([block(file, values={1: 1, 2: 1})], TARGET, 10, seed=0)
    with pytest.raises(CellmlError, match="AffinityTarget asks 3"):
        draw_positions([block(file)], AffinityTarget([(-1, 0, 0), (0, -1, 0), (0, 0, -1)]), 10, seed=0)
