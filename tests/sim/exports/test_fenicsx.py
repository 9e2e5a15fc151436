from __future__ import annotations

import csv
import os
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cellml.sim.analytic import box
from cellml.sim.engine.conditions import conditions
from cellml.sim.engine.courses import Recorder
from cellml.sim.engine.release import release_load
from cellml.sim.engine.steady import steady_state
from cellml.sim.engine.step import Stepper
from cellml.sim.engine.system import build_system
from cellml.sim.engine.trajectory import Plan, follow
from cellml.sim.exports.command import export_model
from cellml.sim.exports.fenicsx import merged
from cellml.sim.exports.located import locate
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh

PYTHON = "/usr/bin/python3"

# Everything that the calcium model lacks: stimuli, formulas of time and place, held and released concentrations, cut faces, lumping.
FULL = """
membranes: {wall: {facets: membrane}}
parameters: {k: {value: 3, unit: 1/s}, v: {value: 40, unit: molecule/um^2/s}, K: {value: 20, unit: molecule/um^3}, one: {value: 1, unit: um}}
stimuli: {s: {times: [0, 30, 60], time_unit: ms, values: [0, 1, 0.2], unit: dimensionless}}
species:
  A: {in: "*", D: {value: 1, unit: um^2/s}, initial: "K*(1 + cos(3*x/one))"}
  S: {on: wall, D: {value: 0.3, unit: um^2/s}, initial: "2*K*one"}
reactions:
  - {name: up, on: wall, equation: "A -> S", rate: "v*hill(A, K, 2)*s"}
  - {name: off, on: wall, equation: "S -> A", rate: "k*S*min(1 + z/one, 1.4)*pulse(t, K*0/K/k, 0.15/k)"}
  - {name: decay, in: "*", equation: "A -> 0", rate: "k*A*max(A, K)/K"}
fixed: [{of: A, on: cut_z0, value: "K*(1 + t*k)"}]
releases: [{of: A, at: [100, 150, 400], amount: {value: 5, unit: molecule}}, {of: S, at: wall, amount: {value: 30, unit: molecule}}]
cut: absorbing
lumped: true
time: {end: {value: 100, unit: ms}, steps: 20, snapshots: 1}
observables: [{type: amount, of: A}, {type: amount, of: S}, {type: rate, of: up}, {type: concentration, of: A, at: [50, 60, 700], name: spot}]
"""
STEADY = FULL.split("time:")[0].replace("pulse(t, K*0/K/k, 0.15/k)", "1").replace('*s"', '"').replace("t*k", "0") + (
    "steady: true\nobservables: [{type: amount, of: A}, {type: amount, of: S}]\n"
)


def rod() -> TetMesh:
    return box((200.0, 300.0, 1000.0), (2, 3, 6), cuts=("z0", "z1"))


def engine(mesh: TetMesh, model: Model) -> dict[str, float]:
    """Last values of cellml's own engine, in coherent units, by the names of courses.csv."""
    system = build_system(mesh, model)
    stepper = Stepper(system, conditions(system), model.values(), solver="direct")
    recorder, load = Recorder(system, model.values()), release_load(system, model.values())
    if model.steady:
        recorder(0.0, steady_state(stepper, system.initial(model.values()), locate(mesh, model).diffusion_time, load=load))
    else:
        assert model.time is not None
        plan = Plan(model.time.end.base, model.time.steps, model.time.scheme, None, model.time.snapshots)
        follow(stepper, system.initial(model.values()), plan, load=load, observe=recorder)
    last = recorder.rows[-1]
    courses = [*recorder.courses()]
    values = dict(zip(courses, last, strict=True))
    requests = {r.name: r for r in recorder.requests}
    called = {"rate": "rate of {of}", "amount": "amount of {of}", "mean": "mean of {of}", "concentration": "{name}"}
    return {(called[requests[n].type].format(of=requests[n].of, name=n) if n in requests else n): value for n, value in values.items()}


