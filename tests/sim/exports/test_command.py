from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cellml.errors import FileError
from cellml.io import write_mesh
from cellml.sim.analytic import box
from cellml.sim.errors import SimulationError
from cellml.sim.exports.command import export_files, export_model
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh


@pytest.mark.parametrize("to", ["fenicsx", "smart", "steps", "mcell"])
def test_every_export_says_how_to_run_it_and_what_is_missing(mesh: TetMesh, calcium: Model, tmp_path: Path, to: str) -> None:
    folder = export_model(mesh, calcium, to, tmp_path / "out")  # type: ignore[arg-type]
    text = (folder / "README.txt").read_text()
    assert text.startswith("calcium on cell, for ") and "\nRun:\n    " in text and "\nUnits: " in text and "Not carried over" in text
    assert "ERM: 2.16 um^2, facet tags [12]" in text and "k_on = 0.02 1/(uM*ms)  (a test)" in text
    listed = [name.strip() for line in text.partition("Files:\n")[2].partition("\n\n")[0].splitlines() for name in line[4:24].split(",")]
    written = {path.name for path in folder.iterdir()}
    made_by_the_run = {"courses.csv", "fields.xdmf"}
    assert {n for n in listed if n and "." in n} - made_by_the_run <= written and (tmp_path / "out").is_dir()


def test_nothing_is_written_when_the_model_is_refused(mesh: TetMesh, calcium_text: str, tmp_path: Path) -> None:
    text = calcium_text.replace("time:", "fixed: [{of: Ca, on: PM}]\ntime:")
    with pytest.raises(SimulationError, match=r"m.yaml:31: STEPS has no concentration that is held on a membrane \(Ca\)"):
        export_model(mesh, parse_model(text, Path("m.yaml")), "steps", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_older_export_is_replaced_only_when_asked(mesh: TetMesh, calcium: Model, tmp_path: Path) -> None:
    folder = export_model(mesh, calcium, "steps", tmp_path / "out")
    with pytest.raises(FileError, match=r"is not empty \(3 files\); choose another folder, or replace an older export with overwrite=true"):
        export_model(mesh, calcium, "mcell", folder)
    export_model(mesh, calcium, "mcell", folder, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == ["README.txt", "geometry.mdl", "model.mdl"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes").write_text("x")
    with pytest.raises(FileError, match="has no README.txt, so it is no export and is not replaced"):
        export_model(mesh, calcium, "mcell", mine, overwrite=True)
    with pytest.raises(FileError, match="is a file; output is the folder of the export"):
        export_model(mesh, calcium, "mcell", mine / "notes")


def test_the_verb_reads_files(
    tmp_path: Path, cellml: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_mesh(box((200.0, 300.0, 1000.0), (2, 3, 5), cuts=("z0", "z1")), "rod.vtu")
    assert cellml("export", "mesh=rod.vtu", "model=diffusion", "to=fenicsx", "output=out") == 0
    assert "README.txt says how to run it" in capsys.readouterr().out and Path("out/run.py").is_file()
    assert cellml("export", "mesh=rod.vtu", "model=diffusion", "to=smart", "output=other") == 2
    assert "SMART has no release of molecules at a place" in capsys.readouterr().err
    assert cellml("export", "mesh=rod.vtu", "model=diffusion", "to=abaqus", "output=other") == 2
    assert "to=abaqus is not one of fenicsx, smart, steps, mcell, vcell" in capsys.readouterr().err


def test_shipped_models_go_to_fenicsx_as_they_are(tmp_path: Path) -> None:
    mesh = tmp_path / "rod.vtu"
    write_mesh(box((200.0, 300.0, 1000.0), (2, 3, 5), cuts=("z0", "z1")), mesh)
    assert export_files(mesh, "diffusion", "fenicsx", tmp_path / "out") == tmp_path / "out"
