from __future__ import annotations

import csv
import errno
import json
import logging
from functools import partial

import meshio
import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io import write_mesh
from cellml.sim.analytic import ball
from cellml.sim.command import simulate_file
from cellml.sim.errors import SimulationError


@pytest.fixture
def mesh_file(rod, tmp_path):
    write_mesh(rod, tmp_path / "rod.vtu")
    return tmp_path / "rod.vtu"


def test_results_are_complete_and_say_what_was_solved(mesh_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("cellml.sim.command.MOVIE_FRAMES", 3)
    solution = simulate_file(mesh_file, "diffusion", tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        *("courses.csv", "courses.png", "fields.png", "model.yaml", "movie.gif", "observables.csv", "places.json"),
        *("series", "series.pvd", "solution.vtu", "species.json", "volume.h5", "volume.xdmf"),
    ]
    with (tmp_path / "out" / "observables.csv").open() as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert list(rows["conductance"]) == ["name", "value", "unit", "discretisation_error", "status", "reason"]
    assert (rows["conductance"]["unit"], rows["conductance"]["status"]) == ("um^3/s", "ok")
    assert float(rows["relaxation_time"]["value"]) == solution["relaxation_time"].value  # to the last bit
    assert float(rows["relaxation_time"]["discretisation_error"]) > 0
    places = json.loads((tmp_path / "out" / "places.json").read_text())
    assert places["farthest_cut"]["centroid_nm"] == pytest.approx([100, 150, 1000])
    fields = meshio.vtu.read(str(tmp_path / "out" / "solution.vtu")).point_data
    assert np.array_equal(fields["molecule"], solution.fields["molecule"])
    with (tmp_path / "out" / "courses.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["time (s)", "amount of molecule (molecule)"]
    assert [float(row["amount of molecule (molecule)"]) for row in rows] == pytest.approx([1000.0] * 101, rel=1e-10)
    assert float(rows[-1]["time (s)"]) == max(solution.series)
    printed = capsys.readouterr().out
    assert "diffusion time L²/D" in printed and printed.index("diffusion time") < printed.index("relaxation_time")
    assert max(len(line) for line in printed.splitlines()[:-1]) <= 100


@pytest.fixture
def quick(mesh_file, tmp_path):
    """simulate_file on the rod without pictures, into the folder "out"."""
    return partial(simulate_file, mesh_file, output=tmp_path / "out", pictures=False)


def test_the_finite_element_library_does_not_chatter(quick, caplog):
    with caplog.at_level(logging.INFO):
        quick(model="diffusion")
    assert not [record for record in caplog.records if record.name.startswith("skfem")]


def test_undefined_observables_are_rows_without_numbers(tmp_path, capsys):
    write_mesh(ball(300.0, 1), tmp_path / "ball.vtu")
    simulate_file(tmp_path / "ball.vtu", "diffusion", tmp_path / "out")
    with (tmp_path / "out" / "observables.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["name"] == "conductance")
    assert (row["value"], row["discretisation_error"], row["status"]) == ("", "", "undefined")
    assert "touches no face of the block" in row["reason"]
    assert not (tmp_path / "out" / "courses.csv").exists()
    assert "undefined" in capsys.readouterr().out


def test_older_results_are_kept_unless_told_otherwise(mesh_file, tmp_path, quick):
    quick(model="diffusion")
    before = (tmp_path / "out" / "observables.csv").read_bytes()
    with pytest.raises(FileError, match=r"out is not empty \(10 files\); .* overwrite=true"):
        simulate_file(mesh_file, "diffusion", tmp_path / "out")
    assert (tmp_path / "out" / "observables.csv").read_bytes() == before
    quick(model="diffusion", overwrite=True)
    assert (tmp_path / "out" / "observables.csv").read_bytes() == before  # the same digits again


def test_a_folder_with_other_things_is_never_replaced(mesh_file, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    with pytest.raises(FileError, match=r"more than results \(thesis.tex\)"):
        simulate_file(mesh_file, "diffusion", tmp_path / "home", overwrite=True)
    assert (tmp_path / "home" / "thesis.tex").read_text() == "years of work"
    with pytest.raises(FileError, match="is a file"):
        simulate_file(mesh_file, "diffusion", mesh_file)


def test_a_disk_that_fills_up_leaves_nothing_and_the_older_results(mesh_file, tmp_path, quick, monkeypatch):
    quick(model="diffusion", steps=5)
    before = (tmp_path / "out" / "courses.csv").read_bytes()

    def full(solution, folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cellml.sim.results.write_vtu_series", full)
    with pytest.raises(FileError, match="no space is left"):
        quick(model="diffusion", steps=4, overwrite=True)
    assert (tmp_path / "out" / "courses.csv").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "rod.vtu"]


def test_a_picture_that_cannot_be_drawn_costs_no_results(quick, tmp_path, monkeypatch, caplog):
    def broken(solution, path):
        path.write_text("half a picture")
        raise ZeroDivisionError

    for name in ("draw_courses", "draw_fields", "draw_movie"):
        monkeypatch.setattr(f"cellml.sim.results.{name}", broken)
    monkeypatch.setattr("cellml.sim.command.MOVIE_FRAMES", 3)
    quick(model="diffusion", steps=5, pictures=True)
    present = {p.name for p in (tmp_path / "out").iterdir()}
    assert "observables.csv" in present and not {"courses.png", "fields.png", "movie.gif"} & present
    assert "fields.png could not be drawn" in caplog.text


def test_sensitivity_to_the_cut_is_printed_and_written(quick, tmp_path, capsys):
    model = tmp_path / "m.yaml"
    model.write_text(
        "species: {A: {in: '*', D: {value: 1, unit: um^2/s, source: s}, initial: {value: 1, unit: uM, source: s}}}\n"
        "time: {end: {value: 50, unit: ms}, steps: 20}\nobservables: [{type: amount, of: A, name: left}]\n"
    )
    quick(model=model, cut_sensitivity=True, errors="never")
    with (tmp_path / "out" / "cut_sensitivity.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["absorbing"]) < 0.8 * float(row["sealed"])
    assert "sealed (assumed)" in capsys.readouterr().out
    with pytest.raises(SimulationError, match="asks for no time course"):
        quick(model="diffusion", cut_sensitivity=True, overwrite=True)


def test_nothing_is_left_after_a_mistake(mesh_file, tmp_path):
    model = tmp_path / "model.yaml"
    model.write_text(
        "species: {A: {in: '*', D: {value: 1, unit: um^2/s}}}\nobservables:\n  - {type: first_passage_time, of: A, to: nowhere}\n"
    )
    with pytest.raises(SimulationError, match=r"model.yaml:3: .*no facets named 'nowhere'"):
        simulate_file(mesh_file, model, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.yaml", "rod.vtu"]


def test_configuration_has_the_arguments_of_the_verb():
    import inspect

    import yaml

    from cellml.config import conf_dir

    defaults = yaml.safe_load((conf_dir() / "simulate.yaml").read_text())
    parameters = inspect.signature(simulate_file).parameters
    assert list(defaults) == list(parameters)
    given = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
    assert {name: defaults[name] for name in given} == given
