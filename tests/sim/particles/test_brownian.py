from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import ball, box
from cellml.sim.dynamics import run as run_fem
from cellml.sim.errors import SimulationError
from cellml.sim.particles.brownian import simulate_particles

FREE = "species:\n  A: {in: '*', D: {value: 1, unit: um^2/s}, initial: {value: 500, unit: molecule/um^3}}\n"


def time(end: float, steps: int) -> str:
    return f"time: {{end: {{value: {end}, unit: s}}, steps: {steps}}}\n"


def z(found: np.ndarray, expected: float, variance: float | None = None) -> float:
    """How many standard errors the mean of samples is off; variance: of a sample, if it is known."""
    spread = found.var(ddof=1) if variance is None else variance
    return float((found.mean() - expected) / np.sqrt(spread / len(found)))


def test_a_cloud_spreads_by_2_D_t_and_goes_on_from_where_it_was_released(model_of):
    room = box((10_000.0, 10_000.0, 10_000.0), (2, 2, 2))
    text = "species:\n  A: {in: '*', D: {value: 2, unit: um^2/s}}\nreleases:\n  - {of: A, at: [4000, 5000, 6000], amount: {value: 4000, unit: molecule}}\n"
    run = simulate_particles(room, model_of(text + time(0.1, 3)), seed=1)
    x = run.swarms["A"].x - [4.0, 5.0, 6.0]
    assert len(x) == 4000
    assert all(abs(z(x[:, i], 0.0, 0.4)) < 4 for i in range(3))
    assert all(abs(z(x[:, i] ** 2, 0.4, 2 * 0.4**2)) < 4 for i in range(3))


def test_walls_keep_a_uniform_cloud_uniform(model_of):
    mesh = ball(1000.0, 2)
    run = simulate_particles(mesh, model_of(FREE + time(0.5, 20)), seed=2, replicas=2)
    swarm = run.swarms["A"]
    sizes = mesh.volumes() / mesh.volumes().sum()
    counts = np.bincount(swarm.cell, minlength=len(sizes))
    chi2 = ((counts - len(swarm) * sizes) ** 2 / (len(swarm) * sizes)).sum()
    degrees = len(sizes) - 1
    assert abs(chi2 - degrees) < 4 * np.sqrt(2 * degrees)
    assert run.amounts["A"].min() == run.amounts["A"].max()


def test_decay_is_binomial(model_of, cube):
    text = FREE + "reactions:\n  - {name: d, in: '*', equation: A -> 0, forward: {value: 3, unit: 1/s}}\n" + time(0.2, 4)
    run = simulate_particles(cube, model_of(text), seed=3, replicas=300)
    n, p = 500, np.exp(-0.6)
    assert abs(z(run.amounts["A"][:, -1], n * p, n * p * (1 - p))) < 4
    # The variance of 300 binomial numbers has a relative standard error of √(2/299).
    assert abs(run.variance("A")[-1] / (n * p * (1 - p)) - 1) < 4 * np.sqrt(2 / 299)


def test_immigration_and_death_become_poisson(model_of, cube):
    text = FREE.replace("500", "0") + (
        "reactions:\n  - {name: i, in: '*', equation: 0 -> A, forward: {value: 200, unit: molecule/um^3/s}}\n"
        "  - {name: d, in: '*', equation: A -> 0, forward: {value: 20, unit: 1/s}}\n"
    )
    run = simulate_particles(cube, model_of(text + time(0.4, 80)), seed=4, replicas=1000)
    # New ones rest until the next step: the mean at rest is k Δt / (1 − exp(−γ Δt)), reached to exp(−8).
    mean = 200 * 0.005 / -np.expm1(-20 * 0.005)
    assert abs(z(run.amounts["A"][:, -1], mean, mean)) < 4
    assert abs(run.variance("A")[-1] / mean - 1) < 4 * np.sqrt(2 / 999)


def test_what_binds_and_unbinds_stays_in_equilibrium_with_a_uniform_solution(model_of, cube):
    # 1000 molecules, 250 of them free: κ c A = k_off n with A = 5 µm² of membrane.
    text = (
        "species:\n  A: {in: '*', D: {value: 1, unit: um^2/s}, initial: {value: 250, unit: molecule/um^3}}\n"
        "  B: {on: membrane, D: {value: 0.5, unit: um^2/s}, initial: {value: 150, unit: molecule/um^2}}\n"
        "reactions:\n  - {name: b, on: membrane, equation: A <-> B, forward: {value: 3, unit: um/s}, backward: {value: 5, unit: 1/s}}\n"
    )
    run = simulate_particles(cube, model_of(text + time(0.15, 150)), seed=5, replicas=15)
    assert ((run.amounts["A"] + run.amounts["B"]) == 1000).all()
    free = 1000 / (1 + 3 * 5 / 5 * -5 * 0.001 / np.expm1(-5 * 0.001))
    assert abs(z(run.amounts["A"][:, -1], free, 1000 * 0.25 * 0.75)) < 4
    near = run.swarms["A"].x[:, 2] < 0.05
    assert abs(z(near, 0.05, 0.05 * 0.95)) < 4  # no layer at the wall


def test_a_membrane_lets_pass_until_both_sides_are_equal(model_of, halves):
    text = (
        "compartments: {l: {region: left}, r: {region: right}}\n"
        "species:\n  A: {in: l, D: {value: 1, unit: um^2/s}, initial: {value: 800, unit: molecule/um^3}}\n"
        "  B: {in: r, D: {value: 4, unit: um^2/s}}\n"
        "reactions:\n  - {name: p, on: wall, equation: A <-> B, rate: P*(A - B)}\nparameters: {P: {value: 4, unit: um/s}}\n"
    )
    run = simulate_particles(halves, model_of(text + time(0.5, 250)), seed=6, replicas=8)
    assert ((run.amounts["A"] + run.amounts["B"]) == 400).all()
    assert abs(z(run.amounts["A"][:, -1], 200.0, 100.0)) < 4
    assert run.swarms["A"].x[:, 0].max() <= 0.5 + 1e-9
    assert run.swarms["B"].x[:, 0].min() >= 0.5 - 1e-9


