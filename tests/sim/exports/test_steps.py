from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.io import read_mesh
from cellml.sim.errors import SimulationError
from cellml.sim.exports.command import export_model
from cellml.sim.exports.located import Located, locate
from cellml.sim.exports.mass_action import Step, steps_of
from cellml.sim.exports.steps import areal_constant, constant_of, molar_constant, shape_power
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh

_spec = importlib.util.spec_from_file_location("fakes", Path(__file__).with_name("fakes.py"))
assert _spec is not None and _spec.loader is not None
fakes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fakes)

N_A = 6.02214076e23
TRIANGLE = (3e-14, 2e-21, 5e-21)  # m² of a triangle, m³ of the tetrahedra inside and outside


@pytest.fixture(scope="module")
def folder(mesh: TetMesh, calcium: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_model(mesh, calcium, "steps", tmp_path_factory.mktemp("steps") / "out")


@pytest.fixture(scope="module")
def recorded(folder: Path) -> Any:
    return fakes.Steps({10: [TRIANGLE], 11: [TRIANGLE], 12: [TRIANGLE]}).run(folder / "run.py")


def propensity(K: float, order: int, volume: float | None, area: float, counts: list[int]) -> float:
    """Events per s as STEPS computes them: K (1000 V N_A)^(1-n), or K (A N_A)^(1-n) without a volume reactant, times the molecules."""
    scale = 1e3 * volume * N_A if volume is not None else area * N_A
    return float(K * scale ** (1 - order) * np.prod(counts))


def test_constants_by_hand() -> None:
    uM_s = 1.0 / 602.214076  # 1/(µM s) in µm³/(molecule s)
    assert molar_constant(uM_s, 2) == pytest.approx(1e6)
    assert molar_constant(7.0, 1) == 7.0 and molar_constant(602.214076, 0) == pytest.approx(1e-6)
    assert areal_constant(1.0, 2) == pytest.approx(1e-12 * N_A)  # 1 µm²/(molecule s) in m²/(mol s)
    assert areal_constant(1.0, 0) == pytest.approx(1e12 / N_A)


def test_numbers_of_the_script(recorded: Any) -> None:
    expected = {
        "buffer": 2e7, "buffer_back": 5.0, "load": 5e4, "turn": 3.0, "bind": 1e-15 * N_A, "bind_back": 0.5, "influx": 2000e12 / N_A,
        "leak": 2e-7, "leak_back": 2e-7,
    }  # fmt: skip
    assert recorded.constants == pytest.approx(expected, rel=1e-12)
    assert recorded.of_triangles["leak"] == pytest.approx([2e-7 * 3e-14 / 2e-21])  # out of the ER: the tetrahedron inside
    assert recorded.of_triangles["leak_back"] == pytest.approx([2e-7 * 3e-14 / 5e-21])
    assert recorded.diffusion["sp_Ca"] == pytest.approx(220e-12) and recorded.diffusion["sp_RQ"] == pytest.approx(0.05e-12)
    assert (
        recorded.counts["sp_R"] == 300 * 5 and recorded.counts["sp_Ca"] == round(60.2214076 * 0.784) and recorded.end == pytest.approx(0.02)
    )


def test_sides_and_stoichiometry(recorded: Any) -> None:
    assert recorded.reactions["load"] == (["sp_Ca.o", "sp_pump.s"], ["sp_pumpCa.s"])
    assert recorded.reactions["turn"] == (["sp_pumpCa.s"], ["sp_pump.s", "sp_CaER.i"])
    assert recorded.reactions["leak_back"] == (["sp_Ca.o"], ["sp_CaER.i"]) and recorded.reactions["influx"] == ([], ["sp_Ca.i"])
    assert recorded.reactions["buffer"] == (["sp_Ca", "sp_B"], ["sp_CaB"])
    assert recorded.compartments == {"at_cytosol": {1}, "at_ER": {2}}
    assert {n: (tags, outer is None) for n, (tags, _, outer) in recorded.patches.items()} == {
        "at_ERM": ({12}, False), "at_PM": ({10}, True), "at_PSD": ({11}, True),
    }  # fmt: skip


def test_every_step_happens_as_often_as_its_rate_law_says(located: Located, recorded: Any) -> None:
    """On one triangle, for given counts: STEPS' propensity against k Π (n / V) Π (m / A) A."""
    species, (area, inside, outside) = located.model.species, TRIANGLE
    for step in steps_of(located, "STEPS"):
        inner = "ER" if step.place == "ERM" else "cytosol"
        homes = [species[n].place for n in step.reactants if species[n].bulk]
        volume = (inside if homes[0] == inner else outside) if homes else None
        counts = {name: 3 + k for k, name in enumerate(step.reactants)}
        membrane = step.place in located.model.membranes
        size = area * 1e12 if membrane else inside * 1e18
        densities = {n: c / (volume * 1e18 if species[n].bulk and membrane else size) for n, c in counts.items()}
        K = recorded.of_triangles.get(step.name, [recorded.constants[step.name]])[0]
        behind = volume if membrane else inside
        happens = propensity(K, step.order, behind, area, list(counts.values()))
        assert happens == pytest.approx(step.constant * size * np.prod(list(densities.values())), rel=1e-9), step.name


@pytest.mark.parametrize(
    ("reactants", "power"), [({"Ca": 1}, 1), ({"Ca": 1, "pump": 1}, 0), ({"Ca": 1, "pump": 1, "pumpCa": 1}, -1), ({"pump": 2}, 0)]
)
def test_what_depends_on_the_shape_of_triangles(located: Located, reactants: dict[str, int], power: int) -> None:
    step, (area, _, outside) = Step("s", "ERM", reactants, {}, 7.0, ""), TRIANGLE
    assert shape_power(located, step) == power
    K = constant_of(located, step) * (area / outside) ** power
    volume = outside if "Ca" in reactants else None
    bulk = reactants.get("Ca", 0)
    law = 7.0 * (area * 1e12) * (1 / (outside * 1e18)) ** bulk * (1 / (area * 1e12)) ** (step.order - bulk)
    assert propensity(K, step.order, volume, area, [1]) == pytest.approx(law)


def test_the_mesh_is_gmsh_2_2_in_micrometres(folder: Path, mesh: TetMesh) -> None:
    text = (folder / "mesh.msh").read_text()
    assert text.startswith("$MeshFormat\n2.2 0 8\n") and "scale=1e-6" in (folder / "run.py").read_text()
    assert read_mesh(folder / "mesh.msh").region_volumes() == pytest.approx(mesh.region_volumes())


def test_overlapping_membranes_are_refused(mesh: TetMesh, calcium_text: str, tmp_path: Path) -> None:
    model = parse_model(calcium_text.replace("PM: {facets: PM}", "PM: {facets: [PM, PSD]}"), Path("m.yaml"))
    with pytest.raises(SimulationError, match=r"m.yaml: PM and PSD overlap on 'cell' \(number 11\)"):
        export_model(mesh, model, "steps", tmp_path / "out")


def test_reactants_on_both_sides_are_refused(mesh: TetMesh, calcium_text: str, tmp_path: Path) -> None:
    text = calcium_text.replace("Ca + pump -> pumpCa", "Ca + CaER + pump -> pumpCa").replace("unit: 1/(uM*s)", "unit: 1/(uM^2*s)")
    with pytest.raises(SimulationError, match=r"m.yaml:26: load has reactants in ER and cytosol; STEPS needs them on one side"):
        export_model(mesh, parse_model(text, Path("m.yaml")), "steps", tmp_path / "out")


def test_a_membrane_with_different_neighbours_is_refused(mesh: TetMesh, calcium_text: str) -> None:
    from cellml.sim.exports.steps import sides_of

    text = calcium_text.replace("PM: {facets: PM}", "PM: {facets: PM}, all: {facets: [PM, ERM]}")
    located = locate(mesh, parse_model(text, Path("m.yaml")))
    with pytest.raises(SimulationError, match="but all has ER/cytosol and cytosol"):
        sides_of(located, "all", "STEPS")


def test_releases_put_whole_molecules_where_the_model_says(mesh: TetMesh, calcium_text: str, tmp_path: Path) -> None:
    releases = (
        "releases: [{of: Ca, at: [100, 200, 50], amount: {value: 7, unit: molecule}}, {of: B, at: PSD, amount: {value: 11, unit: molecule}},"
        " {of: CaB, at: cytosol, amount: {value: 5, unit: molecule}}, {of: RQ, at: PM, amount: {value: 3, unit: molecule}}]\ntime:"
    )
    model = parse_model(calcium_text.replace("time:", releases), Path("m.yaml"))
    script = export_model(mesh, model, "steps", tmp_path / "out") / "run.py"
    fake = fakes.Steps({10: [TRIANGLE], 11: [TRIANGLE] * 4, 12: [TRIANGLE]}).run(script)
    assert fake.points == [pytest.approx((1e-7, 2e-7, 5e-8))] and fake.counts["sp_Ca"] == 47 + 7
    assert fake.counts["sp_B"] == 944 + 11 and fake.counts["sp_CaB"] == 5 and fake.counts["sp_RQ"] == 3


def test_surface_molecules_on_a_part_of_their_membrane_are_refused(mesh: TetMesh, calcium_text: str, tmp_path: Path) -> None:
    release = "releases: [{of: RQ, at: [0, 0, 0], amount: {value: 3, unit: molecule}}]\ntime:"
    with pytest.raises(SimulationError, match="m.yaml:31: STEPS is given surface molecules all over their membrane"):
        export_model(mesh, parse_model(calcium_text.replace("time:", release), Path("m.yaml")), "steps", tmp_path / "out")
