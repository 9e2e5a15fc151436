from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.sim.analytic import ball, box
from cellml.sim.errors import SimulationError
from cellml.sim.exports.command import export_model
from cellml.sim.exports.located import Located, locate
from cellml.sim.exports.sampled import sample
from cellml.sim.exports.sbml_formulas import formula, math, sid
from cellml.sim.exports.vcell import errors, mixed_document, spatial_document
from cellml.sim.expression import parse
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh

libsbml = pytest.importorskip("libsbml")


def value(node: Any, names: dict[str, float]) -> float:
    """The value of a MathML tree: a slow twin of what any reader of SBML does."""
    kind, children = node.getType(), [node.getChild(i) for i in range(node.getNumChildren())]
    if kind == libsbml.AST_FUNCTION_PIECEWISE:
        for k in range(0, len(children) - 1, 2):
            if value(children[k + 1], names):
                return value(children[k], names)
        return value(children[-1], names)
    if node.isNumber():
        return node.getValue()
    if kind == libsbml.AST_NAME_TIME:
        return names["time"]
    if kind == libsbml.AST_NAME:
        return names[node.getName()]
    a = [value(child, names) for child in children]
    return {
        libsbml.AST_PLUS: lambda: sum(a),
        libsbml.AST_TIMES: lambda: float(np.prod(a)),
        libsbml.AST_MINUS: lambda: -a[0] if len(a) == 1 else a[0] - a[1],
        libsbml.AST_DIVIDE: lambda: a[0] / a[1],
        libsbml.AST_POWER: lambda: a[0] ** a[1],
        libsbml.AST_FUNCTION_POWER: lambda: a[0] ** a[1],
        libsbml.AST_FUNCTION_EXP: lambda: np.exp(a[0]),
        libsbml.AST_FUNCTION_LN: lambda: np.log(a[0]),
        libsbml.AST_FUNCTION_ROOT: lambda: a[-1] ** 0.5,
        libsbml.AST_FUNCTION_ABS: lambda: abs(a[0]),
        libsbml.AST_FUNCTION_COS: lambda: np.cos(a[0]),
        libsbml.AST_FUNCTION_TANH: lambda: np.tanh(a[0]),
        libsbml.AST_RELATIONAL_LT: lambda: a[0] < a[1],
        libsbml.AST_RELATIONAL_GT: lambda: a[0] > a[1],
        libsbml.AST_RELATIONAL_GEQ: lambda: a[0] >= a[1],
        libsbml.AST_LOGICAL_AND: lambda: all(a),
    }[kind]()


@pytest.fixture(scope="module")
def whole(mesh: TetMesh, calcium_text: str) -> Located:
    """The calcium model without the patch, which an image cannot hold."""
    text = calcium_text.replace("PM: {facets: PM}, PSD: {facets: PSD}", "PM: {facets: [PM, PSD]}").replace("on: PSD", "on: PM")
    return locate(mesh, parse_model(text, Path("m.yaml")))


@pytest.mark.parametrize(
    "text",
    [
        "a*b^2 - (b - a)/3", "-a^2", "min(a, b)*max(a, b)", "step(a - b) + sign(b - a) + sign(a - a)", "hill(a, b, 2.5) + hill(-a, b, 2)",
        "pulse(t, a, b)", "exp(-a) + log(b) + sqrt(a) + abs(-b) + cos(a) + tanh(b)", "pi_*time", "2^-1*a",
    ],
)  # fmt: skip
def test_formulas_mean_the_same(text: str) -> None:
    for t in (0.5, 2.0, 4.0):
        given = {"a": 0.7, "b": 1.9, "t": t, "time": 3.0, "pi_": 5.0}
        names = {sid(n): v for n, v in given.items()} | {"time": t}
        assert value(math(formula(parse(text))), names) == pytest.approx(parse(text).evaluate(given), rel=1e-12)


def test_names_that_sbml_reserves_get_an_underscore() -> None:
    assert [sid(n) for n in ("*", "time", "pi", "Ca", "a-b")] == ["everywhere", "time_", "pi_", "Ca", "a_b"]


def test_libsbml_finds_no_error_and_in_the_well_mixed_model_no_wrong_unit(whole: Located) -> None:
    mixed, (spatial, _) = mixed_document(whole), spatial_document(whole, 12)
    assert errors(mixed) == [] and mixed.getNumErrors() == 0  # units of every rate included
    assert errors(spatial) == []
    again = libsbml.readSBMLFromString(libsbml.writeSBMLToString(spatial))
    assert errors(again) == [] and again.getModel().getPlugin("spatial").isSetGeometry()


def test_rates_are_those_of_the_model(whole: Located) -> None:
    model, species = whole.model, {n: float(5 + 3 * i) for i, n in enumerate(whole.model.species)}
    values = {**model.values(), **species}
    mixed, spatial = mixed_document(whole).getModel(), spatial_document(whole, 8)[0].getModel()
    sizes = {mixed.getCompartment(i).getId(): mixed.getCompartment(i).getSize() for i in range(mixed.getNumCompartments())}
    assert sizes == pytest.approx({"cytosol": 0.784, "ER": 0.216, "ERM": 2.16, "PM": 6.0})
    for reaction in model.reactions:
        expected = reaction.rate.evaluate(values)
        there, local = mixed.getReaction(reaction.name), spatial.getReaction(reaction.name)
        assert value(there.getKineticLaw().getMath(), {**values, **sizes}) == pytest.approx(expected * sizes[reaction.place])
        assert value(local.getKineticLaw().getMath(), values) == pytest.approx(expected) and local.getPlugin("spatial").getIsLocal()
        net: dict[str, float] = {}
        for sign, count, get in ((-1, there.getNumReactants(), there.getReactant), (1, there.getNumProducts(), there.getProduct)):
            for i in range(count):
                net[get(i).getSpecies()] = net.get(get(i).getSpecies(), 0) + sign * get(i).getStoichiometry()
        assert {n: c for n, c in net.items() if c} == reaction.changes


