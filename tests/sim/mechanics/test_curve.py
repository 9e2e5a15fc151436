from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import box
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics import Displacement, Elastic, stress_strain
from cellml.sim.mechanics.curve import uniaxial_neo_hookean
from cellml.types import TetMesh

MATERIAL = Elastic(1000.0, 0.3)
PLANES = [Displacement("cut_x0", (0.0, None, None)), Displacement("cut_y0", (None, 0.0, None)), Displacement("cut_z0", (None, None, 0.0))]


@pytest.fixture
def block():
    return box((500.0, 1000.0, 2000.0), (1, 1, 2), cuts=("x0", "y0", "z0", "z1"))


def test_a_tensile_test_follows_the_closed_form(block):
    strains = [-0.2, 0.0, 0.2, 0.6]
    curve = stress_strain(block, MATERIAL, moved="cut_z1", axis="z", strains=strains, held=PLANES, slips=True, order=1)
    assert curve.length == pytest.approx(2.0) and curve.area == pytest.approx(0.5)
    assert curve.stress == pytest.approx(uniaxial_neo_hookean(*MATERIAL.lame, 1.0 + np.array(strains)), rel=1e-7, abs=1e-8)
    assert curve.force == pytest.approx(0.5 * curve.stress)
    assert curve.displacement == pytest.approx(2.0 * np.array(strains))


def test_the_linear_law_has_youngs_slope(block):
    curve = stress_strain(block, MATERIAL, moved="cut_z1", axis="z", strains=[0.01, 0.03], held=PLANES, slips=True, law="linear")
    assert curve.stress == pytest.approx([10.0, 30.0])
    assert curve.energy == pytest.approx([0.5 * 10.0 * 0.01, 0.5 * 30.0 * 0.03])


def test_the_work_of_an_indentation_is_the_energy_stored():
    mesh = box((1000.0, 1000.0, 500.0), (4, 4, 2), cuts=("z0", "z1"))
    centre = mesh.points[mesh.facets].mean(axis=1)
    under = (np.abs(centre[:, :2] - 500.0) < 250.0).all(axis=1) & (centre[:, 2] > 499.0)
    tags = np.where(under, 9, mesh.facet_tags).astype(np.int32)
    mesh = TetMesh(mesh.points, mesh.tets, mesh.regions, mesh.region_names, mesh.facets, tags, {**mesh.facet_names, 9: "indenter"}, "slab")
    depths = -np.linspace(0.02, 0.2, 10)
    curve = stress_strain(mesh, MATERIAL, moved="indenter", axis="z", strains=depths, held=[Displacement("cut_z0")], order=1)
    force, depth = np.concatenate([[0.0], curve.force]), np.concatenate([[0.0], curve.displacement])
    work = np.concatenate([[0.0], np.cumsum(0.5 * (force[1:] + force[:-1]) * np.diff(depth))])
    assert work[-1] == pytest.approx(curve.energy[-1], rel=2e-3)
    assert (np.diff(curve.force) < 0.0).all()
    assert curve.area == pytest.approx(0.25)
    assert curve.last.reactions["cut_z0"][2] == pytest.approx(-curve.force[-1])


def test_bad_curves_are_refused(block):
    with pytest.raises(SimulationError, match="x, y or z"):
        stress_strain(block, MATERIAL, moved="cut_z1", axis="w", strains=[0.1], held=PLANES)
    with pytest.raises(SimulationError, match="neo_hookean or linear"):
        stress_strain(block, MATERIAL, moved="cut_z1", axis="z", strains=[0.1], held=PLANES, law="rubber")
    with pytest.raises(SimulationError, match="other than 0"):
        stress_strain(block, MATERIAL, moved="cut_z1", axis="z", strains=[0.0], held=PLANES)
    with pytest.raises(SimulationError, match="stretch"):
        uniaxial_neo_hookean(1.0, 1.0, [0.0])
