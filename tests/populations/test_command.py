"""The verb `populate`, as it is typed."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cellml.cli import main
from cellml.io import read_mesh, write_mesh, write_surface
from cellml.populations.idealised import BallAndStick, Capsule, surface_of
from cellml.sim.analytic import box, cylinder
from cellml.types import Surface

FAST = ("model=spine_decay", "voxels=500", "base=cut")


@pytest.fixture(scope="module")
def spines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two capsules, a ball on a stick, and two balls apart, which are no shape; in two groups."""
    folder = tmp_path_factory.mktemp("spines")
    shapes = {"a/wide": Capsule(200.0, 400.0), "a/long": Capsule(120.0, 900.0), "b/mushroom": BallAndStick(300.0, 300.0)}
    for name, shape in shapes.items():
        (folder / name).parent.mkdir(exist_ok=True)
        write_surface(surface_of(shape, steps=8), folder / f"{name}.ply")
    one = surface_of(Capsule(200.0, 200.0), steps=6)
    both = Surface(np.concatenate([one.vertices, one.vertices + 2000]), np.concatenate([one.faces, one.faces + len(one.vertices)]))
    write_surface(both, folder / "b" / "apart.ply")
    return folder


def rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "table.csv").open() as stream:
        return {row["name"]: row for row in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def simulated(spines: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "population"
    assert main(["populate", f"source={spines}", *FAST, f"output={output}", "workers=2", "meshes=true"]) == 0
    return output


def test_every_shape_has_a_row_and_what_fails_has_a_reason(simulated: Path) -> None:
    found = rows(simulated)
    assert list(found) == ["a/long.ply", "a/wide.ply", "b/apart.ply", "b/mushroom.ply"]
    assert [row["state"] for row in found.values()] == ["ok", "ok", "failed", "ok"]
    assert "2 parts" in found["b/apart.ply"]["reason"] and found["b/apart.ply"]["tries"] == "2"
    assert {row["group"] for row in found.values()} == {"a", "b"}
    record = json.loads((simulated / "record.json").read_text())
    assert record["units"] == {"diffusion_time": "s", "escape_time": "s", "neck_conductance": "um^3/s", "calcium_half_time": "s"}


def test_observables_are_those_of_the_shape(simulated: Path) -> None:
    """A tube of length L that is open at one end: L²/(3D) to get out, L²/(π²D) to spread; the round end changes this by some per cent."""
    row = rows(simulated)["a/long.ply"]
    capsule = Capsule(120.0, 900.0)
    length = capsule.volume_nm3 / (np.pi * 120.0**2) * 1e-3
    assert float(row["escape_time"]) == pytest.approx(length**2 / 3, rel=0.08)
    assert float(row["diffusion_time"]) == pytest.approx(length**2 / np.pi**2, rel=0.08)
    assert float(row["volume_nm3"]) == pytest.approx(capsule.volume_nm3, rel=0.05)
    assert float(row["base_nm2"]) == pytest.approx(np.pi * 120.0**2, rel=0.15)
    mesh = read_mesh(simulated / "meshes" / "a" / "long.ply.vtu")
    assert {"base", "head", "membrane"} <= set(mesh.facet_names.values())


def test_the_unit_of_a_folder_of_surfaces_is_that_which_is_told(spines: Path, tmp_path: Path) -> None:
    from cellml.populations.members import members_of
    from cellml.populations.recipe import Recipe

    plain = surface_of(Capsule(0.2, 0.4), steps=6)  # in µm, in a file that notes no unit
    lines = ["OFF", f"{len(plain.vertices)} {len(plain.faces)} 0"]
    lines += [" ".join(map(str, v)) for v in plain.vertices.tolist()] + ["3 " + " ".join(map(str, f)) for f in plain.faces.tolist()]
    (tmp_path / "one.off").write_text("\n".join(lines))
    sizes = [Recipe(Path("m"))._surface(m).volume() for unit in ("um", None) for m in members_of(tmp_path, unit=unit)]
    assert sizes[0] == pytest.approx(1e9 * sizes[1])


def test_an_interrupted_run_goes_on_and_another_one_is_refused(
    simulated: Path, spines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "population"
    output.mkdir()
    lines = (simulated / "table.csv").read_text().splitlines(keepends=True)
    (output / "table.csv").write_text("".join(lines[:4]) + lines[4][:30])
    (output / "record.json").write_text((simulated / "record.json").read_text())
    words = ["populate", f"source={spines}", *FAST, f"output={output}", "workers=1"]
    assert main(words) == 0
    for name, row in rows(simulated).items():
        for key in ("state", "volume_nm3", "escape_time", "calcium_half_time"):
            assert rows(output)[name][key] == row[key]
    before = (output / "table.csv").read_text()
    assert main([*words, "group_pattern=.*"]) == 0
    assert [row["group"] for row in rows(output).values()] == list(rows(output))
    assert main(words) == 0 and (output / "table.csv").read_text() == before
    capsys.readouterr()
    assert main([*words[:2], "model=diffusion", *words[3:]]) == 2
    assert "simulated otherwise (model: spine_decay.yaml there, diffusion.yaml now" in capsys.readouterr().err


def test_idealised_shapes_of_a_table(simulated: Path, tmp_path: Path) -> None:
    output = tmp_path / "capsules"
    words = [f"source={simulated / 'table.csv'}", "idealised=capsule", "model=spine_decay", "voxels=500", "workers=1", "limit=1"]
    assert main(["populate", *words, f"output={output}"]) == 0
    real, ideal = rows(simulated), rows(output)
    assert set(ideal) == {"a/long.ply"}
    for name in ideal:
        for key in ("volume_nm3", "area_nm2"):
            assert float(ideal[name][key]) == pytest.approx(float(real[name][key]), rel=0.05)
    assert float(ideal["a/long.ply"]["escape_time"]) == pytest.approx(float(real["a/long.ply"]["escape_time"]), rel=0.15)


def test_meshes_are_taken_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "meshes"
    folder.mkdir()
    for length in (500.0, 1000.0):
        write_mesh(cylinder(100.0, length, refinements=1, layers=8), folder / f"{length:.0f}.vtu")
    write_mesh(box((200.0, 200.0, 200.0), (2, 2, 2)), folder / "sealed.vtu")
    words = ["populate", f"source={folder}", f"output={tmp_path / 'out'}", "workers=1"]
    assert main([*words, "model=diffusion"]) == 0
    found = rows(tmp_path / "out")
    assert found["sealed.vtu"]["state"] == "incomplete" and "conductance is undefined" in found["sealed.vtu"]["reason"]
    assert found["1000.vtu"]["state"] == "ok"
    ratio = float(found["1000.vtu"]["relaxation_time"]) / float(found["500.vtu"]["relaxation_time"])
    assert ratio == pytest.approx(4.0, rel=0.02)
    assert main(["populate", f"source={folder}", "model=diffusion", "idealised=capsule", f"output={tmp_path / 'x'}"]) == 2
    assert "are tetrahedra" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["source=nowhere", "model=diffusion"], "nowhere"),
        (["source={spines}", "model=difusion"], "no model file"),
        (["source={spines}", "model=diffusion", "limit=0"], "limit=0"),
        (["source={spines}", "model=diffusion", "voxels=10"], "voxels=10 is too few"),
        (["source={spines}", "model=diffusion", "idealised=cube"], "idealised=cube is not one of capsule"),
        (["source={spines}", "model=spine_decay", "parameters={gama: 1 um/s}"], "no parameter 'gama'"),
        (["source={spines}", "model=spine_decay", "workers=0"], "workers=0"),
    ],
)
def test_bad_input_is_told_in_words(
    words: list[str], message: str, spines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.replace("{spines}", str(spines)) for word in words]
    assert main(["populate", *given, f"output={tmp_path / 'out'}"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "table.csv").exists()


def test_two_runs_in_one_folder_do_not_meet(spines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cellml.io.alone import alone_in

    with alone_in(tmp_path):
        assert main(["populate", f"source={spines}", *FAST, f"output={tmp_path}"]) == 2
    assert "Another process is working in" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_run_keeps_its_rows(spines: Path, tmp_path: Path) -> None:
    output = tmp_path / "population"
    words = ["populate", f"source={spines}", *FAST, f"output={output}", "workers=1"]
    run = subprocess.Popen([sys.executable, "-m", "cellml", *words], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    for _ in range(6000):
        if (output / "table.csv").exists() and len(rows(output)) > 0:
            break
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    kept = rows(output)
    assert 1 <= len(kept) < 4
    assert main(words) == 0
    assert len(rows(output)) == 4
    assert all(rows(output)[name]["cpu_s"] == row["cpu_s"] for name, row in kept.items())


def test_the_table_is_written_for_columns_too(simulated: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs the extra `cluster`")
    table = parquet.read_table(simulated / "table.parquet")
    text = list(rows(simulated).values())
    assert table.column("name").to_pylist() == [row["name"] for row in text]
    numbers = table.column("volume_nm3").to_pylist()
    assert str(table.schema.field("volume_nm3").type) == "double"
    assert numbers == [float(row["volume_nm3"]) if row["volume_nm3"] else None for row in text]


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_table(simulated: Path, spines: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="clusters need the extra `cluster`")
    output = tmp_path / "population"
    assert main(["populate", f"source={spines}", *FAST, f"output={output}", "cluster=local"]) == 0
    timed = {"wall_s", "cpu_s"}
    expected, found = (
        {name: {k: v for k, v in row.items() if k not in timed} for name, row in rows(one).items()} for one in (simulated, output)
    )
    assert {name: row["state"] for name, row in found.items()} == {name: row["state"] for name, row in expected.items()}
    good = [name for name, row in expected.items() if row["state"] == "ok"]
    assert good and all(found[name] == expected[name] for name in good)


HERE = "+cluster._target_=cellml.blocks.engine.Here"
PUMPED = """
name: pumped
membranes: {PM: {facets: membrane}}
species: {Ca: {in: "*", D: {value: 10, unit: um^2/s}, initial: {value: 1, unit: uM}}}
parameters: {gamma: {value: 6, unit: um/s}}
reactions: [{name: pump, on: PM, equation: Ca -> 0, rate: gamma*Ca}]
time: {end: {value: 60, unit: ms}, steps: 60}
observables: [{type: amount, of: Ca, reduce: half_time, name: loss_time}]
"""


def test_a_full_disk_ends_the_run_and_is_no_property_of_a_shape(
    spines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output, written = tmp_path / "population", []

    def full_at_the_second(mesh: object, path: Path) -> None:
        written.append(path)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("cellml.io.write_mesh", full_at_the_second)
    words = ["populate", f"source={spines}", *FAST, f"output={output}", HERE, "meshes=true", "limit=2"]
    assert main(words) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "no space is left" in told and "wide.ply.vtu" in told and "the same command goes on" in told
    assert list(rows(output)) == ["a/long.ply"]
    assert main(words) == 0
    assert [row["state"] for row in rows(output).values()] == ["ok", "ok"]


def test_a_run_in_which_every_shape_failed_ends_in_an_error(spines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shapes"
    folder.mkdir()
    (folder / "apart.ply").write_bytes((spines / "b" / "apart.ply").read_bytes())
    assert main(["populate", f"source={folder}", *FAST, f"output={tmp_path / 'out'}", HERE]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "All 1 shapes failed: " in told and "2 parts" in told
    assert rows(tmp_path / "out")["apart.ply"]["state"] == "failed"


def test_idealised_shapes_of_shapes_without_a_base_have_none(tmp_path: Path) -> None:
    """The whole surface is the membrane in both, so that the same pumps sit on equal areas."""
    model = tmp_path / "pumped.yaml"
    model.write_text(PUMPED)
    shapes = tmp_path / "shapes"
    shapes.mkdir()
    write_surface(surface_of(Capsule(200.0, 400.0), steps=8), shapes / "one.ply")
    real, ideal = tmp_path / "real", tmp_path / "ideal"
    given = [f"model={model}", "voxels=500", HERE]
    assert main(["populate", f"source={shapes}", *given, f"output={real}"]) == 0
    assert main(["populate", f"source={real / 'table.csv'}", "idealised=capsule", *given, f"output={ideal}"]) == 0
    assert json.loads((ideal / "record.json").read_text())["base"] == "none"
    assert float(rows(ideal)["one.ply"]["loss_time"]) == pytest.approx(float(rows(real)["one.ply"]["loss_time"]), rel=0.03)
