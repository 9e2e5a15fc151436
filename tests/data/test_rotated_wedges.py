"""Rotated blocks of a tomogram: pure functions of their number, halves apart, weights that leave corners out, one grid for both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.halves import TomogramHalves
from cellml.data.rotated_wedges import RotatedWedges, place, window
from cellml.data.self_wedge_module import SelfWedgeDataModule
from cellml.errors import CellmlError
from cellml.io import write_volume
from cellml.tomography.wedge import sampled_wedge
from cellml.types import Volume


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Twice one image without its wedge, with noise of its own where it was measured: `even` and `odd`; `flat` has other voxels."""
    folder, rng = tmp_path_factory.mktemp("halves"), np.random.default_rng(0)
    z, y, x = np.ogrid[:24, :30, :36]
    signal = np.sin(z / 3) + np.cos(y / 4 + x / 5)
    files = {}
    for name, spacing in (("even", (5.0, 5.0, 5.0)), ("odd", (5.0, 5.0, 5.0)), ("flat", (10.0, 5.0, 5.0))):
        files[name] = str(folder / f"{name}.mrc")
        noisy = np.fft.rfftn(signal + rng.normal(0, 0.1, signal.shape)) * sampled_wedge(signal.shape, (-60, 50))
        write_volume(Volume(np.fft.irfftn(noisy, s=signal.shape).astype(np.float32), spacing), files[name])
    return files


def blocks(files: dict[str, str], **more: Any) -> RotatedWedges:
    return RotatedWedges(TomogramHalves([files["even"], files["odd"]]), **({"size": 12, "margin": 2, "length": 10, "seed": 3} | more))


def test_an_item_depends_on_its_number_and_seed_alone(halves: dict[str, str]) -> None:
    first, again, other = blocks(halves), blocks(halves), blocks(halves, seed=4)
    for number in (0, 7, 13):
        assert all(torch.equal(first[number][key], again[number][key]) for key in first[number])
        assert not torch.equal(first[number]["rotation"], other[number]["rotation"])
    assert not torch.equal(first[3]["rotation"], first[13]["rotation"])  # another epoch


def test_input_and_target_show_one_place_with_noise_of_their_own(halves: dict[str, str]) -> None:
    data = blocks(halves)
    for number in range(6):
        item = data[number]
        seen, asked = item["image"][:, 2:-2, 2:-2, 2:-2], item["labels"]
        assert seen.shape == asked.shape == item["window"].shape == (1, 12, 12, 12)
        apart = (seen - asked)[item["window"] > 0].std()
        assert 0.05 < apart < 0.25  # √2 × 0.1 of noise in units of the deviation, 1.0, less what splines smooth; no other place


def test_a_single_tomogram_is_its_own_target(halves: dict[str, str]) -> None:
    item = RotatedWedges(TomogramHalves([halves["even"]]), 12, 2, 10, 0)[1]
    assert torch.allclose(item["image"][:, 2:-2, 2:-2, 2:-2], item["labels"])


def test_voxels_from_beyond_the_volume_count_nothing(halves: dict[str, str]) -> None:
    data = blocks(halves, size=24, fade=1)  # too long for the 24 sections at most angles
    shares = [float((data[number]["window"] > 0).float().mean()) for number in range(5)]
    assert min(shares) < 0.95 and max(shares) <= 1


def test_centres_keep_blocks_inside_where_they_fit() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([place(rng, 40, 9.0) for _ in range(500)])
    assert 8.5 <= drawn.min() < 9.5 and 29.5 < drawn.max() <= 30.5  # the voxels 0 … 39 reach from −1/2 to 39 1/2
    assert all(4.5 <= place(rng, 20, 30.0) <= 14.5 for _ in range(100))


def test_windows_are_symmetric_and_fall_to_almost_nothing() -> None:
    weights = window(20, 6)
    assert np.allclose(weights, weights[::-1]) and np.allclose(weights, weights.transpose(2, 0, 1))
    assert weights[10, 10, 10] == 1 and weights[10, 10, 0] < 0.02 and (window(8, 0) == 1).all()


def test_the_module_says_what_the_network_learns_to_repair(halves: dict[str, str]) -> None:
    data = SelfWedgeDataModule(even=halves["even"], odd=halves["odd"], size=12, margin=2, fade=3, wedge=[50, -60, 2.5])
    contract = data.contract
    assert contract["channels"] == 2 and contract["halves"] and contract["spacing_nm"] == [5.0, 5.0, 5.0]
    assert contract["wedge"]["tilts"] == [-60.0, 50.0] and contract["wedge"]["half_range"] == [55.0, 55.0]
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (2, 1, 16, 16, 16) and batch["rotation"].shape == (2, 3, 3)
    looks = [next(iter(data.val_dataloader()))["rotation"] for _ in range(2)]
    assert torch.equal(*looks)


def test_blocks_are_shown_filled_and_asked_for_as_measured(halves: dict[str, str]) -> None:
    data = blocks(halves)
    before = data[2]
    data.blocks[0].show(torch.zeros_like(data.blocks[0].voxels))
    after = data[2]
    assert torch.equal(before["labels"], after["labels"]) and (after["image"] == 0).all() and before["image"].std() > 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "data.path"),
        ({"path": "even", "odd": "odd"}, "data.path"),
        ({"even": "even"}, "both its halves"),
        ({"even": "even", "odd": "even"}, "independent"),
        ({"path": "flat"}, "cubic"),
        ({"even": "even", "odd": "flat"}, "one grid"),
        ({"path": "even", "size": 48}, "48"),
        ({"path": "even", "size": 12, "fade": 7}, "fade"),
        ({"path": "even", "wedge": [0, 0, 1]}, "tilt range"),
        ({"path": "even", "wedge": [-60, 60]}, "step"),
    ],
)
def test_what_makes_no_sense_is_refused(halves: dict[str, str], more: dict[str, Any], message: str) -> None:
    given = {key: halves.get(value, value) if isinstance(value, str) else value for key, value in more.items()}
    with pytest.raises(CellmlError, match=message):
        SelfWedgeDataModule(**given).patches()


def test_intensity_transforms_see_the_block_and_keep_the_rotation(halves: dict[str, str]) -> None:
    from monai.transforms import ShiftIntensityd

    data = SelfWedgeDataModule(path=halves["even"], size=12, margin=2, fade=3, transforms=[ShiftIntensityd(["image", "labels"], 5.0)])
    plain = SelfWedgeDataModule(path=halves["even"], size=12, margin=2, fade=3)
    moved, still = data.patches()[0], plain.patches()[0]
    assert torch.allclose(moved["image"], still["image"] + 5) and torch.equal(moved["rotation"], still["rotation"])


def test_stacked_files_read_as_channels(halves: dict[str, str], tmp_path: Path) -> None:
    from cellml.data.stacked import StackedImages
    from cellml.io import open_image

    with StackedImages([open_image(halves["even"]), open_image(halves["odd"])]) as stacked:
        region = (slice(2, 5), slice(0, 7), slice(3, 4))
        assert stacked.axes == "CZYX" and len(stacked.channels) == 2 and stacked.read().shape == stacked.full_shape == (2, 24, 30, 36)
        assert np.array_equal(stacked.read(region), stacked.read()[(slice(None), *region)])
