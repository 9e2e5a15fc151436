from __future__ import annotations

from pathlib import Path

import pytest

from cellml.errors import FileError
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics_file import load_any_model, parse_mechanics
from cellml.sim.mechanics_model import MechanicsModel
from cellml.sim.mechanics_overrides import placed_mechanics
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.sim.shipped import find_model
from cellml.sim.yaml_lines import LocatedDocument

GOOD = """\
name: press
mechanics:
  law: neo_hookean
  order: 2
  steps: 4
  materials:
    cytosol: {E: {value: 2, unit: kPa, source: "somebody 1999"}, nu: {value: 0.4, unit: dimensionless}}
    "*": {E: {value: 500, unit: Pa}, nu: {value: 0.3, unit: dimensionless}}
  fixed:
    - {on: floor}
    - {on: wall, axes: [x, y]}
  displacement:
    - {on: top, x: 0, z: {value: -50, unit: nm}}
  traction:
    - {on: side, y: {value: 0.01, unit: kPa}}
  pressure:
    - {on: hole, value: {value: 3, unit: Pa}}
observables:
  - {type: reaction_force, on: top, axis: z, unit: nN}
  - {type: stress_strain, on: top, axis: z, name: modulus}
  - {type: energy}
  - {type: max_von_mises}
  - {type: max_displacement}
"""


def read(text: str) -> MechanicsModel:
    return parse_mechanics(LocatedDocument(text, Path("press.yaml")))


def test_a_mechanical_model_is_read_as_written():
    model = read(GOOD)
    assert (model.name, model.law, model.order, model.steps) == ("press", "neo_hookean", 2, 4)
    assert [(s.region, s.young.base, s.poisson.base) for s in model.solids] == [("cytosol", 2000.0, 0.4), ("*", 500.0, 0.3)]
    assert [(s.on, s.value) for s in model.supports] == [
        ("floor", (0.0, 0.0, 0.0)),
        ("wall", (0.0, 0.0, None)),
        ("top", (0.0, None, pytest.approx(-0.05))),
    ]
    assert [(p.on, p.traction, p.pressure) for p in model.loads] == [("side", (0.0, pytest.approx(10.0), 0.0), 0.0), ("hole", None, 3.0)]
    assert [(o.name, o.unit) for o in model.observables] == [
        *(("top_reaction_force_z", "nN"), ("modulus", "Pa"), ("energy", "aJ"), ("max_von_mises", "Pa"), ("max_displacement", "nm"))
    ]
    assert model.sourceless == (
        "press.yaml:7: nu of 'cytosol' = 0.4 dimensionless has no source.",
        "press.yaml:8: E of '*' = 500 Pa has no source.",
        "press.yaml:8: nu of '*' = 0.3 dimensionless has no source.",
    )


def test_the_kind_of_a_model_follows_from_its_file(tmp_path):
    path = tmp_path / "press.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert isinstance(load_any_model(path), MechanicsModel)
    assert isinstance(load_any_model(find_model("diffusion")), Model)
    with pytest.raises(SimulationError, match="press.yaml:2: `mechanics`: this is a mechanical model, without species"):
        parse_model(GOOD, Path("press.yaml"))
    with pytest.raises(FileError, match="cannot be read"):
        load_any_model(tmp_path / "none.yaml")


