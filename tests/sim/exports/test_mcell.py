from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cellml.meshing.topology import surface_topology
from cellml.sim.errors import SimulationError
from cellml.sim.exports.command import export_model
from cellml.sim.exports.located import Located, locate
from cellml.sim.exports.mcell_geometry import shells
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh

N_A = 6.02214076e23


@pytest.fixture(scope="module")
def text(mesh: TetMesh, calcium: Model, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = export_model(mesh, calcium, "mcell", tmp_path_factory.mktemp("mcell") / "out")
    return (folder / "model.mdl").read_text().replace('INCLUDE_FILE = "geometry.mdl"', (folder / "geometry.mdl").read_text())


def block(text: str, head: str) -> str:
    """What stands in the braces after `head`."""
    begin = text.index("{", text.index(head))
    depth = 0
    for place in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[begin + 1 : place]
    raise AssertionError(f"{head} does not close")


def reactions(text: str) -> dict[str, tuple[list[str], list[str], float]]:
    found = {}
    for line in block(text, "DEFINE_REACTIONS").strip().splitlines():
        matched = re.fullmatch(r"\s*(.+) -> (.+) \[([^\]]+)\] : (\w+)", line)
        assert matched, line
        left, right = (side.split(" + ") for side in (matched[1], matched[2]))
        found[matched[4]] = (left, [] if right == ["NULL"] else right, float(matched[3]))
    return found


def test_braces_balance_and_every_name_is_defined(text: str) -> None:
    plain = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    assert plain.count("{") == plain.count("}") and plain.count("[") == plain.count("]")
    molecules = set(re.findall(r"(m_\w+) \{ DIFFUSION_CONSTANT_[23]D = [\d.e-]+ \}", block(plain, "DEFINE_MOLECULES")))
    used = {re.sub(r"['\",;]+$", "", name) for left, right, _ in reactions(plain).values() for name in (*left, *right)}
    released = set(re.findall(r"MOLECULE = (m_\w+)", plain))
    counted = set(re.findall(r"COUNT\[(m_\w+), WORLD\]", plain))
    assert used | released | counted <= molecules and len(molecules) == 11 and len(counted) == 9
    objects = set(re.findall(r"^(shell_\d+) POLYGON_LIST", plain, flags=re.M))
    placed = set(re.findall(r"(shell_\d+) OBJECT (?:shell_\d+)", plain))
    assert placed == objects == {"shell_1", "shell_2"}
    regions = {(o, r) for o in objects for r in re.findall(r"(m_\w+)\n", block(plain, f"{o} POLYGON_LIST"))}
    named = set(re.findall(r"(shell_\d+)\[(m_\w+)\]", block(plain, "MODIFY_SURFACE_REGIONS") + block(plain, "INSTANTIATE")))
    assert named <= regions and regions == {("shell_1", "m_PM"), ("shell_1", "m_PSD"), ("shell_2", "m_ERM")}
    classes = set(re.findall(r"(class_\w+) \{", block(plain, "DEFINE_SURFACE_CLASSES")))
    assert set(re.findall(r"SURFACE_CLASS = (\w+)", plain)) == classes


def test_rate_constants_by_hand(text: str) -> None:
    found = {name: k for name, (_, _, k) in reactions(text).items()}
    assert found == pytest.approx(
        {
            "m_buffer": 2e7, "m_buffer_back": 5.0,  # 0.02 /(µM ms) = 2e7 /(M s)
            "m_load": 5e4, "m_turn": 3.0,
            "m_leak": 0.2 / 1000 * 1e-15 * N_A, "m_leak_back": 0.2 / 1000 * 1e-15 * N_A,  # P / σ in µm³/s, in 1/(M s)
            "m_influx": 2000 / 1000,  # j / σ
            "m_bind": 0.001, "m_bind_back": 0.5,  # µm²/(molecule s)
        }
    )  # fmt: skip


def test_the_fluxes_of_gates_are_those_of_the_model(text: str, located: Located) -> None:
    """P c with gates of density σ: k_MCell [c in M] σ, in molecules per µm² and s."""
    k = reactions(text)["m_leak"][2]
    concentration = 300.0  # per µm³
    assert k * (concentration * 1e15 / N_A) * 1000.0 == pytest.approx(located.values["P"] * concentration)
    gates = int(re.search(r"MOLECULE = m_gate_ERM' NUMBER_TO_RELEASE = (\d+)", text)[1])  # type: ignore[index]
    assert gates == round(1000 * located.size("ERM"))


def test_orientations_say_on_which_side_molecules_are(text: str) -> None:
    found = {name: (left, right) for name, (left, right, _) in reactions(text).items()}
    assert found["m_load"] == (["m_Ca'", "m_pump'"], ["m_pumpCa'"])  # the cytosol is outside of the ER
    assert found["m_turn"] == (["m_pumpCa'"], ["m_pump'", "m_CaER,"])
    assert found["m_influx"] == (["m_gate_PSD'"], ["m_Ca,", "m_gate_PSD'"])  # and inside of the cell membrane
    assert found["m_buffer"] == (["m_Ca", "m_B"], ["m_CaB"])


def test_diffusion_initial_molecules_and_time(text: str) -> None:
    assert "m_Ca { DIFFUSION_CONSTANT_3D = 2.2e-06 }" in text and "m_R { DIFFUSION_CONSTANT_2D = 1e-09 }" in text  # cm²/s
    assert "SHAPE = world.shell_1[ALL] - world.shell_2[ALL] MOLECULE = m_Ca NUMBER_TO_RELEASE = 47 }" in text
    assert "SHAPE = world.shell_2[ALL] MOLECULE = m_CaER NUMBER_TO_RELEASE = 650 }" in text
    assert "ITERATIONS = 10\nTIME_STEP = 0.002" in text


def test_shells_are_closed_and_point_outwards(located: Located) -> None:
    outer, inner = shells(located)
    assert (outer.inside, outer.outside, inner.inside, inner.outside) == (1, 0, 2, 1)
    for shell, volume in ((outer, 1.0), (inner, 0.6**3)):
        topology = surface_topology(shell.faces)
        a, b, c = (shell.points[shell.faces[:, i]] for i in range(3))
        assert topology.closed and topology.manifold and topology.oriented
        assert np.einsum("ij,ij->", a, np.cross(b, c)) / 6 == pytest.approx(volume)
    assert set(outer.tags) == {10, 11} and set(inner.tags) == {12}


def test_absorbing_cuts_become_a_surface_class(tmp_path: Path) -> None:
    from cellml.sim.analytic import box

    model = 'cut: absorbing\nspecies: {A: {in: "*", D: {value: 1, unit: um^2/s}, initial: {value: 1, unit: uM}}}\n'
    model += "time: {end: {value: 1, unit: s}}\nobservables: [{type: amount, of: A}]\n"
    rod = box((200.0, 300.0, 1000.0), (2, 3, 5), cuts=("z0",))
    folder = export_model(rod, parse_model(model, Path("m.yaml")), "mcell", tmp_path / "out")
    text = (folder / "model.mdl").read_text()
    assert "class_m_cut_faces { ABSORPTIVE = m_A; }" in text and "shell_1[m_cut_faces] { SURFACE_CLASS = class_m_cut_faces }" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("R + Q <-> RQ", "2 R <-> RQ", "m.yaml:30: bind joins two equal molecules"),
        (
            "value: 300, unit: molecule/um^2",
            "value: 30000, unit: molecule/um^2",
            "PM starts with 30100 molecules per um^2, but MCell's surfaces",
        ),
        ("forward: k_up", 'rate: "k_up*max(Ca, B)*pump"', "m.yaml:26: the rate `k_up * max(Ca, B) * pump` of load is not of mass action"),
        ("time:", "fixed: [{of: Ca, on: PM}]\ntime:", "m.yaml:31: MCell has no concentration that is held"),
        ("initial: {value: 2, unit: uM}", 'initial: "Ca_initial*x/x"', "m.yaml:16: MCell starts from even concentrations"),
    ],
)
def test_what_mcell_cannot_say_is_refused(mesh: TetMesh, calcium_text: str, tmp_path: Path, old: str, new: str, message: str) -> None:
    text = calcium_text.replace(old, new)
    with pytest.raises(SimulationError) as refused:
        export_model(mesh, parse_model(text, Path("m.yaml")), "mcell", tmp_path / "out")
    assert message in str(refused.value)


