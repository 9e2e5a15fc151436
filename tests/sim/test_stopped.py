"""Models whose time cannot go on: what was found until then is kept, and the error says where it stopped."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cellml.io import read_mesh, write_mesh
from cellml.sim.dynamics import StoppedError
from cellml.sim.model_file import parse_model
from cellml.sim.solve import StoppedSolutionError, solve_model

# dA/dt = k A² with A(0) = 1 molecule/µm³ and k = 1 µm³/s: A = 1/(1 − t), until t = 1 s.
EXPLOSION = """
species: {A: {in: "*", D: {value: 1, unit: um^2/s, source: s}, initial: {value: 1, unit: molecule/um^3, source: s}}}
parameters: {k: {value: 1, unit: um^3/(molecule*s), source: s}}
reactions: [{name: burst, in: "*", equation: 2 A -> 3 A, rate: k * A^2}]
time: {end: {value: 2, unit: s}, steps: 200, snapshots: 4}
observables: [{type: amount, of: A}, {type: volume}, {type: maximum, of: A, reduce: peak, name: highest}]
"""


def test_a_blow_up_hands_over_all_that_was_found(rod):
    with pytest.raises(StoppedSolutionError, match=r"stopped at t = 0\.9\d+ s of 2 s.*feeds itself without limit") as caught:
        solve_model(rod, parse_model(EXPLOSION, Path("m.yaml")))
    solution = caught.value.solution
    assert {o.name: o.status for o in solution.observables} == {"A_amount_final": "stopped", "volume": "ok", "highest": "stopped"}
    course = solution.courses["amount of A"]
    early = course.times < 0.8
    assert np.allclose(course.values[early] / 0.06, 1 / (1 - course.times[early]), rtol=5e-3)
    assert list(solution.series)[:2] == [0.0, 0.5] and max(solution.series) == course.times[-1]
    assert np.array_equal(solution.fields["A"], solution.series[course.times[-1]]["A"], equal_nan=True)


def test_the_command_writes_the_last_good_state_and_ends_with_an_error(rod, tmp_path, cellml, capsys):
    write_mesh(rod, tmp_path / "rod.vtu")
    (tmp_path / "m.yaml").write_text(EXPLOSION)
    output = tmp_path / "out"
    assert cellml("simulate", f"mesh={tmp_path / 'rod.vtu'}", f"model={tmp_path / 'm.yaml'}", f"output={output}", "pictures=false") == 2
    assert f"What was found until then is in {output}" in capsys.readouterr().err.replace("\n", "")
    with (output / "observables.csv").open() as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert (rows["highest"]["status"], rows["highest"]["value"]) == ("stopped", "") and "stopped at t = 0.9" in rows["highest"]["reason"]
    assert rows["volume"]["status"] == "ok"
    assert (output / "courses.csv").is_file() and (output / "series.pvd").is_file()
    assert len(read_mesh(output / "solution.vtu").tets) == len(rod.tets)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.yaml", "out", "rod.vtu"]


def test_a_finer_run_that_blows_up_puts_the_answer_in_doubt(rod, monkeypatch):
    def stops(mesh, model, places, **options):
        raise StoppedError("The simulation stopped at t = 0.5 s", None)

    monkeypatch.setattr("cellml.sim.course_errors.run", stops)
    solution = solve_model(rod, parse_model(EXPLOSION.replace("value: 2, unit: s", "value: 0.5, unit: s"), Path("m.yaml")))
    highest = solution["highest"]
    assert highest.status == "ok" and np.isnan(highest.discretisation_error)
    assert str(highest).endswith("error not estimated uM")
    assert "the answer is in doubt" in solution.notes[-1] and "stopped at t = 0.5 s" in solution.notes[-1]
