"""Hidden rate laws of three kinds, learned from noisy amounts: does the band hold the law?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.report.rows import append_row, read_rows
from cellml.sim.analytic import ball
from cellml.sim.constitutive.learned import LearnedLaw, learn_rate_laws, learned_laws
from cellml.sim.constitutive.monotone import MonotoneLaw
from cellml.sim.estimation.measurements import Measurement
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.sim.quantities import Quantity
from cellml.sim.simulator import Simulator

Floats = NDArray[np.float64]
# 12600 molecules leave a ball of 1 µm through its membrane; only their number is measured, 20 times in 3 s.
TEXT = """
species: {{A: {{in: "*", D: {{value: 20, unit: um^2/s}}, initial: {{value: 5, unit: uM}}}}}}
parameters:
  V: {{value: {V!r}, unit: molecule/um^2/s}}
  K: {{value: {K!r}, unit: uM}}
  n: {{value: {n!r}, unit: dimensionless}}
reactions: [{{name: efflux, on: membrane, equation: A -> 0, rate: "{rate}"}}]
time: {{end: {{value: 3, unit: s}}, steps: 20}}
observables: [{{type: amount, of: A}}]
"""
RATES = {"Michaelis–Menten": "V*A/(K + A)", "Hill": "V*hill(A, K, n)", "linear": "V*A/K"}
TOP, SCALE, PLACES = "6 uM", "300 molecule/um^2/s", 10


@dataclass(frozen=True)
class Hidden:
    """A law that the network is not told. kind: of `RATES`; V in molecules/µm²/s, K in µM."""

    kind: str
    V: float
    K: float
    n: float

    @property
    def model(self) -> Model:
        """The model with the law."""
        return parse_model(TEXT.format(V=self.V, K=self.K, n=self.n, rate=RATES[self.kind]), Path("efflux.yaml"))

    def rate(self, concentrations: Floats) -> Floats:
        """The law at (n,) molecules/µm³, in molecules/µm²/s."""
        values = self.model.values()
        return np.asarray(self.model.reactions[0].rate.evaluate({**values, "A": concentrations}), float)


def hidden(kind: str, seed: int) -> Hidden:
    """V, K and n drawn evenly, such that most of the molecules leave within 3 s."""
    rng = np.random.default_rng([seed, list(RATES).index(kind)])
    low, high = {"Michaelis–Menten": (0.5, 3.0), "Hill": (1.0, 3.0), "linear": (2.0, 5.0)}[kind]
    return Hidden(kind, float(rng.uniform(300, 700)), float(rng.uniform(low, high)), float(rng.uniform(2.0, 4.0)))


def learned(law: Hidden, units: int, noise: float, seed: int) -> tuple[LearnedLaw, float]:
    """The law as learned from one noisy course, and chi². noise: sd of each measurement as a share of the first amount."""
    mesh = ball(1000.0, 1)
    answer = Simulator(mesh, law.model)({})
    times, amounts = answer.times.numpy(), answer.courses["A_amount_final"].detach().numpy()
    sd = np.full(len(times) - 1, noise * amounts[0])
    measured = Measurement("A_amount_final", times[1:], amounts[1:] + sd * np.random.default_rng([seed, 7]).standard_normal(len(sd)), sd)
    laws = {"efflux": MonotoneLaw("A", TOP, SCALE, units=units)}
    fit = learn_rate_laws(mesh, law.model, laws, [measured], names=[])
    return learned_laws(fit, laws)[0], fit.chi2


def row(kind: str, units: int, noise: float, seed: int) -> dict[str, object]:
    """Shares of concentrations at which the band holds the law: of the visited range and its tenths, below and above it; mean widths."""
    began, law = time.process_time(), hidden(kind, seed)
    found, chi2 = learned(law, units, noise, seed)
    wanted, seen = law.rate(found.concentrations), found.seen
    inside = (found.low <= wanted * (1 + 1e-9)) & (wanted <= found.high * (1 + 1e-9))
    scale = wanted[seen].max()
    width, below, above = (found.high - found.low) / scale, ~seen & (found.concentrations < found.visited[0]), ~seen
    above = above & ~below
    tenths = np.array_split(inside[seen], PLACES)
    return {
        "kind": kind,
        "units": units,
        "noise": noise,
        "seed": seed,
        "inside": f"{inside[seen].mean():.4f}",
        "width": f"{width[seen].mean():.4f}",
        "error": f"{np.sqrt(np.mean((found.rate - wanted)[seen] ** 2)) / scale:.4f}",
        "chi2": f"{chi2:.2f}",
        "inside_below": f"{inside[below].mean():.4f}",
        "width_below": f"{width[below].mean():.4f}",
        "inside_above": f"{inside[above].mean():.4f}",
        "width_above": f"{width[above].mean():.4f}",
        "tenths": " ".join(f"{part.mean():.2f}" for part in tenths),
        "cpu_s": f"{time.process_time() - began:.2f}",
    }


def write_rows(path: Path, settings: list[tuple[int, float]], seeds: int) -> None:
    """Rows of all kinds, settings (units, noise) and seeds that are not in the table yet, seed by seed."""
    done = {(r["kind"], int(r["units"]), float(r["noise"]), int(r["seed"])) for r in read_rows(path)}
    for units, noise in settings:
        for seed in range(seeds):
            for kind in RATES:
                if (kind, units, noise, seed) not in done:
                    append_row(path, row(kind, units, noise, seed))


def write_examples(path: Path, units: int, noise: float) -> None:
    """The law, its estimate and its band for seed 0 of each kind, in µM and molecules/µm²/s."""
    if path.is_file():
        return
    micromolar = Quantity(1.0, "uM").base
    for kind in RATES:
        law = hidden(kind, 0)
        found, _ = learned(law, units, noise, 0)
        wanted = law.rate(found.concentrations)
        for cells in zip(found.concentrations / micromolar, wanted, found.rate, found.low, found.high, found.seen, strict=True):
            numbers = dict(zip(("concentration_um", "law", "rate", "low", "high"), (f"{float(x):.6g}" for x in cells[:5]), strict=True))
            append_row(path, {"kind": kind, **numbers, "visited": int(cells[5])})