def test_parameters_and_species_in_coherent_units(whole: Located) -> None:
    document, _ = spatial_document(whole, 8)
    sbml = document.getModel()
    assert {p.name: sbml.getParameter(p.name).getValue() for p in whole.model.parameters.values()} == whole.values
    assert sbml.getSpecies("CaER").getInitialConcentration() == pytest.approx(5 * 602.214076)
    diffusion = sbml.getParameter("diffusion_of_Ca")
    assert diffusion.getValue() == 220.0 and diffusion.getPlugin("spatial").getDiffusionCoefficient().getVariable() == "Ca"
    units = libsbml.UnitDefinition.printUnits(sbml.getUnitDefinition(sbml.getParameter("k_dimer").getUnits()), True)
    assert "(1e-06 metre)^2" in units and "item" in units and "second" in units


def test_geometry_is_the_image_of_the_mesh(whole: Located) -> None:
    document, image = spatial_document(whole, 10)
    geometry = document.getModel().getPlugin("spatial").getGeometry()
    field = geometry.getSampledField(0)
    assert image.regions.shape == (12, 12, 12) and field.getSamplesLength() == 12**3
    assert image.low == pytest.approx(-0.1) and image.high == pytest.approx(1.1)
    pixels = np.array(field.getSamples().split(), int).reshape((12, 12, 12), order="F")
    numbers = {v.getDomainType(): int(v.getSampledValue()) for v in _volumes(geometry)}
    assert (pixels == numbers["type_ER"]).sum() == 6**3 and (pixels == numbers["type_cytosol"]).sum() == 10**3 - 6**3
    low, h = image.low, image.spacing
    for i in range(geometry.getNumDomains()):
        domain = geometry.getDomain(i)
        if domain.getNumInteriorPoints():
            point = domain.getInteriorPoint(0)
            voxel = ((np.array([point.getCoord1(), point.getCoord2(), point.getCoord3()]) - low) / h).astype(int)
            assert pixels[tuple(voxel)] == numbers[domain.getDomainType()]
    kinds = [geometry.getDomain(i).getDomainType() for i in range(geometry.getNumDomains())]
    assert sorted(kinds) == ["type_ER", "type_ERM", "type_PM", "type_cytosol", "type_outside"] and geometry.getNumAdjacentDomains() == 4
    assert document.getModel().getCompartment("ERM").getPlugin("spatial").getCompartmentMapping().getDomainType() == "type_ERM"


def _volumes(geometry: Any) -> list[Any]:
    definition = geometry.getGeometryDefinition(0)
    return [definition.getSampledVolume(i) for i in range(definition.getNumSampledVolumes())]


def test_sampling_agrees_with_point_by_point_search() -> None:
    mesh = ball(500.0, 2)
    image = sample(mesh, 9)
    corners = mesh.points[mesh.tets] / 1000
    inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
    for voxel in np.ndindex(*image.regions.shape):
        weights = np.einsum("tij,tj->ti", inverse, image.centre(np.array(voxel)) - corners[:, 0])
        inside = ((weights >= -1e-9).all(axis=1) & (weights.sum(axis=1) <= 1 + 1e-9)).any()
        assert image.regions[voxel] == int(inside)


def test_an_image_ends_where_the_object_was_cut() -> None:
    image = sample(box((200.0, 300.0, 1000.0), (2, 3, 5), cuts=("z0",)), 20)
    assert (
        image.regions.shape == (6, 8, 21)
        and image.low == pytest.approx([-0.05, -0.05, 0.0])
        and (image.regions[1:-1, 1:-1, :-1] == 1).all()
    )


def test_a_patch_and_open_conditions_are_refused(mesh: TetMesh, calcium_text: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"m.yaml:4: PM is not the whole wall between cytosol and outside \(250 of 300 facets\)"):
        export_model(mesh, parse_model(calcium_text, Path("m.yaml")), "vcell", tmp_path / "out")


def test_stimuli_and_places_in_formulas(tmp_path: Path) -> None:
    text = """
parameters: {k: {value: 3, unit: 1/s}, c: {value: 1, unit: uM}, one: {value: 1, unit: um}}
stimuli: {s: {times: [0, 30, 60], time_unit: ms, values: [0, 1, 0.2], unit: dimensionless}}
species: {A: {in: "*", D: {value: 1, unit: um^2/s}, initial: "c*(1 + cos(x/one))"}}
reactions: [{name: off, in: "*", equation: "A -> 0", rate: "k*A*s"}]
steady: true
observables: [{type: amount, of: A}]
"""
    mesh = box((200.0, 300.0, 500.0), (2, 3, 5))
    located = locate(mesh, parse_model(text, Path("m.yaml")))
    sbml = spatial_document(located, 10)[0].getModel()
    for t, s in ((0.015, 0.5), (0.045, 0.6), (1.0, 0.2)):
        assert value(sbml.getAssignmentRule("s").getMath(), {"time": t}) == pytest.approx(s)
    there = value(sbml.getInitialAssignment("A").getMath(), {**located.values, "x": 0.3})
    assert (
        there == pytest.approx(602.214076 * (1 + np.cos(0.3))) and sbml.getParameter("x").getPlugin("spatial").isSetSpatialSymbolReference()
    )
    folder = export_model(mesh, located.model, "vcell", tmp_path / "out", voxels=10)
    assert not (folder / "well_mixed.xml").exists() and "some formula depends on x, y, z" in (folder / "README.txt").read_text()
