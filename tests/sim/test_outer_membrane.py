"""Meshes of other programs, which know tetrahedra and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellml.cli import main
from cellml.io import write_mesh
from cellml.sim.analytic import box
from cellml.sim.errors import SimulationError
from cellml.sim.model_file import parse_model
from cellml.sim.outer_membrane import outer_membrane_notes, with_outer_membrane
from cellml.sim.solve import solve_model
from cellml.types import TetMesh

BINDING = """
species:
  A: {in: "*", D: {value: 10, unit: um^2/s, source: s}, initial: {value: 1, unit: uM, source: s}}
  X: {on: PM, initial: {value: 10, unit: molecule/um^2, source: s}}
membranes: {PM: {facets: membrane}}
reactions: [{name: bind, on: PM, equation: A + X -> X, forward: {value: 1, unit: um^3/(molecule*s), source: s}}]
time: {end: {value: 10, unit: ms}, steps: 4}
observables:
  - {type: amount, of: A, name: left}
  - {type: area, on: membrane}
"""


def bare(mesh: TetMesh) -> TetMesh:
    return TetMesh(mesh.points, mesh.tets, mesh.regions, name=mesh.name)


@pytest.fixture(scope="module")
def whole() -> TetMesh:
    return box((200.0, 200.0, 400.0), (2, 2, 4))


def test_the_outer_boundary_is_the_membrane_and_a_note_says_so(whole):
    model = parse_model(BINDING, Path("m.yaml"))
    known, found = (solve_model(mesh, model, errors="never") for mesh in (whole, bare(whole)))
    assert found["left"].value == pytest.approx(known["left"].value, rel=1e-12)
    assert found["area"].value == pytest.approx(0.4, rel=1e-12) == known["area"].value
    assert known.notes == ()
    assert found.notes == ("box has no facets named membrane; its outer boundary, 80 triangles, was taken, for the file names no facets.",)


def test_facets_with_another_name_are_left_out(whole):
    top = (whole.points[whole.facets][:, :, 2] > 399.0).all(axis=1)
    capped = replace(whole, facets=whole.facets[top], facet_tags=np.full(top.sum(), 4, np.int32), facet_names={4: "cap"})
    found = with_outer_membrane(capped, {"membrane"})
    assert len(found.facets_named("membrane")) == len(whole.facets) - top.sum()
    assert np.array_equal(found.facets_named("cap"), capped.facets)
    assert "that carries no other name" in outer_membrane_notes(capped, {"membrane"})[0]


def test_nothing_is_added_where_nothing_is_needed_or_left(whole):
    assert with_outer_membrane(whole, {"membrane"}) is whole
    assert with_outer_membrane(bare(whole), {"cap"}).facet_names == {}
    named = replace(whole, facet_names=dict.fromkeys(whole.facet_names, "wall"))
    assert with_outer_membrane(named, {"membrane"}) is named


def test_an_inner_wall_is_not_the_outer_boundary(whole):
    """A compartment of half the mesh: its wall to the other half carries no membrane."""
    height = whole.points[whole.tets].mean(axis=1)[:, 2]
    halves = replace(bare(whole), regions=np.where(height < 200.0, 1, 2).astype(np.int32), region_names={1: "cytosol", 2: "nucleus"})
    text = BINDING[: BINDING.index("species:")] + (
        "species: {A: {in: cytosol, D: {value: 1, unit: um^2/s}, initial: {value: 1, unit: uM}}}\n"
        "observables: [{type: first_passage_time, of: A, to: membrane}, {type: area, on: membrane}]\n"
    )
    solution = solve_model(halves, parse_model(text, Path("m.yaml")))
    assert solution["area"].value == pytest.approx(0.4)  # of the whole mesh
    field = solution.fields["first_passage_time"]
    middle = np.isclose(whole.points, [100.0, 100.0, 200.0]).all(axis=1)
    assert field[middle] > 0.0


def test_the_remedy_that_is_printed_works_when_it_is_typed(whole, tmp_path, capsys):
    write_mesh(bare(whole), tmp_path / "a.vtu")
    words = ["simulate", f"mesh={tmp_path / 'a.vtu'}", "model=narrow_escape", f"output={tmp_path / 'o'}", "errors=never", "pictures=false"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "no facets named 'patch'; it has: none." in said
    remedy = said.split("Say which is meant: '")[1].split("'")[0]
    assert remedy == "places={target: membrane}"
    assert main([*words, remedy]) == 0
    assert "outer boundary, 80 triangles" in " ".join(capsys.readouterr().out.split())


def test_the_place_of_the_model_stands_in_the_message(whole):
    text = BINDING.replace("facets: membrane", "facets: skin").replace("on: membrane", "on: PM")
    with pytest.raises(SimulationError, match=r"'places=\{PM: membrane\}'"):
        solve_model(whole, parse_model(text, Path("m.yaml")))
