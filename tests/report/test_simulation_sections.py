from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.report.document import build_report
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.report.simulation_sections import courses_section, described_species, read_courses, species_section
from cellml.report.species3d import fields_of, species_3d

MODEL = """
species:
  A: {in: "*", D: {value: 1, unit: um^2/s, source: s}, initial: {value: 1, unit: uM, source: s}}
  X: {on: membrane, initial: {value: 10, unit: molecule/um^2, source: s}}
reactions: [{name: bind, on: membrane, equation: A + X -> X, forward: {value: 1, unit: um^3/(molecule*s), source: s}}]
time: {end: {value: 10, unit: ms}, steps: 5}
observables: [{type: mean, of: A}, {type: volume}]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """The folder of a small simulation."""
    from cellml.sim.analytic import box
    from cellml.sim.model_file import parse_model
    from cellml.sim.results import write_results
    from cellml.sim.solve import solve_model

    mesh = box((300.0, 400.0, 500.0), (2, 2, 3), cuts=("z0",))
    solution = solve_model(mesh, parse_model(MODEL, Path("m.yaml")), errors="never", frames=2)
    return write_results(solution, tmp_path_factory.mktemp("simulated") / "out")


def test_a_simulation_has_its_courses_its_movie_and_its_species(results, tmp_path):
    text = build_report(results, tmp_path / "r.html").read_text(encoding="utf-8")
    for heading in ("Simulated numbers", "Time courses", "Species in the shape", "Mesh quality"):
        assert f"<h2>{heading}</h2>" in text
    assert "data:image/gif;base64," in text
    assert "there are no fields but those of the species" in text  # said of the section on other fields


def test_courses_come_back_from_their_table(results):
    found = read_courses(results / "courses.csv")
    assert {name: course.unit for name, course in found.items()} == {
        "mean of A": "uM",
        "amount of A": "molecule",
        "amount of X": "molecule",
    }
    assert found["amount of A"].times[-1] == pytest.approx(0.01) and found["mean of A"].values[0] == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["", "time (s)\n0\n", "time (s),A (uM)\n0,x\n", "time,A\n0,1\n"])
def test_a_damaged_table_is_named(tmp_path, text):
    (tmp_path / "courses.csv").write_text(text)
    if text.startswith("time (s)\n"):
        assert read_courses(tmp_path / "courses.csv") == {}
        return
    with pytest.raises(FileError, match="is not a table of time courses"):
        read_courses(tmp_path / "courses.csv")


def test_species_are_drawn_where_they_live(results):
    (mesh,) = RunFolder(results).meshes  # the files of the series are no meshes of their own
    figure = species_3d(mesh.mesh, fields_of(described_species(results / "species.json"), mesh.fields))
    inside, on = figure.data
    assert (inside.name, on.name) == ("A", "X") and (inside.visible, on.visible) == (True, False)
    assert len(on.i) == len(mesh.mesh.facets_named("membrane"))
    assert "molecule/µm²" in on.colorbar.title.text and on.cmin < on.cmax
    assert (inside.cmin, inside.cmax) == (pytest.approx(np.min(inside.intensity)), pytest.approx(np.max(inside.intensity)))


def test_runs_that_are_no_simulation_say_nothing_of_it(tmp_path):
    (tmp_path / "metrics.csv").write_text("step,loss\n1,2\n")
    for section in (courses_section, species_section):
        with pytest.raises(AbsentError) as absent:
            section(RunFolder(tmp_path))
        assert str(absent.value) == ""


def test_a_damaged_description_of_species_is_named(tmp_path):
    (tmp_path / "species.json").write_text('{"species": {"A": 3}}')
    with pytest.raises(FileError, match="does not describe the species"):
        described_species(tmp_path / "species.json")
