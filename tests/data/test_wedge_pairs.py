"""Pairs of reconstruction and truth: orientations, determinism in any order and process, contract, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from cellml.data.blocks import Block, OpenBlock
from cellml.data.wedge_damage import WedgeDamage
from cellml.data.wedge_module import WedgeDataModule
from cellml.data.wedge_pairs import WedgePairs, symmetries
from cellml.errors import CellmlError

COARSE = WedgeDamage(step=(6.0,))


def pairs(phantom_file: Path, **more: object) -> WedgePairs:
    block = OpenBlock(Block(f"{phantom_file}:raw"), need_labels=False)
    return WedgePairs([block], (16, 8, 16), COARSE, 12, 0, **{"section": (32, 24), "per_slab": 3, **more})  # type: ignore[arg-type]


def test_there_are_48_ways_to_lay_a_cube_and_16_for_a_slab() -> None:
    ways = symmetries((10, 10, 10))
    volume = torch.arange(27).reshape(3, 3, 3)
    assert len(ways) == 48 == len({way.apply(volume).numpy().tobytes() for way in ways})
    assert len(symmetries((40, 10, 10))) == 16 and len(symmetries((40, 10, 10), cube=False)) == 1


def test_any_order_gives_the_same_patches(phantom_file: Path) -> None:
    forth, back = pairs(phantom_file), pairs(phantom_file)
    one, two = [forth[n] for n in range(7)], [back[n] for n in reversed(range(7))][::-1]
    assert all(torch.equal(a[key], b[key]) for a, b in zip(one, two, strict=True) for key in a)
    assert not torch.equal(one[0]["labels"], one[1]["labels"])
    loaded = list(DataLoader(pairs(phantom_file), batch_size=1, num_workers=1, sampler=[4, 5]))
    assert torch.equal(loaded[1]["image"][0], one[5]["image"])


def test_a_pair_is_of_one_place_and_one_scheme(phantom_file: Path) -> None:
    sample = pairs(phantom_file)[3]
    image, truth = sample["image"][0].numpy(), sample["labels"][0].numpy()
    assert image.shape == truth.shape == (16, 8, 16) and image.dtype == np.float32
    assert np.corrcoef(image.ravel(), truth.ravel())[0, 1] > 0.5
    assert sample["wedge"].tolist() == [-60, 60, 6] and sample["snr"].item() == pytest.approx(10)


def test_what_does_not_fit_is_refused(phantom_file: Path) -> None:
    with pytest.raises(CellmlError, match="hold the patch"):
        pairs(phantom_file, section=(8, 24))
    with pytest.raises(CellmlError, match="No training region holds"):
        WedgePairs([OpenBlock(Block(f"{phantom_file}:raw"), need_labels=False)], (64, 8, 16), COARSE, 4, 0)


def test_the_module_damages_validation_once_and_says_what_it_learned(phantom_file: Path) -> None:
    more = {"train": [{"region": {"z": [0, 20]}}], "val": [{"region": {"z": [28, 40]}}], "patch": (16, 8, 16), "damage": COARSE}
    module = WedgeDataModule(path=f"{phantom_file}:raw", **more)  # type: ignore[arg-type]
    contract = module.contract
    assert contract["channels"] == 1 and contract["wedge"]["half_range"] == [60.0, 60.0] and contract["wedge"]["step"] == [6.0]
    first, second = (next(iter(module.val_dataloader())) for _ in range(2))
    assert first["image"] is second["image"] and first["image"].shape == (1, 12, 32, 32)
    two = WedgeDamage(step=(6.0,), reconstruction=(*COARSE.reconstruction, *COARSE.reconstruction))
    assert WedgeDataModule(path=f"{phantom_file}:raw", **(more | {"damage": two})).contract["channels"] == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"train": []}, "lists no block"),
        ({"train": [{"labels": "x", "nonsense": 1}]}, "nonsense"),
        ({"path": None}, "names no image"),
        ({"val": [{"region": {"z": [22, 40]}}]}, "voxels apart"),
        ({"spacing_nm": [40.0, 10.0, 10.0]}, "projections need cubes"),
    ],
)
def test_blocks_that_cannot_be_used_are_refused(phantom_file: Path, more: dict, words: str) -> None:
    usual = {"train": [{"region": {"z": [0, 20]}}], "val": [], "patch": (16, 8, 16), "path": f"{phantom_file}:raw"}
    with pytest.raises(CellmlError, match=words):
        WedgeDataModule(**(usual | more)).setup()


def test_dark_voxels_can_be_the_dense_ones(phantom_file: Path) -> None:
    one, other = pairs(phantom_file)[2], pairs(phantom_file, invert=True)[2]
    assert torch.equal(one["labels"], -other["labels"])
    for sample in (one, other):
        assert np.corrcoef(sample["image"].numpy().ravel(), sample["labels"].numpy().ravel())[0, 1] > 0.4
