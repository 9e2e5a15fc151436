"""Blocks: image and labels agree, nothing overlaps, the same seed gives the same block; files, verb and training data."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.cli import main
from cellml.errors import CellmlError
from cellml.io import read_labels, read_volume
from cellml.shapes.synthetic.block import Recipe, SyntheticBlock, make_block
from cellml.shapes.synthetic.files import read_blocks, write_blocks
from cellml.shapes.synthetic.look import Look
from cellml.shapes.synthetic.neurites import Neurites

SHAPE, SPACING = (6, 32, 34), (40.0, 20.0, 20.0)
LOOK = Look(vesicles=50.0)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three ellipsoids as examples of a kind."""
    z, y, x = np.indices((20, 20, 60)) - np.array([10, 10, 10])[:, None, None, None]
    labels = np.zeros(z.shape, np.uint16)
    for number, axes in enumerate([(5, 5, 5), (4, 5, 7), (4, 4, 6)], 1):
        labels[(z / axes[0]) ** 2 + (y / axes[1]) ** 2 + ((x - 20 * (number - 1)) / axes[2]) ** 2 < 1] = number
    path = tmp_path_factory.mktemp("examples") / "kinds.npz"
    np.savez(path, labels=labels, voxel_nm=[10.0, 10.0, 10.0])
    return f"{path}:labels"


def recipe(examples: str, **more: Any) -> Recipe:
    kinds = {"body": {"examples": examples, "diameter_nm": [120.0, 0.1], "per_um3": 25.0}}
    given = {"organelles": kinds, "tissue": Neurites(per_um3=20, radius_nm=(200.0, 0.5)), "look": LOOK, "margin_nm": 150.0}
    return Recipe(**{**given, **more})


@pytest.fixture(scope="module")
def made(examples: str) -> SyntheticBlock:
    plan = recipe(examples)
    return make_block(plan, plan.learned(0), SHAPE, SPACING, 3)


def test_image_and_labels_agree(made: SyntheticBlock):
    assert made.image.data.shape == made.classes.data.shape == made.organelles.data.shape == made.cells.data.shape == SHAPE
    assert made.image.data.dtype == np.uint8 and made.image.spacing == SPACING
    assert made.classes.names == {0: "membrane", 1: "cytoplasm", 2: "body"}
    assert ((made.classes.data == 2) == (made.organelles.data > 0)).all() and (made.organelles.data > 0).any()
    greys = [made.image.data[made.classes.data == k].mean() for k in range(3)]
    assert greys[0] < greys[2] < greys[1], "membranes are darkest, cytoplasm is clearest"
    for number in np.unique(made.organelles.data[made.organelles.data > 0]):
        homes = np.unique(made.cells.data[made.organelles.data == number])
        assert homes.tolist() == [made.contents.cells[number - 1]], "an organelle lies in one cell"


def test_nothing_overlaps_and_borders_cut_organelles(made: SyntheticBlock):
    assert made.contents.crossing == 0 and len(made.contents.placed) > 3
    low, high = -np.array(SPACING) / 2, (np.array(SHAPE) - 0.5) * np.array(SPACING)
    boxes = [(p.surface.vertices.min(axis=0)[::-1], p.surface.vertices.max(axis=0)[::-1]) for p in made.contents.placed]
    assert any(((a < low) & (b > low)).any() or ((a < high) & (b > high)).any() for a, b in boxes)


def test_the_same_seed_gives_the_same_block(made: SyntheticBlock, examples: str):
    plan = recipe(examples)
    again = make_block(plan, plan.learned(0), SHAPE, SPACING, 3)
    np.testing.assert_array_equal(again.image.data, made.image.data)
    np.testing.assert_array_equal(again.classes.data, made.classes.data)


def test_organelles_fill_the_share_that_was_drawn(made: SyntheticBlock):
    voxel = np.prod(SPACING)
    for number, placed in enumerate(made.contents.placed, 1):
        inside = (placed.surface.vertices.min(axis=0) > 0).all() and (
            placed.surface.vertices.max(axis=0)[::-1] < (np.array(SHAPE) - 1) * SPACING
        ).all()
        if inside:
            assert (made.organelles.data == number).sum() * voxel == pytest.approx(placed.volume, rel=0.35)


@pytest.fixture(scope="module")
def folder(examples: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("rendered") / "blocks"
    write_blocks(recipe(examples), path, 2, SHAPE, SPACING, seed=1)
    yield path


def test_files_hold_the_blocks(folder: Path):
    facts = read_blocks(folder)
    assert len(facts["blocks"]) == 2 and facts["classes"]["2"] == "body"
    first = facts["blocks"][0]
    image, classes = read_volume(f"{folder}/{first['files']['image']}"), read_labels(f"{folder}/{first['files']['classes']}")
    assert image.shape == classes.shape == SHAPE and image.spacing == pytest.approx(SPACING)
    other = read_volume(f"{folder}/{facts['blocks'][1]['files']['image']}")
    assert (other.data != image.data).mean() > 0.5, "every block is another"
    assert first["crossing_facets"] == 0 and sum(first["shares"].values()) == pytest.approx(1, abs=1e-3)
    (folder.parent / "other").mkdir(exist_ok=True)
    with pytest.raises(CellmlError, match="holds no synthetic blocks"):
        read_blocks(folder.parent / "other")


def test_the_verb_writes_ome_zarr_and_says_what_it_holds(examples: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = [f"output={tmp_path}/out", "count=1", "shape=[6,24,24]", "spacing_nm=[40,20,20]", "suffix=.zarr", "recipe.style=null"]
    kinds = f"recipe.organelles={{mitochondrion: {{examples: '{examples}', spacing_nm: null, diameter_nm: [120.0, 0.1], per_um3: 25.0}}}}"
    more = ["recipe.margin_nm=100", "recipe.tissue.per_um3=30", "recipe.tissue.radius_nm=[200,0.5]", "recipe.look.vesicles=0"]
    assert main(["render", *words, kinds, *more]) == 0
    facts = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert facts["given"]["recipe"]["look"]["membrane_nm"] == 25.0 and "found no place" in capsys.readouterr().out
    assert read_labels(tmp_path / "out" / facts["blocks"][0]["files"]["organelles"]).shape == (6, 24, 24)
    assert main(["render", *words, kinds, *more]) == 2
    assert "overwrite=true" in capsys.readouterr().err


def test_messages(examples: str, tmp_path: Path):
    plan = recipe(examples)
    with pytest.raises(CellmlError, match="names no kind"):
        Recipe({})
    with pytest.raises(CellmlError, match="holds nothing"):
        make_block(plan, plan.learned(0), (1, 20, 20), SPACING, 0)
    with pytest.raises(CellmlError, match="along .z, y, x."):
        make_block(plan, plan.learned(0), (20, 20), SPACING, 0)  # type: ignore[arg-type]
    with pytest.raises(CellmlError, match="asks for no block"):
        write_blocks(plan, tmp_path / "none", 0, SHAPE, SPACING)
    with pytest.raises(CellmlError, match="above 0"):
        recipe(examples, host_nm=0.0)
