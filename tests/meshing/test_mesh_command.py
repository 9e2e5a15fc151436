from __future__ import annotations

import json

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import read_mesh, write_labels
from cellml.meshing import MeshingError, mesher
from cellml.meshing.command import mesh_file
from cellml.types import Labels


@pytest.fixture
def labels_file(tmp_path, ball_voxels):
    data = np.where(ball_voxels(40.0, (12, 12, 12)), 6, 0).astype(np.uint8)
    write_labels(Labels(data, (10.0, 10.0, 10.0), names={6: "bouton"}), tmp_path / "labels.npz")
    return tmp_path / "labels.npz"


def test_mesh_and_certificate_are_written(labels_file, tmp_path, capsys):
    certificate = mesh_file(str(labels_file), str(tmp_path / "cell.vtu"), label=6)
    mesh = read_mesh(tmp_path / "cell.vtu")
    assert json.loads((tmp_path / "cell.json").read_text()) == certificate
    assert certificate["gate_failures"] == []
    assert len(mesh.tets) == certificate["tets"]
    assert set(mesh.regions.tolist()) == {6}
    assert "smallest dihedral angle" in capsys.readouterr().out


def test_mesh_that_fails_its_gate_is_written_only_by_force(labels_file, tmp_path, monkeypatch):
    monkeypatch.setattr(mesher, "_ATTEMPTS", mesher._ATTEMPTS[:1])
    target, gate = tmp_path / "cell.vtu", {"min_dihedral_deg": 60.0}
    with pytest.raises(MeshingError, match=r"fails its gate, so .*cell.vtu was not written: smallest dihedral angle .* below 60°"):
        mesh_file(str(labels_file), str(target), gate=gate)
    assert {path.name for path in tmp_path.iterdir()} == {"labels.npz"}
    certificate = mesh_file(str(labels_file), str(target), gate=gate, force=True)
    assert target.exists()
    assert "below 60°" in certificate["gate_failures"][0]


def test_mistakes_are_found_before_meshing(labels_file, tmp_path):
    with pytest.raises(FileError, match=r"use .vtu or .msh"):
        mesh_file(str(labels_file), str(tmp_path / "cell.obj"))
    with pytest.raises(CellmlError, match="no limit 'dihedral'; it has min_dihedral_deg"):
        mesh_file(str(labels_file), str(tmp_path / "cell.vtu"), gate={"dihedral": 5})


def test_configuration_has_the_arguments_and_defaults_of_the_verb():
    import inspect
    from dataclasses import asdict

    import yaml

    from cellml.config import conf_dir
    from cellml.meshing import Gate

    config = yaml.safe_load((conf_dir() / "mesh.yaml").read_text())
    parameters = inspect.signature(mesh_file).parameters
    assert list(config) == list(parameters)
    assert config.pop("gate") == asdict(Gate())
    for name, value in config.items():
        default = parameters[name].default
        assert value == ("???" if default is inspect.Parameter.empty else default)
