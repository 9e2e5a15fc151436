from __future__ import annotations

import json

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import read_mesh, write_labels, write_surface, write_volume
from cellml.meshing import MeshingError, mesher
from cellml.meshing.command import mesh_file
from cellml.types import Labels, Surface, Volume

SPACING = (10.0, 10.0, 10.0)


@pytest.fixture
def labels_file(tmp_path, ball_voxels):
    data = np.where(ball_voxels(40.0, (12, 12, 12)), 6, 0).astype(np.uint8)
    write_labels(Labels(data, SPACING, names={6: "bouton"}), tmp_path / "labels.npz")
    return tmp_path / "labels.npz"


@pytest.fixture
def cell_file(tmp_path, grid):
    """An ellipsoid in an ellipsoid, labels 1 and 2, and a painted mask on its upper side."""
    z, y, x = grid((16, 16, 20))
    outer = (z / 65) ** 2 + (y / 65) ** 2 + (x / 85) ** 2
    data = (outer < 1).astype(np.uint8)
    data[(z / 35) ** 2 + (y / 35) ** 2 + (x / 50) ** 2 < 1] = 2
    write_labels(Labels(data, SPACING), tmp_path / "cell.npz")
    write_labels(Labels(((outer < 1) & (outer > 0.5) & (z > 30)).astype(np.uint8), SPACING), tmp_path / "psd.npz")
    return tmp_path / "cell.npz"


def test_mesh_and_certificate_are_written(labels_file, tmp_path, capsys):
    certificate = mesh_file(str(labels_file), str(tmp_path / "cell.vtu"), label=6)
    mesh = read_mesh(tmp_path / "cell.vtu")
    assert json.loads((tmp_path / "cell.json").read_text()) == certificate
    assert certificate["gate_failures"] == []
    assert len(mesh.tets) == certificate["tets"]
    assert set(mesh.regions.tolist()) == {6}
    assert "cell.vtu and cell.json written" in " ".join(capsys.readouterr().out.split())


def test_names_membranes_patch_and_picture(cell_file, tmp_path):
    certificate = mesh_file(
        str(cell_file),
        str(tmp_path / "mesh.vtu"),
        names={1: "cytosol", 2: "er"},
        membranes={"PM": [1, 0], "ERM": ["er", "cytosol"]},
        patches={"PSD": str(tmp_path / "psd.npz")},
        picture=str(tmp_path / "mesh.png"),
    )
    mesh = read_mesh(tmp_path / "mesh.vtu")
    assert set(certificate["regions"]) == {"cytosol", "er"} == set(mesh.region_names.values())
    assert set(mesh.facet_names.values()) == {"PM", "ERM", "PSD"}
    assert certificate["facet_areas_nm2"]["ERM"] > 0
    assert (tmp_path / "mesh.png").read_bytes().startswith(b"\x89PNG")


def test_gmsh_in_the_version_of_steps(labels_file, tmp_path):
    mesh_file(str(labels_file), str(tmp_path / "cell.msh"), version="2.2")
    assert (tmp_path / "cell.msh").read_text().startswith("$MeshFormat\n2.2 ")
    assert len(read_mesh(tmp_path / "cell.msh").tets) == json.loads((tmp_path / "cell.json").read_text())["tets"]


def test_signed_distances(tmp_path, grid):
    z, y, x = grid((14, 14, 14))
    write_volume(Volume(np.sqrt(z**2 + y**2 + x**2) - 50.0, SPACING), tmp_path / "phi.npz")
    certificate = mesh_file(str(tmp_path / "phi.npz"), str(tmp_path / "ball.vtu"), kind="distance")
    assert certificate["gate_failures"] == []
    assert certificate["regions"]["inside"]["volume_nm3"] == pytest.approx(4 / 3 * np.pi * 50.0**3, rel=0.03)


