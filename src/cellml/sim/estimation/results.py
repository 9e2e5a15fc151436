"""The folder that an estimation leaves."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cellml.io import atomic_path
from cellml.sim.constitutive.learned import LearnedLaw
from cellml.sim.constitutive.results import LAW_FILES, write_laws
from cellml.sim.estimation.chain import Chain
from cellml.sim.estimation.figures import PAIRS, PREDICTIVE, PROFILES, draw_pairs, draw_predictive, draw_profiles
from cellml.sim.estimation.fit import Fit
from cellml.sim.estimation.predictive import predictive
from cellml.sim.estimation.profile import Profile
from cellml.sim.quantities import from_base

ESTIMATES, CORRELATION, PROFILE, CHAIN, MODEL = "estimates.csv", "correlation.csv", "profiles.csv", "chain.csv", "model.yaml"
FILES = (ESTIMATES, CORRELATION, PROFILE, CHAIN, MODEL, PREDICTIVE, PROFILES, PAIRS, *LAW_FILES)


@dataclass(frozen=True)
class Estimate:
    """One parameter in the unit of the model file, with its 90 % interval and how that was found."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    source: str


def estimates(fit: Fit, profiles: Sequence[Profile] = (), chain: Chain | None = None) -> list[Estimate]:
    """A line for each parameter and each way to its interval; those that begin at the estimate are one-sided where it lies on a bound."""
    found = []
    for u, z in zip(fit.problem.unknowns, fit.z, strict=True):
        sides = ", one-sided" if u.bound_at(float(z)) else ""
        unit = fit.problem.model.parameters[u.name].quantity.unit
        scale = from_base(1.0, unit)
        intervals = [(f"Laplace{sides}", *fit.interval(u.name))]
        intervals += [(f"profile likelihood{sides}", p.low, p.high) for p in profiles if p.name == u.name]
        if chain is not None:
            intervals.append(("ensemble sampling", *chain.interval(u.name)))
        value = fit.values[u.name] * scale
        found += [Estimate(u.name, value, low * scale, high * scale, unit, source) for source, low, high in intervals]
    return found


def write_estimation(
    fit: Fit, profiles: Sequence[Profile], chain: Chain | None, folder: str | Path, laws: Sequence[LearnedLaw] = ()
) -> None:
    """Write an estimation as a folder that appears only when it is complete.

    estimates.csv     name, value, unit, low and high end of the 90 % interval, and how it was found
    correlation.csv   of the parameters (in z: logarithms of positive ones)
    predictive.png    measurements, the best fit, and the band of the posterior
    profiles.csv, profiles.png, chain.csv, pairs.png    where these were asked for
    laws.csv, laws.yaml    of learned laws: each with its band, and what to put into the model file for it
    model.yaml        the model file, if it was read from one
    """
    names = [u.name for u in fit.problem.unknowns]
    with atomic_path(folder) as aside:
        aside.mkdir()
        rows = [(e.name, repr(e.value), e.unit, repr(e.low), repr(e.high), e.source) for e in estimates(fit, profiles, chain)]
        _write(aside / ESTIMATES, ("name", "value", "unit", "low_90", "high_90", "interval"), rows)
        _write(aside / CORRELATION, ("", *names), [(n, *map(repr, row)) for n, row in zip(names, fit.correlation.tolist(), strict=True)])
        draw_predictive(fit, predictive(fit if chain is None else chain), aside / PREDICTIVE)
        if profiles:
            table = [(p.name, repr(float(z)), repr(float(rise))) for p in profiles for z, rise in zip(p.z, p.rise, strict=True)]
            _write(aside / PROFILE, ("name", "z", "rise"), table)
            draw_profiles(fit, profiles, aside / PROFILES)
        if chain is not None:
            samples = np.column_stack([[u.told(float(z)) for z in c] for u, c in zip(fit.problem.unknowns, chain.samples.T, strict=True)])
            heading = [f"{u.name} ({u.unit})" for u in fit.problem.unknowns]
            _write(aside / CHAIN, heading, [map(repr, row) for row in samples.tolist()])
            draw_pairs(chain, aside / PAIRS)
        if laws:
            write_laws(fit, laws, aside)
        if fit.problem.model.path is not None:
            (aside / MODEL).write_bytes(fit.problem.model.path.read_bytes())


def _write(path: Path, heading: Sequence[str], rows: Sequence[object]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(heading)
        table.writerows(rows)  # type: ignore[arg-type]