def test_regions_side_by_side_are_refused(mesh: TetMesh, calcium: Model) -> None:
    from dataclasses import replace

    half = np.where(mesh.points[mesh.tets].mean(axis=1)[:, 0] < 500, 1, 2).astype(np.int32)
    located = replace(locate(mesh, calcium), mesh=replace(mesh, regions=half))
    with pytest.raises(SimulationError, match="regions side by side: more than two walls meet"):
        shells(located)


def test_releases(mesh: TetMesh, calcium_text: str, tmp_path: Path) -> None:
    release = "releases: [{of: Ca, at: [100, 200, 50], amount: {value: 7, unit: molecule}}, {of: CaB, at: cytosol, amount: {value: 5, unit: molecule}}]\n"
    text = calcium_text.replace("time:", f"{release}time:")
    written = (export_model(mesh, parse_model(text, Path("m.yaml")), "mcell", tmp_path / "out") / "model.mdl").read_text()
    assert "SHAPE = SPHERICAL LOCATION = [0.1, 0.2, 0.05] SITE_DIAMETER = 0 MOLECULE = m_Ca NUMBER_TO_RELEASE = 7" in written
    assert "MOLECULE = m_CaB NUMBER_TO_RELEASE = 5" in written
    behind = parse_model(text.replace("[100, 200, 50]", "PSD"), Path("m.yaml"))
    with pytest.raises(SimulationError, match="m.yaml:31: MCell has no release behind a membrane"):
        export_model(mesh, behind, "mcell", tmp_path / "other")
