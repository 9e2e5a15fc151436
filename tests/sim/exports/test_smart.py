from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import sympy

from cellml.io import read_mesh
from cellml.sim.errors import SimulationError
from cellml.sim.exports.command import export_model
from cellml.sim.exports.smart import safe
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh

_spec = importlib.util.spec_from_file_location("fakes", Path(__file__).with_name("fakes.py"))
assert _spec is not None and _spec.loader is not None
fakes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fakes)

HILL = """
parameters: {v: {value: 3, unit: uM/s}, K: {value: 2, unit: uM}, E: {value: 1, unit: dimensionless}}
stimuli: {pulse_: {times: [1, 2], time_unit: s, values: [0, 4], unit: dimensionless}}
species: {S: {in: cytosol, D: {value: 1, unit: um^2/s}, initial: {value: 3, unit: uM}}, beta: {in: cytosol}}
reactions: [{name: r, in: cytosol, equation: "S -> beta", rate: "v*hill(S, K, 2)*E*pulse_ + exp(-E)*v*(S/K)^2/sqrt(4)"}]
time: {end: {value: 3, unit: s}, steps: 3}
observables: [{type: amount, of: S}]
"""


@pytest.fixture(scope="module")
def recorded(mesh: TetMesh, calcium: Model, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fakes.Smart().run(export_model(mesh, calcium, "smart", tmp_path_factory.mktemp("smart") / "out") / "run.py")


def rate(fake: Any, reaction: Any, values: dict[str, float]) -> float:
    """What SMART would compute, in molecules, µm and s: the formula with the magnitudes of the parameters in these units."""
    base = {"[substance]": "molecule", "[length]": "um", "[time]": "s"}
    given = dict(values)
    for name, parameter in fake.parameters.items():
        unit = " * ".join(f"{base[d]}**{p}" for d, p in parameter.quantity.dimensionality.items()) or "dimensionless"
        given[name] = parameter.quantity.to(unit).magnitude
    expression = sympy.parse_expr(reaction.rate)
    assert {str(s) for s in expression.free_symbols} <= set(reaction.names), "every name is in one of the maps"
    return float(expression.subs(given))


def test_places_carry_the_numbers_of_the_mesh(recorded: Any, mesh: TetMesh) -> None:
    assert {n: (p.dimension, p.marker) for n, p in recorded.places.items()} == {
        "cytosol": (3, 1), "ER": (3, 2), "ERM": (2, 12), "PM": (2, 10), "PSD": (2, 11),
    }  # fmt: skip
    there = read_mesh(recorded.mesh_file)
    assert there.region_volumes() == pytest.approx(mesh.region_volumes()) and sorted(there.facet_tags) == sorted(mesh.facet_tags)


def test_initial_concentrations_and_diffusion(recorded: Any, calcium: Model) -> None:
    for name, species in calcium.species.items():
        there = recorded.species[safe(name)]
        quantity = there.initial * there.unit
        assert quantity.to("uM" if species.bulk else "molecule/um**2").magnitude == pytest.approx(
            species.initial.evaluate(calcium.values()) / (602.214076 if species.bulk else 1.0)
        )
        assert there.D == species.D.evaluate(calcium.values()) and there.place == species.place


def test_rates_and_stoichiometry(recorded: Any, calcium: Model) -> None:
    values = {name: float(11 + 5 * i) for i, name in enumerate(calcium.species)}
    there = {**{safe(n): v for n, v in values.items()}, "present_PSD": 1.0}
    for reaction in calcium.reactions:
        written = recorded.reactions[reaction.name]
        expected = reaction.rate.evaluate({**calcium.values(), **values})
        assert rate(recorded, written, there) == pytest.approx(expected, rel=1e-12)
        net = {n: written.rhs.count(safe(n)) - written.lhs.count(safe(n)) for n in calcium.species}
        assert {n: count for n, count in net.items() if count} == reaction.changes and written.place == reaction.place


def test_units_of_every_rate_are_those_of_its_place(recorded: Any) -> None:
    for reaction in recorded.reactions.values():
        given = {n: p.quantity for n, p in recorded.parameters.items()} | {n: s.unit for n, s in recorded.species.items()}
        flux = sympy.lambdify(list(reaction.names), sympy.parse_expr(reaction.rate))(*(given[n] for n in reaction.names))
        flux.to("molecule/um**3/s" if recorded.places[reaction.place].dimension == 3 else "molecule/um**2/s")


def test_time_and_files(recorded: Any) -> None:
    assert recorded.solver["final_t"] == pytest.approx(0.02) and recorded.solver["initial_dt"] == pytest.approx(0.002)


def test_formulas_tables_and_names_that_sympy_takes(mesh: TetMesh, tmp_path: Path) -> None:
    model = parse_model(HILL, Path("m.yaml"))
    fake = fakes.Smart().run(export_model(mesh, model, "smart", tmp_path / "out") / "run.py")
    assert set(fake.species) == {"S_", "beta_"} and set(fake.parameters) == {"v", "K", "E_", "pulse_"}
    assert (tmp_path / "out" / "pulse_.txt").read_text() == "0.0,0.0\n1.0,0.0\n2.0,4.0\n3.0,4.0\n"
    values = {"S": 900.0, "beta": 0.0}
    given = {"S_": 900.0, "beta_": 0.0}
    fake.parameters["pulse_"].quantity = fake.unit.Quantity(2.5, "dimensionless")
    expected = model.reactions[0].rate.evaluate({**model.values(), **values, "pulse_": 2.5})
    assert rate(fake, fake.reactions["r"], given) == pytest.approx(expected)
    assert "S is called S_" in (tmp_path / "out" / "README.txt").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("hill(S, K, 2)", "min(S/K, 1)", "m.yaml:5: SMART has no function min"),
        ("*E*", "*E*exp(-t*v/K)*", "m.yaml:5: SMART has no t, x, y, z in rates"),
        ("unit: dimensionless}}\nspecies", "unit: dimensionless, steps: true}}\nspecies", "m.yaml:3: SMART interpolates tabulated values"),
        ('"S -> beta"', '"S + beta -> 2 beta"', "m.yaml:5: beta stands on both sides of r"),
        ("time:", "fixed: [{of: S, on: PM}]\ntime:", "m.yaml:6: SMART has no concentration that is held"),
        ("time:", "releases: [{of: S, at: PM, amount: {value: 1, unit: molecule}}]\ntime:", "m.yaml:6: SMART has no release"),
        ("beta: {in: cytosol}", "beta: {on: wall}, G: {on: PM}}\nmembranes: {wall: {facets: [PM, PSD]}", "share the numbers [10]"),
    ],
)
def test_what_smart_cannot_say_is_refused(mesh: TetMesh, tmp_path: Path, old: str, new: str, message: str) -> None:
    text = HILL.replace(old, new).replace("in: cytosol, equation", "on: PM, equation" if "wall" in new else "in: cytosol, equation")
    text = (
        text.replace('"S -> beta", rate: "v*hill(S, K, 2)*E*pulse_ + exp(-E)*v*(S/K)^2/sqrt(4)"', '"S -> 0", rate: "0"')
        if "wall" in new
        else text
    )
    with pytest.raises(SimulationError) as refused:
        export_model(mesh, parse_model(text, Path("m.yaml")), "smart", tmp_path / "out")
    assert message in str(refused.value) and not (tmp_path / "out").exists()