MISTAKES = [
    ("name: press", "nam: press", 1, r"is not a key of a model; did you mean 'name'\?"),
    ("name: press", "species: {}", 1, "`species`: is not a key of a model"),
    ("  steps: 4", "  stpes: 4", 5, r"did you mean 'steps'\?"),
    ("  steps: 4", "  steps: 0", 5, "a whole number of at least 1"),
    ("order: 2", "order: 3", 4, "elements have order 1 or 2, found 3"),
    ("law: neo_hookean", "law: hooke", 3, "'hooke' is not a law of elasticity.*; there are linear, neo_hookean"),
    ("value: 2, unit: kPa", "value: 2, unit: kPa/s", 7, "a unit such as Pa is needed"),
    ("value: 2, unit: kPa", "value: 0, unit: kPa", 7, "must be positive, found 0"),
    ("value: 0.4, unit: dimensionless", "value: 0.5, unit: dimensionless", 7, "Poisson's ratio lies between -1 and 0.5, found 0.5"),
    ("nu: {value: 0.4, unit: dimensionless}", "nu: 0.4", 7, "a value with a unit is needed"),
    (", nu: {value: 0.4, unit: dimensionless}}", "}", 7, "the key 'nu' is missing"),
    ("axes: [x, y]", "axes: [x, w]", 11, r"a list of axes such as \[x, z\] is needed"),
    ("{on: floor}", "{in: floor}", 10, "`mechanics.fixed.0.in`: is not a key"),
    ("z: {value: -50, unit: nm}", "z: -50", 13, r"a value with a unit is needed, such as \{value: 1.0, unit: nm\}"),
    ("z: {value: -50, unit: nm}", "z: {value: -50, unit: Pa}", 13, "a unit such as nm is needed"),
    ("{on: side, y: {value: 0.01, unit: kPa}}", "{on: side}", 15, "at least one of x, y, z is needed"),
    ("value: {value: 3, unit: Pa}", "value: {value: 3, unit: N}", 17, "a unit such as Pa is needed"),
    ("type: energy", "type: enrgy", 21, r"is not a type of observable of mechanics; did you mean 'energy'\?"),
    ("type: energy", "type: amount", 21, "is not a type of observable of mechanics"),
    ("unit: nN", "unit: nm", 19, "a unit such as pN is needed"),
    (
        "on: top, axis: z, unit",
        "on: side, axis: z, unit",
        19,
        "'side' is not held along z, so nothing is measured there; held: floor, wall, top",
    ),
    ("on: top, axis: z, unit", "on: top, axis: y, unit", 19, "'top' is not held along y"),
    ("on: top, axis: z, name", "on: floor, axis: z, name", 20, "'floor' does not move along z"),
    ("{type: max_displacement}", "{type: energy}", 23, "a second observable has the name 'energy'"),
    ("{type: max_displacement}", "3", 23, "`type: …` and what it is about"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES, ids=[f"{line}-{new[:30]}" for _, new, line, _ in MISTAKES])
def test_mistakes_are_named_with_file_line_and_key(old, new, line, message):
    assert GOOD.count(old) == 1
    with pytest.raises(SimulationError, match=rf"^press\.yaml:{line}: .*{message}"):
        read(GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mechanics: 3\nobservables: [{type: energy}]\n", "lines are needed here"),
        ("mechanics: {materials: {}}\nobservables: [{type: energy}]\n", "lines are needed here"),
        (GOOD[: GOOD.index("observables")] + "observables: []\n", "at least one observable"),
        (GOOD.replace("  fixed:\n    - {on: floor}\n    - {on: wall, axes: [x, y]}\n", "  fixed: floor\n"), "a list of entries"),
        (
            "mechanics: {materials: {'*': {E: {value: 1, unit: Pa}, nu: {value: 0, unit: dimensionless}}}, fixed: [{on: a}]}\n"
            "observables: [{type: energy}]\n",
            "nothing moves or pushes",
        ),
    ],
)
def test_sections_of_the_wrong_shape_are_refused(text, message):
    with pytest.raises(SimulationError, match=message):
        read(text)


def test_places_put_facets_and_regions_of_the_mesh_in():
    model = parse_mechanics(LocatedDocument(GOOD, Path("m.yaml")))
    placed = placed_mechanics(model, {"top": "floor", "floor": "top", "hole": "cap", "cytosol": 7})
    assert [s.on for s in placed.supports] == ["top", "wall", "floor"]  # exchanged, not both the same
    assert [p.on for p in placed.loads] == ["side", "cap"]
    assert [s.region for s in placed.solids] == ["7", "*"]
    assert [(r.name, r.on) for r in placed.observables[:2]] == [("top_reaction_force_z", "floor"), ("modulus", "floor")]
    assert placed.loads[1].where == "places={hole: cap}"
    assert placed_mechanics(model, {}) == model


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({"topp": "cap"}, r"press has no place 'topp'; did you mean 'top'\?; it has floor, wall, top, side, hole, cytosol, \*"),
        ({"top": ["a", "b"]}, "takes one name here"),
        ({"top": " "}, "takes one name here"),
        ({"cytosol": "*"}, r"places=\{cytosol: \*\}: all other regions have a material already"),
    ],
)
def test_impossible_places_are_refused(places, message):
    with pytest.raises(SimulationError, match=message):
        placed_mechanics(parse_mechanics(LocatedDocument(GOOD, Path("m.yaml"))), places)
