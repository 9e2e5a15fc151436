"""Meshes that do not fit a model: each is refused, or noted, with the line of the model file that meets it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.sim.analytic import box
from cellml.sim.errors import SimulationError
from cellml.sim.model_file import parse_model
from cellml.sim.solve import solve_model
from cellml.types import TetMesh

LINES = (
    "species:",
    "  A: {in: cytosol, D: {value: 1, unit: um^2/s, source: s}, initial: {value: 1, unit: uM, source: s}}",
    "  X: {on: PM, initial: {value: 10, unit: molecule/um^2, source: s}}",
    "compartments: {cytosol: {region: inside}}",
    "membranes: {PM: {facets: wall}}",
    "reactions:",
    "  - {name: bind, on: PM, equation: A + X -> X, forward: {value: 1, unit: um^3/(molecule*s), source: s}}",
    "time: {end: {value: 1, unit: ms}, steps: 2}",
    "observables: [{type: amount, of: A}]",
)


def model(**changed: str):
    """The model with lines exchanged, by their number: line_5="…"."""
    lines = list(LINES)
    for key, text in changed.items():
        lines[int(key.removeprefix("line_")) - 1] = text
    return parse_model("\n".join(lines), Path("m.yaml"))


@pytest.fixture
def mesh() -> TetMesh:
    """A box of two halves along z, "inside" below "outside", with a wall all around and "between" at the interface."""
    made = box((200.0, 200.0, 400.0), (2, 2, 4), cuts=("z1",))
    height = made.points[made.tets].mean(axis=1)[:, 2]
    from cellml.meshing.topology import facet_pairs

    regions = np.where(height < 200.0, 1, 2).astype(np.int32)
    pairs = facet_pairs(made.tets)
    between = (pairs.second >= 0) & (regions[pairs.first] != regions[np.maximum(pairs.second, 0)])
    return replace(
        made,
        regions=regions,
        region_names={1: "inside", 2: "outside"},
        facets=np.concatenate([made.facets, pairs.facets[between]]),
        facet_tags=np.concatenate([made.facet_tags, np.full(between.sum(), 9, np.int32)]),
        facet_names={1: "wall", 2: "cut_z1", 9: "between"},
        name="halves",
    )


def test_a_region_that_the_mesh_lacks(mesh):
    with pytest.raises(SimulationError, match=r"m\.yaml:4: 'halves' has no region 'nucleus' for .* 'cytosol'; it has inside, outside"):
        solve_model(mesh, model(line_4="compartments: {cytosol: {region: nucleus}}"))


def test_the_lines_that_messages_offer_are_lines_of_a_model(mesh):
    numbered = replace(mesh, region_names={}, facet_names={7: "7"}, facet_tags=np.full(len(mesh.facets), 7))
    for bad in ({}, {"line_4": "compartments: {cytosol: {region: '1'}}"}):
        with pytest.raises(SimulationError) as caught:
            solve_model(numbered, model(**bad))
        offered = str(caught.value).split("in the model file ")[1]
        assert model(**{f"line_{5 if bad else 4}": offered}).name == "m"


def test_a_membrane_that_the_mesh_lacks(mesh):
    with pytest.raises(
        SimulationError, match=r"m\.yaml:5: 'halves' has no facets 'skin' for the membrane 'PM'; it has wall, cut_z1, between"
    ):
        solve_model(mesh, model(line_5="membranes: {PM: {facets: skin}}"))


def test_a_reaction_on_a_membrane_that_its_species_does_not_reach(mesh):
    with pytest.raises(SimulationError, match=r"m\.yaml:7: A lives in cytosol, which does not reach \d+ of the \d+ points of PM"):
        solve_model(mesh, model())  # the wall goes around both halves
    solution = solve_model(mesh, model(line_5="membranes: {PM: {facets: between}}"), errors="never")
    assert solution["A_amount_final"].status == "ok"


def test_a_concentration_held_on_facets_that_do_not_touch(mesh):
    lines = {"line_5": "membranes: {PM: {facets: between}}", "line_9": LINES[8] + "\nfixed: [{of: A, on: cut_z1, value: 0}]"}
    with pytest.raises(SimulationError, match=r"m\.yaml:10: A lives in cytosol, which cut_z1 does not touch"):
        solve_model(mesh, model(**lines))


def test_a_release_where_the_species_does_not_live(mesh):
    release = "\nreleases: [{of: A, at: [100, 100, 390], amount: {value: 5, unit: molecule, source: s}}]"
    lines = {"line_5": "membranes: {PM: {facets: between}}", "line_9": LINES[8] + release}
    with pytest.raises(SimulationError, match=r"m\.yaml:10: the point .* is outside of where A lives"):
        solve_model(mesh, model(**lines))


def test_an_observable_at_a_point_outside(mesh):
    asked = "observables: [{type: concentration, of: A, at: [0, 0, 5000]}]"
    with pytest.raises(SimulationError, match=r"m\.yaml:9: the point .* is outside of where A lives; .* 4800 nm away"):
        solve_model(mesh, model(line_5="membranes: {PM: {facets: between}}", line_9=asked))


def test_an_inverted_tetrahedron_is_refused_by_the_mesh_itself(mesh):
    tets = mesh.tets.copy()
    tets[3] = tets[3][[1, 0, 2, 3]]
    with pytest.raises(CellmlError, match=r"1 .*(invert|negative|orient)"):
        replace(mesh, tets=tets)


def test_a_compartment_in_pieces_is_noted_with_their_number(mesh):
    """Two slabs of one region with another between them: nothing diffuses from one to the other, which may be meant."""
    height = mesh.points[mesh.tets].mean(axis=1)[:, 2]
    apart = replace(mesh, regions=np.where((height > 100.0) & (height < 300.0), 2, 1).astype(np.int32))
    still = "reactions: []"
    solution = solve_model(apart, model(line_5="membranes: {PM: {facets: wall}}", line_6=still, line_7=""), errors="never")
    assert "cytosol falls into 2 pieces that share no face: by diffusion, what is in one never reaches another." in solution.notes


def test_places_from_outside_are_named_where_they_do_not_fit(mesh):
    from cellml.sim.overrides import overridden

    with pytest.raises(SimulationError, match=r"places=\{PM: skin\}: 'halves' has no facets 'skin' for the membrane 'PM'"):
        solve_model(mesh, overridden(model(), places={"PM": "skin"}))
    assert solve_model(mesh, overridden(model(), places={"PM": "between"}), errors="never").notes == ()