def ran(folder: Path, *before: str) -> dict[str, float]:
    """The last row of courses.csv after a run of the script."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run([*before, PYTHON, "run.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    with (folder / "courses.csv").open() as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, map(float, rows[-1]), strict=True))


def has_dolfinx() -> bool:
    if not Path(PYTHON).exists():
        return False
    return subprocess.run([PYTHON, "-c", "import dolfinx"], capture_output=True).returncode == 0


needs_dolfinx = pytest.mark.skipif(not has_dolfinx(), reason="no dolfinx for the system's Python (Debian: python3-dolfinx)")


def overlapping(text: str) -> str:
    """PSD as a patch of PM."""
    return text.replace("PM: {facets: PM}", "PM: {facets: [PM, PSD]}")


def test_the_model_becomes_a_module_with_the_same_rates(mesh: TetMesh, calcium: Model, tmp_path: Path) -> None:
    written: Any = runpy.run_path(str(export_model(mesh, calcium, "fenicsx", tmp_path / "out") / "model.py"))
    assert written["PARAMETERS"] == calcium.values() and list(written["SPECIES"]) == list(calcium.species)
    values = {
        **calcium.values(),
        **{name: float(10 + 7 * i) for i, name in enumerate(calcium.species)},
        "t": 0.3,
        "x": 0.1,
        "y": 0.2,
        "z": 0.4,
    }
    for reaction, there in zip(calcium.reactions, written["REACTIONS"], strict=True):
        assert there["rate"](**values) == pytest.approx(reaction.rate.evaluate(values), rel=1e-14)
        assert there["changes"] == reaction.changes and there["place"] == reaction.place
        for name, slope in there["slopes"].items():
            step = 1e-4 * values[name]
            shifted = [reaction.rate.evaluate({**values, name: values[name] + sign * step}) for sign in (-1, 1)]
            assert slope(**values) == pytest.approx((shifted[1] - shifted[0]) / (2 * step), rel=1e-8, abs=1e-12)


def test_formulas_stimuli_and_conditions_become_python(tmp_path: Path) -> None:
    model = parse_model(FULL, Path("m.yaml"))
    written: Any = runpy.run_path(str(export_model(rod(), model, "fenicsx", tmp_path / "out") / "model.py"))
    x = np.linspace(-0.1, 1.0, 5)
    values = {**model.values(), "A": 30 * x, "S": 10 * x, "s": 0.4, "t": 0.02, "x": x, "y": x, "z": x}
    for reaction, there in zip(model.reactions, written["REACTIONS"], strict=True):
        assert there["rate"](**values) == pytest.approx(reaction.rate.evaluate(values))
    assert written["stimulus"]("s", 0.045) == pytest.approx(0.6) and written["stimulus"]("s", 9.0) == 0.2
    cut = [f for f in written["FIXED"] if f["tags"] == (2, 3)]
    assert len(cut) == 1 and cut[0]["value"]() == 0.0 and written["FIXED"][-1]["value"](**values) == pytest.approx(20 * 1.06)
    assert written["RELEASES"][0]["point"] == pytest.approx((0.1, 0.15, 0.4)) and written["RELEASES"][1]["tags"] == (1,)
    assert written["LUMPED"] and not written["LINEAR"] and written["EVENTS"] == pytest.approx((0.03, 0.05, 0.06))
    assert set(written["EVENTS"]) <= set(written["TIMES"]) and written["TIMES"][-1] == pytest.approx(0.1) and len(written["TIMES"]) == 20


def test_marks_replace_grid_times_next_to_them() -> None:
    assert merged([0.5, 1.0], [0.25, 0.5 + 1e-12, 0.75, 1.0], 1e-9) == [0.25, 0.5, 0.75, 1.0]


def test_the_mesh_is_whole_and_in_micrometres(mesh: TetMesh, calcium: Model, tmp_path: Path) -> None:
    folder = export_model(mesh, calcium, "fenicsx", tmp_path / "out")
    with h5py.File(folder / "mesh.h5") as file:
        points, tets = file["points"][...], file["tets"][...]
        assert np.allclose(points[tets], mesh.points[mesh.tets] / 1000) and (file["regions"][...] == mesh.regions).all()
        assert np.allclose(points[file["facets"][...]], mesh.points[mesh.facets] / 1000) and (file["tags"][...] == mesh.facet_tags).all()
    assert (folder / "mesh.xdmf").read_text().count("<Grid") == 3


@needs_dolfinx
def test_the_script_gives_what_the_engine_gives(mesh: TetMesh, calcium: Model, tmp_path: Path) -> None:
    found = ran(export_model(mesh, calcium, "fenicsx", tmp_path / "out"))
    expected = engine(mesh, calcium)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-8)
    assert found["amount of R"] + found["amount of RQ"] == pytest.approx(300 * 5, rel=1e-12)


@needs_dolfinx
@pytest.mark.slow
@pytest.mark.parametrize("text", [FULL, STEADY], ids=["full", "steady"])
def test_every_feature_gives_what_the_engine_gives(text: str, tmp_path: Path) -> None:
    model = parse_model(text, Path("m.yaml"))
    found, expected = ran(export_model(rod(), model, "fenicsx", tmp_path / "out")), engine(rod(), model)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-8)


@needs_dolfinx
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun")
def test_two_processes_give_what_one_gives(mesh: TetMesh, calcium_text: str, tmp_path: Path) -> None:
    model = parse_model(overlapping(calcium_text), Path("calcium.yaml"))
    folder = export_model(mesh, model, "fenicsx", tmp_path / "out")
    alone = ran(folder)
    both = ran(folder, "mpirun", "--oversubscribe", "--mca", "mpi_yield_when_idle", "1", "-n", "2")
    assert both == pytest.approx(alone, rel=1e-9) and alone["amount of Ca"] == pytest.approx(engine(mesh, model)["amount of Ca"], rel=1e-8)
