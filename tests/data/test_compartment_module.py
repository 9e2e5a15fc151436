from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.compartment_distances import compartment_distances, points_on_surfaces
from cellml.data.compartment_module import CompartmentDataModule
from cellml.data.module import VolumeDataModule
from cellml.errors import CellmlError

SPACING = (20.0, 10.0, 10.0)


def ball(shape: tuple[int, int, int], centre: tuple[float, float, float], radius_nm: float) -> Any:
    z, y, x = (np.arange(n) * s - c for n, s, c in zip(shape, SPACING, centre, strict=True))
    return np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2) - radius_nm


def test_distances_are_those_of_the_ball_and_enclose_as_many_voxels() -> None:
    true = ball((20, 40, 40), (190.0, 200.0, 190.0), 120.0)
    labels = (true < 0).astype(np.uint8)
    found = compartment_distances(labels, SPACING, [[1]])[0]
    assert int((found < 0).sum()) == int(labels.sum())
    near = np.abs(true) < 60
    assert np.abs(found - true)[near].mean() < 4.0  # nm, of voxels of 20 × 10 × 10


def test_a_small_piece_beside_a_large_one_keeps_its_voxels() -> None:
    shape = (20, 40, 90)
    large, small = ball(shape, (190.0, 200.0, 200.0), 150.0) < 0, ball(shape, (190.0, 200.0, 700.0), 45.0) < 0
    found = compartment_distances((large | small).astype(np.uint8), SPACING, [[1]])[0] < 0
    halves = np.arange(90) < 50
    assert (int(found[..., halves].sum()), int(found[..., ~halves].sum())) == (int(large.sum()), int(small.sum()))


def test_nested_compartments_hold_what_lies_in_them() -> None:
    shape, centre = (12, 24, 24), (110.0, 120.0, 120.0)
    labels = np.zeros(shape, np.uint8)
    for number, radius in ((1, 100.0), (2, 50.0)):
        labels[ball(shape, centre, radius) < 0] = number
    outer, inner = compartment_distances(labels, SPACING, [[1, 2], [2]], smoothing=0.0)
    assert (inner[labels == 2] < 0).all() and (outer[labels == 2] < 0).all() and (outer[labels == 0] > 0).all()
    assert (outer <= inner + 1e-3).all()


def test_absent_and_filling_compartments_are_far_away_and_unlabelled_voxels_refused() -> None:
    labels = np.ones((4, 6, 6), np.int64)
    nothing, everything = compartment_distances(labels, SPACING, [[2], [1]])
    diagonal = np.linalg.norm(np.multiply(labels.shape, SPACING))
    assert (nothing == np.float32(diagonal)).all() and (everything == -nothing).all()
    labels[0] = -1
    with pytest.raises(CellmlError, match="36 of 144 voxels are unlabelled"):
        compartment_distances(labels, SPACING, [[1]])


def test_points_lie_on_the_surface_with_outward_normals_and_not_where_it_is_cut() -> None:
    true = torch.tensor(np.stack([ball((10, 30, 30), (0.0, 150.0, 150.0), 100.0), np.full((10, 30, 30), 50.0)]))
    points, normals = points_on_surfaces(true, SPACING, 400, np.random.default_rng(0))
    away = points[0] - torch.tensor([150.0, 150.0, 0.0])
    assert (away.norm(dim=1) - 100).abs().max() < 3.0  # half the ball: its cut at z = 0 has no points
    assert ((normals[0] * away).sum(1) / away.norm(dim=1) > 0.9).all()
    assert torch.isnan(points[1]).all() and torch.isnan(normals[1]).all()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("block") / "block.npz"
    true = np.minimum(ball((16, 64, 40), (150.0, 200.0, 200.0), 110.0), ball((16, 64, 40), (160.0, 520.0, 200.0), 90.0))
    image = np.random.default_rng(0).normal(size=true.shape).astype(np.float32) - (true < 0)
    np.savez(path, raw=image, labels=(true < 0).astype(np.uint8))
    return path


def module(path: Path, **more: Any) -> CompartmentDataModule:
    given: dict[str, Any] = {
        "train": [{"region": {"y": [0, 40]}}], "val": [{"region": {"y": [42, 64]}}], "patch": (8, 16, 16), "compartments": ["ball"], "points": 60,
        "path": f"{path}:raw", "labels": f"{path}:labels", "spacing_nm": SPACING, "patches_per_epoch": 4, "guard": 2,
    }  # fmt: skip
    return CompartmentDataModule(**{**given, **more})


def test_samples_are_cut_from_whole_blocks_and_depend_on_their_number_alone(files: Path) -> None:
    from monai.transforms import RandFlipd

    data = module(files, transforms=[RandFlipd(["image", "labels"], 0.5, 1)])
    data.setup()
    samples = data.patches()
    one, again = samples[5], module(files, transforms=[RandFlipd(["image", "labels"], 0.5, 1)])
    again.setup()
    for name, value in again.patches()[5].items():
        torch.testing.assert_close(value, one[name], equal_nan=True)
    assert one["distances"].shape == (1, 8, 16, 16) and one["points"].shape == one["normals"].shape == (1, 60, 3)
    inside = one["distances"][0] < 0
    if inside.any() and not inside.all():
        assert one["image"][0][inside].mean() < one["image"][0][~inside].mean()
    assert isinstance(data, VolumeDataModule) and data.contract["compartments"] == ["ball"]


def test_a_validation_block_holds_the_true_surface_where_it_is(files: Path) -> None:
    data = module(files)
    data.setup()
    block = data._val[0]
    held = data.whole(block)
    vertices, faces = held["surfaces"][0]
    assert held["components"].tolist() == [1] and held["genus"].tolist() == [0] and len(faces) > 50
    low, high = vertices.min(0).values, vertices.max(0).values  # x, y, z
    assert low[1] == pytest.approx(430.0, abs=5.0) and high[1] == pytest.approx(610.0, abs=5.0)  # poles are the flatter for smoothing
    other = module(files, solids=[[2]])
    with pytest.raises(CellmlError, match="holds no ball"):
        other.whole(block)


def test_compartments_and_solids_must_fit(files: Path) -> None:
    with pytest.raises(CellmlError, match="must be of one length"):
        module(files, solids=[[1], [2]])
