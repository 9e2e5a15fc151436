"""Cases of mechanics, adaptivity, narrow escape, adjoints and estimation."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from case import Case, Outcome, Point, points

# Geodesic radii of the cap in µm, on a ball of 1 µm.
CAPS = (0.05, 0.1, 0.2)
ESCAPE_UNKNOWNS = 50_000
PARTICLES, SCALES = 10_000, (0.5, 0.75, 1.0)


def lame() -> Outcome:
    from cellml.sim.mechanics.cases import lame_rows
    from cellml.sim.verification.convergence import order

    p1, straight = lame_rows(0.3, (12, 16, 24, 32), order=1), lame_rows(0.3, (4, 6, 8, 12), order=2)
    curved = lame_rows(0.3, (4, 8, 12, 16), order=2, isoparametric=True)
    nearly, locked = lame_rows(0.499, (4, 8, 12, 16), order=2, isoparametric=True), lame_rows(0.499, (8, 16, 24), order=1)
    families = {"P1": p1, "P2 straight": straight, "P2 isoparametric": curved, "P2, ν = .499": nearly, "P1, ν = .499": locked}
    found = {name: points(name, rows) for name, rows in families.items()}
    values = {
        "lame_p1_order": (order(found["P1"]), "1"),
        "lame_p2_straight_order": (order(found["P2 straight"]), "1"),
        "lame_p2_isoparametric_order": (order(found["P2 isoparametric"]), "1"),
        "lame_nearly_incompressible_p2_error": (nearly[1].error, "1"),
        "lame_nearly_incompressible_p1_error": (locked[1].error, "1"),
    }
    return Outcome(values, sum(found.values(), ()))


def adaptive() -> Outcome:
    """Errors in the energy norm; size is 1/N, so that slopes are rates per unknown."""
    from cellml.sim.adaptive.corner import adapt_l_shape, adapt_prism, prism_rows, rate
    from cellml.sim.adaptive.marking import everything

    plane, plane_uniform = adapt_l_shape(unknowns=20_000), adapt_l_shape(unknowns=20_000, marking=everything)
    space = prism_rows(adapt_prism(unknowns=60_000))
    space_uniform = prism_rows(adapt_prism(unknowns=30_000, marking=everything, bisections=3))
    values = {
        "adaptive_rate_2d": (rate(plane, least=150), "1"),
        "adaptive_rate_3d": (rate(space, least=200), "1"),
        "uniform_rate_2d": (rate(plane_uniform, least=100), "1"),
        "uniform_rate_3d": (rate(space_uniform, least=100), "1"),
    }
    families = {"L adaptive": plane, "L uniform": plane_uniform, "edge adaptive": space, "edge uniform": space_uniform}
    return Outcome(values, tuple(Point(n, 1.0 / r.unknowns, r.error, unknowns=r.unknowns) for n, rows in families.items() for r in rows))


def narrow_escape_fem() -> Outcome:
    """Errors are τ against the formula, whose own next term is not known; size is 1/N. "improved" has the estimated error added to τ."""
    from cellml.sim.adaptive.escape import escape, narrow_escape_time

    found, plain, improved = [], [], []
    for a in CAPS:
        adaptation, exact = escape(a, unknowns=ESCAPE_UNKNOWNS), narrow_escape_time(a)
        for name, share in (("plain", 0.0), ("improved", 1.0)):
            found += [
                Point(
                    f"a = {a}, {name}",
                    1.0 / r.unknowns,
                    abs((r.goal + share * r.goal_error) / exact - 1.0),
                    r.tets,
                    r.unknowns,
                    0,
                    r.seconds,
                )
                for r in adaptation.rows
            ]
            (plain if name == "plain" else improved).append(found[-1].error)
    return Outcome({"narrow_escape_fem_error": (max(plain), "1"), "narrow_escape_fem_error_improved": (max(improved), "1")}, tuple(found))


def narrow_escape_brownian() -> Outcome:
    """Particles against the formula: deviations in standard errors after extrapolation of the step."""
    from cellml.sim.adaptive.escape import narrow_escape_time
    from cellml.sim.particles.cap import ball_with_cap
    from cellml.sim.particles.passage import extrapolated, first_passage_times

    found, worst = [], 0.0
    for number, a in enumerate(CAPS):
        mesh = ball_with_cap(1000.0, 1000.0 * a)
        seeds = range(10 * number, 10 * number + len(SCALES))
        runs = [
            (scale, first_passage_times(mesh, 1.0, ["exit"], seed=seed, particles=PARTICLES, scale=scale))
            for scale, seed in zip(SCALES, seeds, strict=True)
        ]
        mean, error = extrapolated(runs)
        exact = narrow_escape_time(a)
        found += [Point(f"a = {a}", scale, abs(run.mean / exact - 1.0), len(mesh.tets)) for scale, run in runs]
        worst = max(worst, abs(mean - exact) / error)
    return Outcome({"narrow_escape_brownian_z": (worst, "1")}, tuple(found))


def adjoint() -> Outcome:
    """Errors of directional derivatives against differences, a point for each parameter, initial field and node coordinates."""
    from cellml.sim.adjoint.cases import BDF2, EULER, LINEAR, backward_ratio, gradient_rows

    rows = {name: gradient_rows(when) for name, when in (("bdf2", BDF2), ("backward Euler", EULER))}
    ratio, newton = backward_ratio()
    linear, _ = backward_ratio(LINEAR)
    values = {
        "adjoint_error": (max(row.error for series in rows.values() for row in series), "1"),
        "adjoint_taylor_order_least": (min(row.taylor_order for series in rows.values() for row in series), "1"),
        "adjoint_backward_ratio_nonlinear": (ratio, "1"),
        "adjoint_newton_steps": (newton, "1"),
        "adjoint_backward_ratio_linear": (linear, "1"),
    }
    return Outcome(values, tuple(Point(f"{name}: {row.kind}", 0.0, row.error) for name, series in rows.items() for row in series))


def coverage() -> Outcome:
    """The rows of `coverage.py`: the share of 90 % intervals that hold the truth, for each noise and parameter. Errors are that share."""
    counts: dict[tuple[str, str], list[bool]] = {}
    with (Path(__file__).parent / "coverage.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            counts.setdefault((row["noise"], row["name"]), []).append(row["inside"] == "True")
    shares = {key: float(np.mean(inside)) for key, inside in counts.items()}
    mean = float(np.mean(list(shares.values())))
    values = {
        "coverage_mean_low": (mean, "1"),
        "coverage_mean_high": (mean, "1"),
        "coverage_least": (min(shares.values()), "1"),
        "coverage_most": (max(shares.values()), "1"),
        "coverage_fits": (float(min(map(len, counts.values()))), "count"),
    }
    return Outcome(values, tuple(Point(f"{name} at {noise}", float(noise), share) for (noise, name), share in shares.items()))


CASES = (
    Case("lame", "Lamé's hollow sphere, L2", ("lame_p1_order", "lame_p2_isoparametric_order", "lame_nearly_incompressible_p2_error"), lame),
    Case("adaptive", "Corner and edge, energy norm", ("adaptive_rate_2d", "adaptive_rate_3d"), adaptive),
    Case("narrow_escape_fem", "Narrow escape, FEM", ("narrow_escape_fem_error",), narrow_escape_fem),
    Case("narrow_escape_brownian", "Narrow escape, particles", ("narrow_escape_brownian_z",), narrow_escape_brownian),
    Case("adjoint", "Adjoint gradients", ("adjoint_error", "adjoint_backward_ratio_nonlinear"), adjoint),
    Case("coverage", "Coverage of 90 % intervals", ("coverage_mean_low", "coverage_mean_high"), coverage),
)
