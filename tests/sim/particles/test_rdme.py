from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, chi2, poisson

from cellml.sim.analytic import box
from cellml.sim.dynamics import run as run_fem
from cellml.sim.engine.system import build_system
from cellml.sim.errors import SimulationError
from cellml.sim.particles.jumps import diffuse, jumps_of
from cellml.sim.particles.rdme import simulate_rdme

LONE = "species:\n  A: {in: '*', D: {value: 1, unit: um^2/s}, initial: {value: 20, unit: molecule/um^3}}\n"


def time(end: float, steps: int) -> str:
    return f"time: {{end: {{value: {end}, unit: s}}, steps: {steps}}}\n"


def fits(samples: np.ndarray, distribution) -> float:
    """p of Pearson's χ² of whole numbers against a distribution, in bins that expect at least 5."""
    edges = np.unique(distribution.ppf(np.linspace(0.02, 0.98, 15)))
    expected = len(samples) * np.diff(np.concatenate([[0.0], distribution.cdf(edges), [1.0]]))
    found = np.bincount(np.searchsorted(edges, samples), minlength=len(expected))
    assert expected.min() > 5
    return float(chi2.sf(((found - expected) ** 2 / expected).sum(), len(expected) - 1))


def test_immigration_and_death_become_poisson(model_of, cube):
    text = LONE + (
        "reactions:\n  - {name: i, in: '*', equation: 0 -> A, forward: {value: 300, unit: molecule/um^3/s}}\n"
        "  - {name: d, in: '*', equation: A -> 0, forward: {value: 10, unit: 1/s}}\n"
    )
    run = simulate_rdme(cube, model_of(text + time(1.0, 4)), seed=1, replicas=1000)
    assert fits(run.amounts["A"][:, -1], poisson(30.0)) > 1e-4
    assert abs(run.mean("A")[-1] - 30.0) < 4 * run.standard_error("A")[-1]
    assert abs(run.variance("A")[-1] / 30.0 - 1) < 4 * np.sqrt(2 / 999)
    assert abs(np.corrcoef(run.final[:, 0], run.final[:, -1])[0, 1]) < 4 / np.sqrt(1000)  # independent places


def test_conversion_is_binomial(model_of, cube):
    text = (
        LONE
        + "  B: {in: '*'}\nreactions:\n  - {name: c, in: '*', equation: A <-> B, forward: {value: 3, unit: 1/s}, backward: {value: 2, unit: 1/s}}\n"
    )
    run = simulate_rdme(cube, model_of(text + time(0.3, 1)), seed=2, replicas=1500)
    assert (run.amounts["A"] + run.amounts["B"] == 20).all()
    assert fits(run.amounts["B"][:, -1], binom(20, 0.6 * -np.expm1(-1.5))) > 1e-4


def test_means_follow_the_finite_elements_with_lumped_masses(model_of, cube):
    text = (
        "species:\n  A: {in: '*', D: {value: 1, unit: um^2/s}, initial: \"c*(1 + x/l)\"}\n  B: {on: membrane, D: {value: 0.2, unit: um^2/s}}\n"
        "parameters:\n  c: {value: 40, unit: molecule/um^3}\n  l: {value: 0.5, unit: um}\n"
        "reactions:\n  - {name: b, on: membrane, equation: A <-> B, forward: {value: 1, unit: um/s}, backward: {value: 2, unit: 1/s}}\n"
        "fixed:\n  - {of: A, on: cut_x0, value: {value: 60, unit: molecule/um^3}}\nlumped: true\n"
    )
    model = model_of(text + time(0.2, 40))
    run, fem = simulate_rdme(cube, model, seed=3, replicas=800), run_fem(cube, model, refine_time=5)
    for species in ("A", "B"):
        course = fem.courses[f"amount of {species}"]
        expected = np.interp(run.times, course.times, course.values)
        late = slice(8, None)
        off = (run.mean(species) - expected)[late] / run.standard_error(species)[late]
        assert np.abs(off).max() < 4
    state = list(fem.states.values())[-1]
    nodes = run.system.weights * state
    off = (run.final.mean(axis=0) - nodes) / np.sqrt(nodes / 800)
    assert np.abs(off).max() < 4.5
    assert (off**2).mean() == pytest.approx(1.0, abs=0.35)