def test_a_surface_in_micrometres(tmp_path):
    import trimesh

    sphere = trimesh.creation.icosphere(subdivisions=3, radius=0.3)
    write_surface(Surface(np.array(sphere.vertices), np.array(sphere.faces)), tmp_path / "ball.off")
    certificate = mesh_file(str(tmp_path / "ball.off"), str(tmp_path / "ball.vtu"), unit="µm", sample_nm=40.0, voxel_nm=20.0)
    assert certificate["gate_failures"] == []
    assert certificate["regions"]["inside"]["volume_nm3"] == pytest.approx(4 / 3 * np.pi * 300.0**3, rel=0.02)


def test_mesh_that_fails_its_gate_is_written_only_by_force(labels_file, tmp_path, monkeypatch):
    monkeypatch.setattr(mesher, "ATTEMPTS", mesher.ATTEMPTS[:1])
    target, gate = tmp_path / "cell.vtu", {"volume_error": 1e-9, "thin_volume_error": 1e-9, "distance_p99_voxels": 0.01}
    with pytest.raises(MeshingError, match=r"fails its gate, so .*cell.vtu was not written: .*from its source \(limit 0.01\)"):
        mesh_file(str(labels_file), str(target), gate=gate)
    assert {path.name for path in tmp_path.iterdir()} == {"labels.npz"}
    certificate = mesh_file(str(labels_file), str(target), gate=gate, force=True)
    assert target.exists()
    assert certificate["gate_failures"] != []
    assert certificate["gate"]["distance_p99_voxels"] == 0.01


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"output": "cell.nii"}, FileError, "has no suffix of a mesh; use one of"),
        ({"picture": "cell.bmp"}, FileError, "picture=cell.bmp has no suffix of a picture; use .png or .html"),
        ({"kind": "mask"}, CellmlError, "kind=mask is not known; use labels or distance"),
        ({"gate": {"dihedral": 5}}, CellmlError, "no limit 'dihedral'; it has min_dihedral_deg"),
        ({"membranes": {"PM": [6]}}, CellmlError, r"Membrane 'PM' must name two regions, as in membranes=\{PM: \[1, 0\]\}, got \[6\]"),
        ({"membranes": {"PM": [6, 9]}}, CellmlError, r"Membrane 'PM' separates \[6, 9\]"),
        ({"names": {5: "er"}}, CellmlError, "names gives a name to label 5, which"),
        ({"spacing_nm": [0, 10, 10]}, CellmlError, "spacing_nm must be three positive numbers"),
        ({"label": 3}, CellmlError, "no voxel with label 3; it has labels 6"),
        ({"edge_nm": 1.0}, MeshingError, "below the voxel size"),
    ],
)
def test_mistakes_are_found_before_meshing_and_nothing_is_written(labels_file, tmp_path, arguments, error, message):
    given = {"output": "cell.vtu"} | arguments
    given["output"] = str(tmp_path / given["output"])
    with pytest.raises(error, match=message):
        mesh_file(str(labels_file), **given)
    assert {path.name for path in tmp_path.iterdir()} == {"labels.npz"}


def test_the_input_is_not_overwritten(tmp_path):
    (tmp_path / "ball.off").write_text("OFF\n0 0 0\n")
    with pytest.raises(CellmlError, match="ball"):
        mesh_file(str(tmp_path / "ball.off"), str(tmp_path / "ball.off"))
    assert (tmp_path / "ball.off").read_text() == "OFF\n0 0 0\n"


def test_configuration_has_the_arguments_and_defaults_of_the_verb():
    import inspect
    from dataclasses import asdict

    import yaml

    from cellml.config import conf_dir
    from cellml.meshing import Gate

    config = yaml.safe_load((conf_dir() / "mesh.yaml").read_text())
    parameters = inspect.signature(mesh_file).parameters
    assert set(config) == set(parameters)
    assert config.pop("gate") == asdict(Gate())
    for name, value in config.items():
        default = parameters[name].default
        assert value == ("???" if default is inspect.Parameter.empty else default)