def test_a_held_concentration_fills_the_shape_to_it_and_an_absorbing_one_empties_it(model_of, cube):
    text = FREE.replace("500", "0") + "fixed:\n  - {of: A, on: cut_x0, value: {value: 300, unit: molecule/um^3}}\n"
    full = simulate_particles(cube, model_of(text + time(2.5, 250)), seed=7, replicas=8)
    assert abs(z(full.amounts["A"][:, -1], 300.0, 300.0)) < 4
    slab = simulate_particles(cube, model_of(FREE + "cut: absorbing\n" + time(0.4, 400)), seed=8, replicas=8)
    # A slab of thickness 1 that absorbs on one side: Σ 8/π²/(2k+1)² exp(−(2k+1)² π² t/4); overshoot widens it by 0.583 √(2 D Δt).
    width = 1.0 + 0.583 * np.sqrt(2 * 0.4 / 400)
    k = 2 * np.arange(20) + 1
    left = 500 * width * (8 / np.pi**2 / k**2 * np.exp(-(k**2) * np.pi**2 * 0.4 / 4 / width**2)).sum()
    assert abs(z(slab.amounts["A"][:, -1], left)) < 4
    assert len(slab.arrivals["A"]) == 8 * 500 - slab.amounts["A"][:, -1].sum()


def test_numbers_follow_the_finite_elements(model_of, cube):
    text = (
        "species:\n  A: {in: '*', D: {value: 1, unit: um^2/s}, initial: \"c*x/l\"}\n  B: {on: membrane, D: {value: 1, unit: um^2/s}}\n"
        "parameters:\n  c: {value: 4000, unit: molecule/um^3}\n  l: {value: 1, unit: um}\n"
        "reactions:\n  - {name: b, on: membrane, equation: A <-> B, forward: {value: 0.5, unit: um/s}, backward: {value: 2, unit: 1/s}}\n"
    )
    model = model_of(text + time(0.1, 100))
    run, fem = simulate_particles(cube, model, seed=11, replicas=5), run_fem(cube, model)
    free = fem.courses["amount of A"].values[-1] / 2000.0
    assert abs(z(run.amounts["A"][:, -1], 2000 * free, 2000 * free * (1 - free))) < 4
    # How far the cloud still leans to the side that it began on.
    state = next(reversed(fem.states.values()))
    part, space = fem.system.slices["A"], fem.system.space_of("A")
    weights = fem.system.weights[part] * state[part]
    x = run.swarms["A"].x[:, 0]
    assert abs(z(x, float(weights @ space.coordinates[:, 0] / weights.sum()))) < 4


def test_a_pattern_on_a_sphere_fades_at_the_eigenvalue(model_of):
    mesh = ball(1000.0, 3)
    text = 'species:\n  A: {on: membrane, D: {value: 1, unit: um^2/s}, initial: "n*(1 + z/r)"}\nparameters:\n  n: {value: 2000, unit: molecule/um^2}\n  r: {value: 1, unit: um}\n'
    run = simulate_particles(mesh, model_of(text + time(0.25, 25)), seed=9)
    x = run.swarms["A"].x
    assert (np.linalg.norm(x, axis=1) <= 1 + 1e-9).all()
    # <z> = exp(−2 D t) / 3; the polyhedron's own eigenvalue is within 1 % of 2.
    assert abs(z(x[:, 2], np.exp(-0.5) / 3)) < 4


def test_flux_through_a_membrane_comes_at_its_rate_and_the_same_seed_repeats(model_of, cube):
    text = FREE.replace("500", "0") + (
        "reactions:\n  - {name: i, on: membrane, equation: 0 -> A, rate: 'J*pulse(t, t0, t1)'}\n"
        "parameters:\n  J: {value: 2000, unit: molecule/um^2/s}\n  t0: {value: 0, unit: s}\n  t1: {value: 0.05, unit: s}\n"
    )
    first, again = (simulate_particles(cube, model_of(text + time(0.1, 10)), seed=10, replicas=20) for _ in range(2))
    assert abs(z(first.amounts["A"][:, -1], 500.0, 500.0)) < 4
    assert (first.amounts["A"] == again.amounts["A"]).all()
    assert (first.swarms["A"].x == again.swarms["A"].x).all()


@pytest.mark.parametrize(
    ("reaction", "message"),
    [
        (
            "in: '*', equation: 2 A -> 0, forward: {value: 1, unit: um^3/molecule/s}",
            r"m\.yaml:4: 'r' needs 2 molecules to meet.*method=stochastic",
        ),
        (
            "on: membrane, equation: A -> 0, forward: {value: 1000, unit: um/s}",
            r"m\.yaml:4: A would have to react with probability 177.*at most",
        ),
    ],
)
def test_refusals_name_the_line_and_the_remedy(model_of, cube, reaction, message):
    model = model_of(FREE + f"reactions:\n  - {{name: r, {reaction}}}\n" + time(1.0, 100))
    with pytest.raises(SimulationError, match=message):
        simulate_particles(cube, model, seed=1)


def test_particles_need_an_end(model_of, cube):
    with pytest.raises(SimulationError, match="has no `time:`"):
        simulate_particles(cube, model_of(FREE + "steady: true\n"), seed=1)