def test_dimerisation_has_the_stationary_law_of_its_master_equation(model_of):
    # In detailed balance p(b) ∝ (k_f / (k_b V))ᵇ / (b! (n − 2b)!), however fast the molecules move.
    dot = box((100.0, 100.0, 100.0), (1, 1, 1))
    text = (
        "species:\n  A: {in: '*', D: {value: 1, unit: um^2/s}, initial: {value: 20000, unit: molecule/um^3}}\n"
        "  B: {in: '*', D: {value: 1, unit: um^2/s}}\n"
        "reactions:\n  - {name: d, in: '*', equation: 2 A <-> B, forward: {value: 5e-4, unit: um^3/molecule/s}, backward: {value: 5, unit: 1/s}}\n"
    )
    run = simulate_rdme(dot, model_of(text + time(0.6, 40)), seed=4, replicas=300)
    assert (run.amounts["A"] + 2 * run.amounts["B"] == 20).all()
    b = np.arange(11)
    weights = np.array(
        [(1e-4 / 1e-3) ** k / np.prod(np.arange(1, k + 1, dtype=float)) / np.prod(np.arange(1, 21 - 2 * k, dtype=float)) for k in b]
    )
    p = weights / weights.sum()
    mean = p @ b
    error = np.sqrt((p @ b**2 - mean**2) / 300)
    assert abs(run.mean("B")[-1] - mean) < 4 * error


def test_jumps_are_exact_for_any_step(model_of, cube):
    system = build_system(cube, model_of(LONE + time(1.0, 1)))
    jumps, size = jumps_of(system), system.size
    counts = np.zeros((1, size), np.int64)
    counts[0, 5] = 40_000
    moved = diffuse(jumps, counts, 0.02, np.zeros(size), np.random.default_rng(5))
    from scipy.linalg import expm

    rates = -system.transport(system.model.values()).toarray() / system.weights[:, None]
    p = expm(0.02 * rates)[5]
    seen = p > 1e-3
    assert moved.sum() == 40_000
    assert (np.abs(moved[0] - 40_000 * p)[seen] < 4.5 * np.sqrt(40_000 * p)[seen]).all()


def test_obtuse_meshes_are_reported_and_keep_uniform_concentrations(model_of):
    slanted = box((1000.0, 1000.0, 1000.0), (2, 2, 2))
    slanted = replace(slanted, points=slanted.points @ np.array([[1.0, 0, 0], [1.5, 1, 0], [0, 0, 1]]))
    run = simulate_rdme(slanted, model_of(LONE.replace("20", "200") + time(0.2, 1)), seed=6, replicas=200)
    assert any("negative rates on this mesh" in note for note in run.notes)
    expected = 200.0 * run.system.weights
    off = (run.final.mean(axis=0) - expected) / np.sqrt(expected / 200)
    assert np.abs(off).max() < 4.5


def test_the_same_seed_repeats_and_few_molecules_are_warned_of(model_of, cube):
    model = model_of(LONE + time(0.1, 2))
    first, again, other = (simulate_rdme(cube, model, seed=s, replicas=3) for s in (1, 1, 2))
    assert (first.final == again.final).all()
    assert (first.final != other.final).any()
    assert "A: 20 molecules are so few" in first.notes[0]


def test_refusals(model_of, cube):
    with pytest.raises(SimulationError, match="has no `time:`"):
        simulate_rdme(cube, model_of(LONE + "steady: true\n"), seed=1)
    saturable = (
        LONE
        + "reactions:\n  - {name: r, in: '*', equation: A -> 0, rate: v*A/(A + K)}\nparameters:\n  v: {value: 1, unit: uM/s}\n  K: {value: 1, unit: uM}\n"
    )
    with pytest.raises(SimulationError, match=r"m\.yaml:4: single molecules react by the law of mass action"):
        simulate_rdme(cube, model_of(saturable + time(1.0, 10)), seed=1)
