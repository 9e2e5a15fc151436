"""Rendered blocks as training data: read where they are, made where they are not, beside real ones in a given share."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.data.mixed_places import MixedSampling
from cellml.data.sampling import Anywhere
from cellml.data.synthetic_module import SyntheticDataModule
from cellml.errors import CellmlError
from cellml.shapes.synthetic.block import Recipe
from cellml.shapes.synthetic.files import read_blocks
from cellml.shapes.synthetic.look import Look
from cellml.shapes.synthetic.neurites import Neurites

SHAPE, SPACING = (6, 32, 34), (40.0, 20.0, 20.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two blocks as `cellml render` would leave them, of noise."""
    rng, blocks = np.random.default_rng(0), []
    (tmp_path / "blocks").mkdir()
    for number in range(2):
        arrays = {name: rng.integers(0, 3, SHAPE).astype(np.uint8) for name in ("image", "classes", "organelles", "cells")}
        np.savez(tmp_path / "blocks" / f"block_{number}.npz", **arrays, voxel_nm=SPACING)
        blocks.append({"files": {name: f"block_{number}.npz:{name}" for name in arrays}})
    facts = {"program": "a test", "date": "today", "learned_from": {}, "style": None, "blocks": blocks}
    (tmp_path / "blocks" / "provenance.json").write_text(json.dumps(facts))
    return tmp_path / "blocks"


def real(tmp_path: Path) -> dict[str, str]:
    raw = np.random.default_rng(1).integers(0, 255, SHAPE).astype(np.uint8)
    np.savez(tmp_path / "real.npz", raw=raw, labels=np.ones(SHAPE, np.uint8), voxel_nm=SPACING)
    return {"image": f"{tmp_path}/real.npz:raw", "labels": f"{tmp_path}/real.npz:labels"}


def module(folder: Path, **more: Any) -> SyntheticDataModule:
    given = {"blocks": 1, "val_blocks": 1, "patch": (4, 16, 16), "classes": {0: 0, 1: 0, 2: 1}, "patches_per_epoch": 40}
    recipe = more.pop("recipe", Recipe({"body": {"examples": "never read"}}))
    return SyntheticDataModule(recipe, str(folder), **{**given, **more})


def test_patches_hold_the_classes_that_are_asked_for(folder: Path) -> None:
    data = module(folder)
    data.setup()
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (1, 1, 4, 16, 16) and set(batch["labels"].unique().tolist()) == {0, 1}
    assert len(data.validation_blocks) == 1 and data.contract["spacing_nm"] == list(SPACING)
    assert data.provenance["synthetic"] == {"program": "a test", "date": "today", "learned_from": {}, "style": None, "blocks": 1}
    every = module(folder, target="cells", classes=None, val_blocks=0)
    every.setup()
    assert set(np.unique(every.training_blocks[0].read_labels())) == {0, 1, 2} and not every.validation_blocks


def test_real_blocks_give_their_share_of_the_patches(folder: Path, tmp_path: Path) -> None:
    data = module(folder, train=[real(tmp_path)], real_share=0.25, labelled_sections=[2])
    data.setup()
    assert isinstance(data.sampling, MixedSampling) and len(data.training_blocks) == 2
    assert (data.training_blocks[0].read_labels() == 1).any(axis=(1, 2)).tolist() == [False, False, True, False, False, False]
    assert data.training_blocks[1].known(data.training_blocks[1].read_labels()).all(), "only real labels are sparse"
    places = MixedSampling(1, 0.25, Anywhere()).prepare(data.training_blocks, (4, 16, 16))
    rng = np.random.default_rng(0)
    drawn = np.array([places.draw(rng)[0] for _ in range(2000)])
    assert (drawn == 0).mean() == pytest.approx(0.25, abs=0.04) and set(drawn) == {0, 1}


def test_real_blocks_validate_in_place_of_rendered_ones(folder: Path, tmp_path: Path) -> None:
    data = module(folder, val=[real(tmp_path)], blocks=2)
    data.setup()
    assert len(data.training_blocks) == 2 and [block.block.image for block in data.validation_blocks] == [f"{tmp_path}/real.npz:raw"]


def test_blocks_are_made_where_there_are_none(tmp_path: Path) -> None:
    z, y, x = np.indices((14, 14, 14)) - 7
    np.savez(tmp_path / "ball.npz", labels=(z**2 + y**2 + x**2 < 30).astype(np.uint8), voxel_nm=[10.0] * 3)
    kinds = {"body": {"examples": f"{tmp_path}/ball.npz:labels", "diameter_nm": 120.0, "per_um3": 15.0}}
    recipe = Recipe(kinds, tissue=Neurites(per_um3=20, radius_nm=(200.0, 0.5)), look=Look(vesicles=0.0), margin_nm=100.0)
    data = module(tmp_path / "new", recipe=recipe, val_blocks=0, shape=(4, 24, 24), voxel_nm=SPACING, seed=5)
    data.setup()
    assert read_blocks(tmp_path / "new")["blocks"][0]["seed"] == [5, 0]
    with pytest.raises(CellmlError, match="holds 1 blocks.*render more"):
        module(tmp_path / "new", blocks=3).setup()


def test_messages(folder: Path) -> None:
    with pytest.raises(CellmlError, match="real_share=2"):
        module(folder, real_share=2.0)
    with pytest.raises(CellmlError, match="data.blocks=0"):
        module(folder, blocks=0)
    with pytest.raises(CellmlError, match="no array of a synthetic block"):
        module(folder, target="mito")
