from dataclasses import replace

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.sim.analytic import ball, box
from cellml.sim.conductance import shape_factor
from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.errors import SimulationError
from cellml.sim.estimate import SHARE, Estimate
from cellml.sim.first_passage import first_passage_time
from cellml.sim.relaxation import relaxation_time
from cellml.sim.shape_gradient.course import Course
from cellml.sim.shape_gradient.observables import Area, Conductance, FirstPassage, Relaxation, Volume

BALL = ball(500.0, 2)
ROD = box((400.0, 100.0, 150.0), (6, 2, 2), cuts=("x0", "x1"))
D = 7.0
ALL = {
    "volume": Volume(), "area": Area(), "escape": FirstPassage("cut_x0", D=D), "conductance": Conductance("cut_x0", "cut_x1", D=D),
    "relaxation": Relaxation(D=D),
}  # fmt: skip


def at(mesh, *, leaf=False):
    return torch.from_numpy(mesh.points.copy()).requires_grad_(leaf)


def slope(observable, mesh, towards):
    """Along a direction (P, 3), by central differences of fourth order."""
    value = {e: float(observable(mesh, at(mesh) + e * towards)) for e in (-0.2, -0.1, 0.1, 0.2)}
    return (8 * (value[0.1] - value[-0.1]) - (value[0.2] - value[-0.2])) / 1.2


def linear_value(estimate: Estimate, sign: float) -> float:
    """The value on linear elements, from which the estimate of quadratic ones says how far it is."""
    return estimate.value - sign * estimate.error / SHARE


def test_values_are_those_of_the_solver():
    rng = np.random.default_rng(0)
    mesh = replace(ROD, points=ROD.points + 5 * rng.normal(size=ROD.points.shape))
    domain = Domain(mesh)
    enrichment = Enrichment(domain)
    low, high = (domain.local(mesh.facets_named(name)) for name in ("cut_x0", "cut_x1"))
    expected = {
        "volume": domain.volume,
        "area": domain.facet_areas(domain.local(mesh.facets_named("membrane"))).sum(),
        "escape": linear_value(first_passage_time(domain, enrichment, D, low), 1),
        "conductance": D * linear_value(shape_factor(domain, enrichment, low, high), -1),
        "relaxation": linear_value(relaxation_time(domain, enrichment, D), 1),
    }
    for name, observable in ALL.items():
        assert float(observable(mesh, at(mesh))) == pytest.approx(expected[name], rel=1e-10), name


@pytest.mark.parametrize("name", list(ALL))
def test_gradients_are_those_of_differences_of_fourth_order(name):
    rng = np.random.default_rng(1)
    mesh = replace(ROD, points=ROD.points + 5 * rng.normal(size=ROD.points.shape))
    points, towards = at(mesh, leaf=True), torch.from_numpy(rng.normal(size=mesh.points.shape))
    (gradient,) = torch.autograd.grad(ALL[name](mesh, points), points)
    assert float((gradient * towards).sum()) == pytest.approx(slope(ALL[name], mesh, towards), rel=1e-6)


@pytest.mark.parametrize(("observable", "power"), [(Volume(), 3), (Area(), 2), (FirstPassage("membrane"), 2), (Relaxation(), 2)])
def test_a_growing_ball_has_the_derivatives_of_its_closed_forms(observable, power):
    exact = {3: 4 / 3 * np.pi * 0.5**3, 2: 4 * np.pi * 0.5**2}[power]
    if isinstance(observable, FirstPassage):
        exact = 0.5**2 / 15  # R²/15D
    elif isinstance(observable, Relaxation):
        exact = (0.5 / 2.081575978) ** 2  # the first zero of the derivative of the spherical Bessel function j₁
    points = at(BALL, leaf=True)
    value = observable(BALL, points)
    (gradient,) = torch.autograd.grad(value, points)
    by_radius = float((gradient * points.detach() / 500.0).sum())  # along r, per nm
    assert value.item() == pytest.approx(exact, rel=0.2)  # of a coarse polyhedron
    assert by_radius == pytest.approx(power * value.item() / 500.0, rel=1e-9)


