"""Meshes by `cellml infer`: what is told, what is kept, what is refused. The network is one that knows the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from cellml.errors import CellmlError
from cellml.infer.command import infer_file
from cellml.infer.members import Members
from cellml.infer.meshed_image import warn_of_few_values
from cellml.infer.predict import SlidingWindow
from cellml.io import read_mesh, read_surface, write_volume
from cellml.losses.certified import CertifiedMeshLoss
from cellml.meshing.topology import facet_components
from cellml.sim.domain import components, require_connected
from cellml.sim.errors import SimulationError
from cellml.tasks.certified_mesh import CertifiedMeshTask
from cellml.tasks.compartment_target import CompartmentTarget
from cellml.types import Volume

SHAPE, SPACING = (14, 16, 30), (10.0, 10.0, 10.0)
NAMES = ("cell", "nucleus", "nucleolus")
CONTRACT = {"spacing_nm": list(SPACING), "channels": 1, "normalisation": "volume"}


class Oracle(nn.Module):
    """The maps that it was given, whatever the image."""

    multiple, halo = (1, 1, 1), (0, 0, 0)

    def __init__(self, maps: torch.Tensor) -> None:
        super().__init__()
        self.maps, self.scale = maps, nn.Parameter(torch.ones(1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        z, y, x = image.shape[2:]
        return self.scale * self.maps[None, :, :z, :y, :x].expand(len(image), -1, -1, -1, -1)


def ball(centre: tuple[float, float, float], radius: float) -> NDArray[np.float64]:
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    return np.linalg.norm(grid - np.asarray(centre), axis=-1) - radius


# Two cells, the larger with a nucleus, and no nucleolus.
DISTANCES = np.stack(
    [
        np.minimum(ball((6.5, 7.5, 8.0), 5.5), ball((6.5, 7.5, 23.0), 4.0)),
        ball((6.5, 7.5, 8.0), 2.5),
        np.full(SHAPE, 3.0),
    ]
)


@pytest.fixture
def infer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cellml: Callable[..., int]) -> Callable[..., int]:
    """Run `cellml infer input=image.npz WORD…` with a checkpoint whose network knows the two cells; `distances` are others."""
    (tmp_path / "known.ckpt").write_bytes(b"weights")
    write_volume(Volume(np.random.default_rng(0).normal(size=SHAPE).astype(np.float32), SPACING), tmp_path / "image.npz")

    def run(*words: object, distances: NDArray[np.float64] = DISTANCES) -> int:
        window = SlidingWindow(SHAPE, (0, 0, 0), (0, 0, 0))
        loss, optimizer = CertifiedMeshLoss(), torch.optim.AdamW
        task = CertifiedMeshTask(nn.Identity(), CompartmentTarget(NAMES), loss, optimizer, SPACING, step_voxels=1.5, window=window)
        maps = np.concatenate([distances / 1.5, np.zeros((3, *SHAPE))]).astype(np.float32)
        task.net = Oracle(torch.from_numpy(maps))
        members = Members(task.eval(), [task.net], CONTRACT, {})
        monkeypatch.setattr("cellml.infer.members.load_members", lambda *_: members)
        given = [f"input={tmp_path / 'image.npz'}"] if not any(str(word).startswith("input=") for word in words) else []
        return cellml("infer", f"checkpoint={tmp_path / 'known.ckpt'}", *given, *words)

    return run


def test_what_was_found_and_what_was_not_is_told_and_certified(infer: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    assert infer(f"output={tmp_path / 'mesh.vtu'}") == 0
    told = capsys.readouterr().out
    certificate = json.loads((tmp_path / "mesh_certificate.json").read_text())
    assert certificate["lost_regions"] == ["nucleolus"] and list(certificate["regions"]) == ["cell", "nucleus"]
    assert "NOT FOUND: nucleolus" in told and "NOT FOUND: nucleolus," not in told
    cell = certificate["regions"]["cell"]
    assert f"cell: {cell['volume_nm3'] * 1e-9:.4g} µm³ in 2 pieces, Euler number {cell['euler']}" in told and cell["euler"] == 6
    assert "nucleus: " in told and "in 1 piece, Euler number 2" in told
    assert "falls into 2 parts" in told and "components=largest" in told
    missed = [reason for reason in certificate["gate_failures"] if "angle" in reason]
    assert missed and "misses the usual gate" in told and "only dihedral angles from 10.2° and surface angles from 6°" in told
    assert certificate["versions"]["cellml"] and certificate["versions"]["torch"] and certificate["cpu_s"] > 0
    settings = certificate["settings"]
    assert settings["checkpoint"] == "known.ckpt" and settings["checkpoint_sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert (settings["step_voxels"], settings["bound"], settings["offsets"]) == (1.5, 0.3, [])
    assert settings["step_nm"] == pytest.approx(15.0)


def test_the_largest_part_can_be_simulated_and_the_whole_cannot(infer: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    assert infer(f"output={tmp_path / 'all.vtu'}") == 0
    whole = read_mesh(tmp_path / "all.vtu")
    with pytest.raises(SimulationError, match="2 parts.*components=largest"):
        require_connected(whole)
    capsys.readouterr()
    assert infer(f"output={tmp_path / 'one.vtu'}", "components=largest") == 0
    one = read_mesh(tmp_path / "one.vtu")
    require_connected(one)
    assert components(one) == 1 and set(one.facet_names.values()) == {"membrane", "cell|nucleus"}
    _, member = facet_components(whole.tets)
    assert one.volumes().sum() == pytest.approx(np.bincount(member, weights=whole.volumes()).max())
    certificate = json.loads((tmp_path / "one_certificate.json").read_text())
    assert certificate["components"] == 1 and certificate["settings"]["components"] == "largest"
    assert certificate["discarded_share"] == pytest.approx(1 - one.volumes().sum() / whole.volumes().sum())
    assert "the largest of 2 parts was kept" in certificate["repairs"][0]
    assert "the largest of 2 parts was kept" in capsys.readouterr().out


def test_a_compartment_outside_the_largest_part_is_lost(infer: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    beside = DISTANCES.copy()
    beside[0], beside[2] = ball((6.5, 7.5, 8.0), 5.5), ball((6.5, 7.5, 23.0), 3.0)
    assert infer(f"output={tmp_path / 'one.vtu'}", "components=largest", distances=beside) == 0
    assert set(read_mesh(tmp_path / "one.vtu").region_names.values()) == {"cell", "nucleus"}
    assert json.loads((tmp_path / "one_certificate.json").read_text())["lost_regions"] == ["nucleolus"]
    told = capsys.readouterr().out
    assert "with them all of nucleolus" in told and "NOT FOUND: nucleolus" in told


def test_the_files_that_were_written_are_named_with_their_facets(infer: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    assert infer(f"output={tmp_path / 'mesh.ply'}") == 0
    told = capsys.readouterr().out
    for name in ("cell", "nucleus"):
        file = tmp_path / f"mesh_{name}.ply"
        assert f"{file}: {len(read_surface(file).faces)} facets" in told
    assert f"{tmp_path / 'mesh_certificate.json'}: the certificate" in told and str(tmp_path / "mesh.ply") not in told


def test_an_empty_prediction_says_what_to_look_at(infer: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    assert infer(f"output={tmp_path / 'mesh.vtu'}", distances=np.ones_like(DISTANCES)) == 2
    said = capsys.readouterr().err
    assert "polarity" in said and "voxel size" in said and "15.6 nm" in said and "train longer" not in said
    assert not list(tmp_path.glob("mesh*"))


def test_one_section_is_refused_in_words(infer: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    section = np.random.default_rng(0).normal(size=(1, 16, 16)).astype(np.float32)
    write_volume(Volume(section, SPACING), tmp_path / "thin.npz")
    assert infer(f"input={tmp_path / 'thin.npz'}", f"output={tmp_path / 'mesh.vtu'}") == 2
    said = capsys.readouterr().err
    assert "1 × 16 × 16 voxels" in said and "at least 2 sections" in said and "pad it" not in said


def test_labels_given_for_an_image_are_suspected(infer: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:9, 4:9, 4:12] = 1
    np.savez(tmp_path / "labels.npz", raw=labels, voxel_nm=np.array(SPACING))
    assert infer(f"input={tmp_path / 'labels.npz'}", f"output={tmp_path / 'mesh.vtu'}") == 0
    told = capsys.readouterr().out
    assert "only 2 different values and looks like labels" in told and "`cellml mesh`" in told


@pytest.mark.parametrize(("values", "suspected"), [(1, True), (16, True), (17, False), (256, False)])
def test_sixteen_values_are_few(values: int, suspected: bool) -> None:
    voxels = np.resize(np.arange(values, dtype=np.uint8), 100_003)
    assert (warn_of_few_values(voxels.reshape(-1, 1, 1), "x") is not None) == suspected
    mostly = np.zeros(1_000_001, np.float32)
    mostly[1 : 1 + values] = np.arange(1, values + 1)  # between the voxels that are looked at first
    assert (warn_of_few_values(mostly, "x") is not None) == (values < 16)


def test_unknown_components_are_refused(infer: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    assert infer(f"output={tmp_path / 'mesh.vtu'}", "components=biggest") == 2
    assert "components=biggest is not known; use all or largest" in capsys.readouterr().err


def test_meshes_are_not_asked_of_checkpoints_that_predict_labels(semantic_run: Any, phantom_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.vtu"
    with pytest.raises(CellmlError, match=r"predicts labels, not a mesh.*o\.tif.*cellml mesh input="):
        infer_file(str(semantic_run.model), str(phantom_file), str(out))
    with pytest.raises(CellmlError, match="components=largest is for checkpoints that predict tetrahedra"):
        infer_file(str(semantic_run.model), str(phantom_file), str(tmp_path / "o.tif"), components="largest")
