from __future__ import annotations

from pathlib import Path

from cellml.sim.analytic import box
from cellml.sim.course_names import shown_courses
from cellml.sim.model_file import parse_model
from cellml.sim.results import write_results
from cellml.sim.solve import solve_model

TEXT = """
species: {Ca_er: {in: "*", D: {value: 1, unit: um^2/s, source: s}, initial: "c*(1 + z/L)"}}
parameters:
  c: {value: 1, unit: molecule/um^3, source: s}
  L: {value: 1, unit: um, source: s}
time: {end: {value: 0.1, unit: s}, steps: 4}
observables:
  - {type: mean, of: Ca_er}
  - {type: mean, of: Ca_er, reduce: peak}
  - {type: amount, of: Ca_er, name: all}
  - {type: concentration, of: Ca_er, at: [0, 0, 0]}
  - {type: concentration, of: Ca_er, at: [0, 0, 1000], reduce: peak}
"""
NAMES = ["mean of Ca_er", "all", "concentration of Ca_er", "Ca_er_concentration_peak"]


def test_courses_are_called_by_what_they_follow_and_stand_once(tmp_path):
    mesh = box((100.0, 100.0, 1000.0), (1, 1, 8))
    solution = solve_model(mesh, parse_model(TEXT, Path("m.yaml")), errors="never")
    shown = shown_courses(solution.courses, solution.model)
    assert list(shown) == [course.name for course in shown.values()] == NAMES
    assert shown["Ca_er_concentration_peak"].values[0] > 1.9 * shown["concentration of Ca_er"].values[0]
    assert "Ca_er_mean_peak" in solution.courses  # the solution keeps them by observable
    write_results(solution, tmp_path / "out", pictures=False)
    heading = (tmp_path / "out" / "courses.csv").read_text().splitlines()[0]
    assert heading == "time (s),mean of Ca_er (uM),all (molecule),concentration of Ca_er (uM),Ca_er_concentration_peak (uM)"
