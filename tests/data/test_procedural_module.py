from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.object_kinds import LabelledObject
from cellml.data.procedural_cells import VoxelCell, draw_cell, voxelise
from cellml.data.procedural_images import MicroscopeLook, exact_surface, membrane_distances, render, surface_points
from cellml.data.procedural_kinds import Mitochondrion, Nucleus, Reticulum, Spine
from cellml.data.procedural_module import ProceduralDataModule
from cellml.errors import CellmlError
from cellml.io import read_labels, read_volume
from cellml.meshops.feature_pooling import to_normalised, vert_align

SHAPE, SPACING = (32, 30, 34), (14.0, 15.0, 13.0)
CLEAN = MicroscopeLook(electrons=(1e12, 1e12), texture=0.0, blur=0.1, tilt=0.0)


@pytest.fixture(scope="module")
def spine() -> VoxelCell:
    return voxelise(draw_cell(Spine(), SHAPE, SPACING, seed=1), SHAPE, SPACING)


def module(**more: Any) -> ProceduralDataModule:
    given: dict[str, Any] = {"kinds": [Mitochondrion()], "shape": (24, 24, 24), "spacing_nm": (20.0, 20.0, 20.0), "train_cells": 3,
                             "val_cells": 1, "points": 50, "patches_per_epoch": 6}  # fmt: skip
    return ProceduralDataModule(**{**given, **more})


def test_membranes_are_dark_and_cuts_between_compartments_are_not_shown(spine: VoxelCell) -> None:
    image, distance = render(spine, np.random.default_rng(0), CLEAN), membrane_distances(spine)
    assert image.dtype == np.float32
    assert abs(image.mean()) < 1e-4
    assert image[distance < 3].mean() < image[distance > 30].min() - 1
    cut = (np.abs(spine.distances[0]) < 8) & (np.abs(spine.distances[1]) < 8) & (distance > 20)
    assert cut.any()
    assert image[cut].mean() > image[distance < 3].mean() + 1


def test_noise_grows_as_electrons_become_few(spine: VoxelCell) -> None:
    clean = render(spine, np.random.default_rng(0), CLEAN)
    match = [np.corrcoef(clean.ravel(), render(spine, np.random.default_rng(0), replace(CLEAN, electrons=(n, n))).ravel())[0, 1]
             for n in (10.0, 1000.0)]  # fmt: skip
    assert match[0] < 0.9 < match[1] < 1


def test_surfaces_and_points_lie_on_the_formula_with_its_normals() -> None:
    made = voxelise(draw_cell(Nucleus(), SHAPE, SPACING, seed=3), SHAPE, SPACING)
    ball = made.cell.compartments[2].field
    surface = exact_surface(made, 2)
    assert np.abs(ball(surface.vertices)).max() < 1e-6
    assert surface.volume() == pytest.approx(4 / 3 * np.pi * ball.radius**3, rel=0.1)  # type: ignore[attr-defined]
    points, normals = surface_points(surface, ball, 500, np.random.default_rng(0))
    assert np.abs(ball(points)).max() < 1e-6
    np.testing.assert_allclose(normals, (points - ball.centre) / ball.radius, atol=1e-5)  # type: ignore[attr-defined]
    octants = np.bincount(((points > ball.centre) @ [1, 2, 4]), minlength=8)  # type: ignore[attr-defined]
    assert octants.min() > 500 / 8 * 0.6


def test_points_on_a_sharp_body_are_near_it(spine: VoxelCell) -> None:
    for number, part in enumerate(spine.cell.compartments):
        points, _ = surface_points(exact_surface(spine, number), part.field, 400, np.random.default_rng(0))
        assert np.percentile(np.abs(part.field(points)), 95) < 0.5  # nm; the Newton steps may jump to and fro at a crease


