from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellml.cli import main
from cellml.io import write_mesh
from cellml.sim.analytic import box
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.curve import uniaxial_neo_hookean
from cellml.sim.mechanics.material import Elastic
from cellml.sim.mechanics_file import load_any_model, parse_mechanics
from cellml.sim.mechanics_results import write_mechanics
from cellml.sim.mechanics_solve import materials_of, solve_mechanics
from cellml.sim.shipped import find_model
from cellml.sim.yaml_lines import LocatedDocument
from cellml.types import TetMesh

BAR = """\
mechanics:
  law: {law}
  order: {order}
  steps: 4
  materials:
    "*": {{E: {{value: 2, unit: kPa, source: test}}, nu: {{value: 0.3, unit: dimensionless}}}}
  fixed:
    - {{on: cut_x0, axes: [x]}}
    - {{on: cut_y0, axes: [y]}}
    - {{on: cut_z0, axes: [z]}}
  {push}
observables:
  - {{type: energy}}
  - {{type: max_von_mises, unit: kPa}}
  - {{type: max_displacement}}
  - {{type: {kind}, on: {on}, axis: z, name: asked}}
"""
STRETCH = "displacement: [{on: cut_z1, z: {value: 100, unit: nm}}]"
PULL = "traction: [{on: cut_z1, z: {value: 200, unit: Pa}}]"
PRESS = "pressure: [{on: cut_z1, value: {value: 200, unit: Pa}}]"


@pytest.fixture
def bar() -> TetMesh:
    """300 × 400 × 1000 nm; a face of each axis can hold it against that axis."""
    return box((300.0, 400.0, 1000.0), (1, 1, 2), cuts=("x0", "y0", "z0", "z1"))


def model(*, law: str = "linear", order: int = 2, push: str = STRETCH, kind: str = "reaction_force", on: str = "cut_z1"):
    text = BAR.format(law=law, order=order, push=push, kind=kind, on=on)
    return parse_mechanics(LocatedDocument(text, Path("bar.yaml")))


def test_a_stretched_bar_has_the_modulus_of_its_material(bar):
    solution = solve_mechanics(bar, model(kind="stress_strain"))
    assert solution["asked"].value == pytest.approx(2000.0, rel=1e-9)
    # σ²/(2E) V with σ = 200 Pa and V = 0.12 µm³; stress 0.2 kPa; the corner moves by ν too.
    assert solution["energy"].value == pytest.approx(200.0**2 / 4000.0 * 0.12, rel=1e-9)
    assert solution["max_von_mises"].value == pytest.approx(0.2, rel=1e-9)
    assert solution["max_displacement"].value == pytest.approx(1000.0 * np.linalg.norm([0.1, 0.03 * 0.3, 0.03 * 0.4]), rel=1e-9)
    assert all(o.discretisation_error < 1e-6 for o in solution.observables)
    np.testing.assert_allclose(solution.strains["asked"], [0.025, 0.05, 0.075, 0.1])
    np.testing.assert_allclose(solution.curves["asked"], [50.0, 100.0, 150.0, 200.0])
    np.testing.assert_allclose(solution.curves["energy"], solution["energy"].value * np.array([1, 4, 9, 16]) / 16)
    assert solution.fields["displacement"][:, 2].max() == pytest.approx(100.0)


@pytest.mark.parametrize(("push", "sign"), [(PULL, 1.0), (PRESS, -1.0)])
def test_loads_are_borne_by_the_supports(bar, push, sign):
    solution = solve_mechanics(bar, model(push=push, on="cut_z0"))
    assert solution["asked"].value == pytest.approx(-sign * 200.0 * 0.12, rel=1e-9)
    assert sign * solution.fields["displacement"][:, 2].max(initial=0.0, where=bar.points[:, 2] > 999.0) <= 100.0 + 1e-6
    at_top = solution.fields["displacement"][bar.points[:, 2] > 999.0, 2]
    np.testing.assert_allclose(at_top, sign * 100.0, rtol=1e-9)


def test_large_stretch_follows_the_neo_hookean_curve(bar):
    solution = solve_mechanics(bar, model(law="neo_hookean", kind="stress_strain"))
    lam, mu = Elastic(2000.0, 0.3).lame
    np.testing.assert_allclose(solution.curves["asked"], uniaxial_neo_hookean(lam, mu, [1.025, 1.05, 1.075, 1.1]), rtol=1e-8)


def test_the_error_covers_the_better_elements():
    mesh = box((500.0, 500.0, 500.0), (2, 2, 2), cuts=("z0", "z1"))
    text = BAR.format(law="linear", order=2, push=STRETCH.replace("z: {", "x: 0, y: 0, z: {"), kind="reaction_force", on="cut_z1")
    for line in ("    - {on: cut_x0, axes: [x]}\n", "    - {on: cut_y0, axes: [y]}\n"):
        text = text.replace(line, "")
    clamped = parse_mechanics(LocatedDocument(text.replace("axes: [z]", "axes: [x, y, z]"), Path("bar.yaml")))
    coarse = solve_mechanics(mesh, clamped)["asked"]
    fine = solve_mechanics(box((500.0, 500.0, 500.0), (6, 6, 6), cuts=("z0", "z1")), clamped)["asked"]
    assert 0.0 < abs(coarse.value - fine.value) < coarse.discretisation_error
    assert fine.discretisation_error < coarse.discretisation_error


