"""Cases of the bulk–surface engine: exact solutions in space and time, limits, conservation."""

from __future__ import annotations

import numpy as np
from case import Case, Outcome, Point, points

from cellml.sim.verification.bulk_surface import DEGREES, coupled_rows, surface_rows
from cellml.sim.verification.conservation import mass_drift
from cellml.sim.verification.convergence import Row, order
from cellml.sim.verification.crank import crank_deviations
from cellml.sim.verification.exchange import exchange_error
from cellml.sim.verification.manufactured import adaptive_error, space_time_rows, time_rows
from cellml.sim.verification.sphere import sphere_rows
from cellml.sim.verification.well_mixed import steady_error, transient_error

# Balls of 20 n³ tetrahedra: 540, 2500, 6860, 20 000 and 54 880.
BALLS = (3, 5, 7, 10, 14)


def sphere() -> Outcome:
    rows = sphere_rows(BALLS)
    return Outcome({"sphere_order": (order(rows), "1")}, points("ball", rows))


def manufactured() -> Outcome:
    rows = space_time_rows((8, 12, 16, 24))
    return Outcome({"manufactured_space_order": (order(rows), "1")}, points("h and Δt", rows))


def time() -> Outcome:
    values: dict[str, tuple[float, str]] = {}
    found: tuple[Point, ...] = ()
    for scheme, key in (("backward_euler", "backward_euler_order"), ("bdf2", "bdf2_order"), ("imex", "imex_order")):
        rows = time_rows((40, 80, 160, 320), scheme=scheme)
        values[key] = (order(rows), "1")
        found += points(scheme, rows)
    for tolerance in (1e-2, 1e-3, 1e-4, 1e-5):
        error, steps = adaptive_error(tolerance)
        found += (Point("adaptive bdf2", 1.0 / steps, error, steps=steps),)
    return Outcome(values, found)


def bulk_surface() -> Outcome:
    inscribed, equal = coupled_rows(BALLS), coupled_rows(BALLS, equal_volume=True)
    values = {
        "bulk_surface_order": (min(order(inscribed), order(equal)), "1"),
        "bulk_surface_error_60k": (equal[-1].error, "1"),
        "bulk_surface_error_inscribed": (inscribed[-1].error, "1"),
    }
    return Outcome(values, points("inscribed", inscribed) + points("equal volume", equal))


def surface() -> Outcome:
    families = {degree: surface_rows(BALLS, degree) for degree in DEGREES}
    worst = min(order(rows) for rows in families.values())
    return Outcome({"surface_eigenvalue_order": (worst, "1")}, sum((points(f"l = {d}", rows) for d, rows in families.items()), ()))


def well_mixed() -> Outcome:
    values = {
        "well_mixed_steady": (steady_error(5), "1"),
        "well_mixed_transient": (transient_error(5), "1"),
        "exchange_error": (exchange_error(2), "1"),
    }
    return Outcome(values)


def crank() -> Outcome:
    """Errors are |M − M_exact| / M₀; the mesh of 20 000 tetrahedra answers for the gate."""
    at: dict[float, list[Row]] = {0.1: [], 0.3: []}
    largest = {}
    for n in BALLS[1:]:
        times, deviation, row = crank_deviations(n)
        largest[row.tets] = row.error
        for t, rows in at.items():
            error = abs(float(deviation[np.abs(times - t).argmin()]))
            rows.append(Row(row.size, error, row.tets, row.unknowns, row.steps, row.seconds))
    values = {"crank_error": (largest[20_000], "1"), "crank_order": (min(order(rows) for rows in at.values()), "1")}
    return Outcome(values, sum((points(f"t = {t} R²/D", rows) for t, rows in at.items()), ()))


def conservation() -> Outcome:
    """Errors are the largest relative change of a total until each step."""
    values, found = {}, ()
    for solver, key in (("direct", "mass_drift"), ("cg", "mass_drift_iterative")):
        drift = mass_drift(solver=solver)
        values[key] = (drift.largest, "1")
        change = np.maximum.accumulate(np.max([np.abs(c) for c in drift.totals.values()], axis=0))
        some = np.unique(np.geomspace(1, len(change) - 1, 30).astype(int))
        found += tuple(Point(solver, float(k), float(change[k]), steps=int(k)) for k in some)
    return Outcome(values, found)


CASES = (
    Case("sphere", "Membrane kinase in a sphere, L2", ("sphere_order",), sphere),
    Case("manufactured", "Manufactured solution, L2", ("manufactured_space_order",), manufactured),
    Case("time", "Time steps, largest error", ("backward_euler_order", "bdf2_order"), time),
    Case("bulk_surface", "Bulk–surface decay, λ", ("bulk_surface_order", "bulk_surface_error_60k"), bulk_surface),
    Case("surface", "Diffusion on the sphere, λ", ("surface_eigenvalue_order",), surface),
    Case("well_mixed", "Well-mixed limit", ("well_mixed_steady", "well_mixed_transient"), well_mixed),
    Case("crank", "Emptying sphere, M/M₀", ("crank_error", "crank_order"), crank),
    Case("conservation", "Change of conserved totals", ("mass_drift",), conservation),
)