def test_samples_are_functions_of_their_number_and_visit_every_cell() -> None:
    first, second = module(), module()
    first.setup()
    second.setup()
    one, two = first.patches(), second.patches()
    for number in (4, 1):
        a, b = one[number], two[number]
        assert set(a) == {"image", "labels", "distances", "points", "normals", "genus"}
        assert all(torch.equal(a[key], b[key]) for key in a)
        assert a["image"].shape == (1, 24, 24, 24)
        assert a["distances"].shape == (2, 24, 24, 24)
        assert a["points"].shape == a["normals"].shape == (2, 50, 3)
        assert a["genus"].tolist() == [0, 0]
    seen = [one[number]["image"] for number in range(3)]
    assert len({image.numpy().tobytes() for image in seen}) == 3
    still = module(turn=False)
    still.setup()
    kept = still.patches()
    same = next(n for n in range(3, 6) if torch.equal(kept[n]["image"], kept[0]["image"]))
    assert not torch.equal(kept[same]["points"], kept[0]["points"])
    turned = one[same]["image"]
    assert not torch.equal(turned, kept[0]["image"])
    assert torch.equal(turned.reshape(-1).sort().values, kept[0]["image"].reshape(-1).sort().values)


def test_turned_cells_keep_points_on_their_surfaces() -> None:
    data = module(points=200)
    data.setup()
    samples = data.patches()
    for number in range(3):
        sample = samples[number]
        place = to_normalised(sample["points"].reshape(-1, 3), (24, 24, 24), (20.0, 20.0, 20.0), (0.0, 0.0, 0.0))
        at = vert_align(sample["distances"][None], place[None].float())[0].reshape(2, 200, 2)
        assert at[0, :, 0].abs().mean() < 2.0  # nm; voxels of 20 nm


def test_a_batch_and_a_validation_block() -> None:
    data = module(batch_size=3)
    data.setup()
    assert data.contract["compartments"] == ["mitochondrion", "matrix"]
    assert data.contract["spacing_nm"] == [20.0, 20.0, 20.0]
    batch = next(iter(data.train_dataloader()))
    assert batch["points"].shape == (3, 2, 50, 3)
    whole = next(iter(data.val_dataloader()))
    assert whole["points"].shape == (2, 200, 3)
    assert [faces.shape[1] for _, faces in whole["surfaces"]] == [3, 3]
    assert not any(torch.equal(whole["image"], image) for image in batch["image"])


def test_bad_input_is_refused() -> None:
    with pytest.raises(CellmlError, match="same compartments"):
        module(kinds=[Spine(), Reticulum()]).setup()
    with pytest.raises(CellmlError, match="0 kinds"):
        module(kinds=[])
    tiny = voxelise(draw_cell(Nucleus(), SHAPE, SPACING, seed=3), SHAPE, SPACING)
    empty = VoxelCell(tiny.cell, np.ones_like(tiny.distances), tiny.labels)
    with pytest.raises(CellmlError, match="finer voxels"):
        exact_surface(empty, 2)


@pytest.mark.parametrize("given", [{"shape": (24, 24)}, {"spacing_nm": (12.0, 12.0)}, {"spacing_nm": (12.0,) * 4}, {"shape": (24,)}])
def test_shape_and_voxels_are_three_numbers(given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(CellmlError, match=rf"data\.{name} needs three numbers \(z, y, x\), such as data\.{name}=\["):
        module(**given)


def test_voxels_of_objects_are_three_numbers() -> None:
    with pytest.raises(CellmlError, match="spacing_nm needs three numbers"):
        LabelledObject(["absent.npz:mito"], (15.0, 16.0))(np.random.default_rng(0), np.full(3, 1000.0))


def test_a_training_with_two_numbers_of_voxels_says_so(cellml: Any, capsys: Any, tmp_path: Any) -> None:
    words = ("experiment=mesh/certified", "data.spacing_nm=[12,12]", "training.max_steps=1", f"hydra.run.dir={tmp_path / 'run'}")
    assert cellml("train", *words) == 2
    assert "data.spacing_nm needs three numbers" in capsys.readouterr().err


def test_the_documented_snippet_writes_what_the_shipped_checkpoints_expect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "mesh_head.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(text.split("```python\n")[1].split("```")[0], "docs/mesh_head.md", "exec"), {})
    image, labels = read_volume("cell.npz"), read_labels("cell_labels.npz")
    assert image.data.shape == labels.data.shape == (48, 48, 48) and image.spacing == labels.spacing == (12.0, 12.0, 12.0)
    assert dict(labels.names) == {1: "cell", 2: "reticulum"} and set(np.unique(labels.data)) == {0, 1, 2}
    border = np.abs(np.diff(labels.data.astype(int), axis=2, prepend=0)) > 0
    assert image.data[border].mean() < image.data[~border].mean() - 0.5  # membranes are dark
    assert abs(image.data.mean()) < 1e-3 and image.data.std() == pytest.approx(1, abs=1e-3)
