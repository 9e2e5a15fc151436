"""The verb `estimate`."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.table import Table

    from cellml.sim.estimation.chain import Chain
    from cellml.sim.estimation.fit import Fit
    from cellml.sim.estimation.profile import Profile
    from cellml.sim.estimation.time_step import StepShift


def estimate_file(
    mesh: str | Path,
    model: str | Path,
    measurements: str | Path,
    output: str | Path,
    *,
    unknowns: list[str] | None = None,
    uncertainty: Literal["laplace", "profile", "sampling"] = "laplace",
    samples: int = 1000,
    seed: int = 0,
    places: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    laws: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Fit:
    """Find parameters of a model from measured time courses, and say how far they may be off.

    mesh: a file that `cellml.io.read_mesh` knows; model: a model file, or the name of a shipped model; measurements: CSV, see
    `cellml.sim.estimation.measurements.read_measurements`; output: a new or empty folder, see `write_estimation`; unknowns: names (default:
    those with `estimate: true`); uncertainty: Laplace's approximation always, and beside it profile likelihoods or ensemble sampling
    (`samples` steps of each walker); places, parameters: see `cellml.sim.overrides.overridden`; laws: by the name of a reaction, the
    arguments of a `MonotoneLaw` that is learned in place of its rate; overwrite: replace older results.

    Raises FileError for files that cannot be read and an output that is taken, SimulationError where model, mesh and data do not fit, or
    the data do not determine a parameter; nothing has been written then.
    """
    from rich.console import Console

    from cellml.io import read_mesh
    from cellml.sim.constitutive.learned import learned_laws, softened_fit, visited_note
    from cellml.sim.constitutive.monotone import monotone_laws, with_laws
    from cellml.sim.estimation.chain import sample
    from cellml.sim.estimation.fit import maximum_posterior
    from cellml.sim.estimation.measurements import read_measurements
    from cellml.sim.estimation.problem import Problem
    from cellml.sim.estimation.profile import profile
    from cellml.sim.estimation.progress import solutions_progress
    from cellml.sim.estimation.results import FILES, write_estimation
    from cellml.sim.estimation.time_step import step_shift, step_warnings
    from cellml.sim.estimation.unknowns import unknowns as sought_in
    from cellml.sim.model_file import load_model
    from cellml.sim.overrides import overridden
    from cellml.sim.results import require_free
    from cellml.sim.shipped import find_model

    console = Console(soft_wrap=True, highlight=False, markup=False)
    require_free(output, overwrite=overwrite, known=FILES)
    sought_laws = monotone_laws(laws or {})
    described = with_laws(overridden(load_model(find_model(model)), places=places, parameters=parameters), sought_laws)
    if unknowns is not None:
        unknowns = [*unknowns, *(name for reaction, law in sought_laws.items() for name in law.names(reaction))]
    sought, measured, shape = sought_in(described, unknowns), read_measurements(measurements, described), read_mesh(mesh)
    with solutions_progress(console) as tell:
        fit = (softened_fit if sought_laws else maximum_posterior)(Problem(shape, described, sought, measured, tell=tell))
        profiles = [profile(fit, u.name) for u in sought] if uncertainty == "profile" else []
        chain = sample(fit, steps=samples, seed=seed) if uncertainty == "sampling" else None
        warnings, shift = step_warnings(fit), step_shift(fit)
        learned = learned_laws(fit, sought_laws)
        write_estimation(fit, profiles, chain, output, learned)
    console.print(estimate_table(fit, profiles, chain))
    for line in (*(f"Warning: {warning}" for warning in warnings), *_notes(fit, profiles, chain, shift), *map(visited_note, learned)):
        console.print(line)
    console.print(f"Results are in {output}")
    return fit


def estimate_table(fit: Fit, profiles: list[Profile], chain: Chain | None) -> Table:
    """The estimates as a table for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from cellml.report.markup import unit_text
    from cellml.sim.estimation.results import estimates

    table = Table("parameter", "estimate", "90 % from", "to", "unit", "interval by", box=SIMPLE_HEAD, pad_edge=False)
    for e in estimates(fit, profiles, chain):
        table.add_row(e.name, f"{e.value:.4g}", f"{e.low:.4g}", f"{e.high:.4g}", unit_text(e.unit), e.source)
    return table


def _notes(fit: Fit, profiles: list[Profile], chain: Chain | None, shift: StepShift) -> list[str]:
    """What a reader should know beside the numbers."""
    from scipy.stats import chi2

    from cellml.report.markup import unit_text

    degrees = fit.count - len(fit.z)
    notes = [f"chi² = {fit.chi2:.1f} for {fit.count} measurements and {len(fit.z)} parameter{'s' if len(fit.z) > 1 else ''}"]
    notes += [f"empty cells under {m.observable}, taken as not measured: {m.empty}" for m in fit.problem.measurements if m.empty]
    notes += [shift.note] if shift.note else []
    if degrees > 0 and chi2.sf(fit.chi2, degrees) < 0.01:
        what = "with this time step the model" if shift.note else "the model"
        notes.append(f"Note: {what} does not describe these data within their errors (p < 0.01); its intervals are too narrow.")
    for u, z in zip(fit.problem.unknowns, fit.z, strict=True):
        if side := u.bound_at(float(z)):
            notes.append(
                f"Note: {u.name} lies on its bound, the {side} one at {u.told(float(z)):.4g} {unit_text(u.unit)}: values beyond it may "
                "describe the data better, and its interval is one-sided. Move the bound if it is not a fact."
            )
    strong = [
        f"{a.name} and {b.name} ({fit.correlation[i, j]:+.2f})"
        for i, a in enumerate(fit.problem.unknowns)
        for j, b in enumerate(fit.problem.unknowns)
        if j > i and abs(fit.correlation[i, j]) > 0.95
    ]
    if strong:
        notes.append(f"Note: the data hardly tell apart {', '.join(strong)} (correlation).")
    open_ = [p.name for p in profiles if p.low == 0.0 or not (isfinite(p.low) and isfinite(p.high))]
    notes += [f"Note: the data do not bound {name} on one side." for name in open_]
    if chain is not None:
        enough = "" if chain.converged else "; too few: take more samples"
        R = chain.split_r.max()
        notes.append(f"{chain.effective:.0f} independent samples, acceptance {chain.acceptance:.2f}, R̂ at most {R:.3f}{enough}")
    return notes