def test_regions_have_their_own_material(bar):
    two = replace(bar, regions=np.where(bar.points[bar.tets].mean(axis=1)[:, 2] > 500.0, 2, 1), region_names={1: "soft", 2: "stiff"})
    text = BAR.format(law="linear", order=1, push=PULL, kind="reaction_force", on="cut_z0")
    stiff = "    stiff: {E: {value: 6, unit: kPa}, nu: {value: 0, unit: dimensionless}}\n  fixed:\n"
    both = parse_mechanics(LocatedDocument(text.replace("  fixed:\n", stiff).replace("value: 0.3", "value: 0"), Path("bar.yaml")))
    assert materials_of(two, both) == {"soft": Elastic(2000.0, 0.0), "stiff": Elastic(6000.0, 0.0)}
    top = solve_mechanics(two, both).fields["displacement"][two.points[:, 2] > 999.0, 2]
    np.testing.assert_allclose(top, 1000.0 * 200.0 * (0.5 / 2000.0 + 0.5 / 6000.0), rtol=1e-9)


def test_places_and_regions_that_the_mesh_lacks_are_named_with_their_line(bar):
    with pytest.raises(SimulationError, match=r"^bar\.yaml:11: 'box' has no facets 'lid'; it has membrane, cut_x0"):
        solve_mechanics(bar, model(push=PULL.replace("cut_z1", "lid"), on="cut_z0"))
    text = BAR.format(law="linear", order=1, push=PULL, kind="reaction_force", on="cut_z0").replace('"*":', "jelly:")
    with pytest.raises(SimulationError, match=r"^bar\.yaml:6: 'box' has no region 'jelly'; it has cell"):
        solve_mechanics(bar, parse_mechanics(LocatedDocument(text, Path("bar.yaml"))))


def test_the_shipped_indentation_pushes_back(tmp_path):
    shipped = load_any_model(find_model("elastic_indentation"))
    mesh = box((1000.0, 1000.0, 1000.0), (2, 2, 2), cuts=("z0", "z1"))
    named = replace(mesh, facet_names={k: "indenter" if v == "cut_z1" else v for k, v in mesh.facet_names.items()})
    solution = solve_mechanics(named, shipped)
    # A cube between clamped faces is stiffer than a free bar, and softer than one that cannot bulge.
    lam, mu = Elastic(1000.0, 0.45).lame
    assert 1000.0 < solution["indenter_stress_strain_z"].value < lam + 2 * mu
    assert solution["indenter_reaction_force_z"].value < 0.0
    assert solution.notes == ()
    folder = write_mechanics(solution, tmp_path / "results")
    with (folder / "courses.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0][:3] == ["fraction of the load", "indenter_stress_strain_z strain", "indenter_reaction_force_z (pN)"]
    assert [float(row[0]) for row in rows[1:]] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert {p.name for p in folder.iterdir()} == {"observables.csv", "courses.csv", "solution.vtu", "model.yaml"}


def test_the_verb_simulate_solves_mechanical_models(tmp_path, capsys):
    mesh = box((1000.0, 1000.0, 1000.0), (1, 1, 1), cuts=("z0", "z1"))
    named = replace(mesh, facet_names={k: "indenter" if v == "cut_z1" else v for k, v in mesh.facet_names.items()})
    write_mesh(named, tmp_path / "cube.vtu")
    words = [f"mesh={tmp_path / 'cube.vtu'}", "model=elastic_indentation", f"output={tmp_path / 'results'}"]
    assert main(["simulate", *words]) == 0
    text = capsys.readouterr().out
    assert "E of * = 1 kPa (source: reference value" in text and "indenter_reaction_force_z = -" in text
    assert (tmp_path / "results" / "solution.vtu").is_file()
    assert main(["simulate", *words]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["simulate", *words, "overwrite=true", "steps=1"]) == 0
    assert (tmp_path / "results" / "courses.csv").read_text(encoding="utf-8").count("\n") == 2
    assert main(["simulate", *words, "overwrite=true", "steps=0"]) == 2
    assert main(["simulate", *words, "overwrite=true", "cut=sealed"]) == 2
    assert "A mechanical model takes no cut" in capsys.readouterr().err


def test_the_shipped_model_runs_on_the_names_of_a_mesh(tmp_path, capsys):
    """The remedy that the message prints works when it is typed."""
    write_mesh(box((1000.0, 1000.0, 1000.0), (1, 1, 1), cuts=("z1", "z0")), tmp_path / "cube.vtu")
    words = ["simulate", f"mesh={tmp_path / 'cube.vtu'}", "model=elastic_indentation", f"output={tmp_path / 'out'}", "steps=1"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "no facets 'indenter'" in said and "'places={indenter: " in said
    assert main([*words, "places={indenter: cut_z1}"]) == 0
    assert "indenter_reaction_force_z = -" in capsys.readouterr().out