def test_a_rod_conducts_as_its_section_over_its_length():
    points = at(ROD, leaf=True)
    value = Conductance("cut_x0", "cut_x1", D=D)(ROD, points)
    (gradient,) = torch.autograd.grad(value, points)
    assert value.item() == pytest.approx(D * 0.1 * 0.15 / 0.4)
    for axis, sign in enumerate((-1, 1, 1)):  # S = A/L
        longer = float((gradient[:, axis] * points.detach()[:, axis]).sum())
        assert longer == pytest.approx(sign * value.item(), rel=1e-9)
    time = FirstPassage("cut_x0", D=D)(ROD, at(ROD))
    assert float(time) == pytest.approx(0.4**2 / (3 * D), rel=0.02)  # L²/3D


def test_a_course_of_a_model_file_has_the_gradient_of_differences(tmp_path):
    path = tmp_path / "decay.yaml"
    path.write_text("""
species: {A: {in: "*", D: {value: 1, unit: um^2/s}, initial: {value: 1, unit: uM}}}
parameters: {k: {value: 0.5, unit: um/s}}
reactions: [{name: pump, on: membrane, equation: A -> 0, rate: k*A}]
time: {end: {value: 0.2, unit: s}, steps: 5}
observables: [{type: mean, of: A}]
""")
    last, mean = Course(str(path), "A_mean_final"), Course(str(path), "A_mean_final", average=True)
    mesh = ball(500.0, 1)
    points, towards = at(mesh, leaf=True), torch.from_numpy(np.random.default_rng(2).normal(size=mesh.points.shape))
    value = last(mesh, points)
    (gradient,) = torch.autograd.grad(value, points)
    assert float((gradient * towards).sum()) == pytest.approx(slope(last, mesh, towards), rel=1e-6)
    assert float(value.detach()) < float(mean(mesh, at(mesh)))
    with pytest.raises(SimulationError, match="no time course 'B'"):
        Course(str(path), "B")(mesh, at(mesh))


def test_only_the_largest_piece_of_a_region_counts_for_transport():
    small = box((50.0, 50.0, 50.0), (1, 1, 1), cuts=("x0",))
    both = replace(
        ROD,
        points=np.concatenate([ROD.points, small.points + 1000.0]),
        tets=np.concatenate([ROD.tets, small.tets + len(ROD.points)]),
        regions=np.concatenate([ROD.regions, small.regions]),
        facets=np.concatenate([ROD.facets, small.facets + len(ROD.points)]),
        facet_tags=np.concatenate([ROD.facet_tags, small.facet_tags]),
    )
    for name, observable in ALL.items():
        if name not in ("volume", "area"):
            assert float(observable(both, at(both))) == pytest.approx(float(observable(ROD, at(ROD))), rel=1e-12)
    assert float(Volume()(both, at(both))) == pytest.approx(0.4 * 0.1 * 0.15 + 0.05**3)


def test_what_a_mesh_does_not_have_is_said():
    with pytest.raises(SimulationError, match="no region 'neck'; it has: cell"):
        Volume(["neck"])(ROD, at(ROD))
    with pytest.raises(CellmlError, match="cut_z0"):
        FirstPassage("cut_z0")(ROD, at(ROD))
    with pytest.raises(SimulationError, match="touch each other"):
        Conductance("cut_x0", "membrane")(ROD, at(ROD))
    island = box((50.0, 50.0, 50.0), (1, 1, 1), cuts=("z0",))
    both = replace(
        ROD,
        points=np.concatenate([ROD.points, island.points + 1000.0]),
        tets=np.concatenate([ROD.tets, island.tets + len(ROD.points)]),
        regions=np.concatenate([ROD.regions, island.regions]),
        facets=np.concatenate([ROD.facets, island.facets + len(ROD.points)]),
        facet_tags=np.concatenate([ROD.facet_tags, np.where(island.facet_tags == 2, 9, 1).astype(np.int32)]),
        facet_names={**ROD.facet_names, 9: "cut_z0"},
    )
    with pytest.raises(SimulationError, match="does not bound the largest piece"):
        FirstPassage("cut_z0")(both, at(both))
