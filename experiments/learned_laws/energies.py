"""A hidden stiffening energy, learned from the forces on deformed bodies: which tests make which curve known, and do the bands hold it?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellml.report.rows import append_row, read_rows
from cellml.sim.analytic import box
from cellml.sim.constitutive.balance import Stretched
from cellml.sim.constitutive.convex_energy import ConvexEnergy
from cellml.sim.constitutive.learned_energy import LearnedEnergy, Pull, learn_energy
from cellml.sim.constitutive.loading import Loading, biaxial, simple_shear, uniaxial
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.conditions import Displacement

Floats = NDArray[np.float64]
FAMILY, STEPS = ConvexEnergy(units=4, reach=1.0), 4
COLUMNS = (
    *("tests", "curve", "seed", "inside", "half_width", "seen", "inside_unseen", "half_width_unseen"),
    *("error", "chi2", "effective", "draws", "cpu_s"),
)
CURVES: dict[str, tuple[Loading, Floats]] = {
    "uniaxial": (uniaxial, np.linspace(1.01, 1.3, 20)),
    "biaxial": (biaxial, np.linspace(1.01, 1.3, 20)),
    "shear": (simple_shear, np.linspace(0.02, 0.8, 20)),
}


class Stiffening:
    """g′ = μ/2 exp(b (I − 3)), as tissues stiffen (Fung 1967), and h of the family; μ, λ in Pa. No z of the family is it."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 11])
        self.mu, self.lam, self.b = float(rng.uniform(250, 600)), float(rng.uniform(300, 1200)), float(rng.uniform(0.5, 1.5))

    def slopes(self, z: torch.Tensor, invariant: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """g′ and g″, in Pa; z plays no part."""
        first = self.mu / 2 * torch.exp(self.b * (invariant - 3))
        return first, self.b * first

    def volume_slopes(self, z: torch.Tensor, volume: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """h′ and h″, in Pa."""
        return -self.mu / volume + self.lam * (volume - 1), self.mu / volume**2 + self.lam


def pinched_bar(energy: Any) -> Stretched:
    """A bar 4 µm long and 2 µm wide (an eighth of it) that is stretched by 30 % between ends that cannot shrink."""
    return _bar(energy, pinched=True)


def sliding_bar(energy: Any) -> Stretched:
    """The same whose ends slide, as in a uniaxial test."""
    return _bar(energy, pinched=False)


def sheared_block(energy: Any) -> Stretched:
    """A cube of 1 µm whose top moves by 0.7 µm along x, its sides free."""
    mesh = box((1000.0, 1000.0, 1000.0), (1, 1, 2), cuts=("z0", "z1"))
    ends = [Displacement("cut_z0"), Displacement("cut_z1", (0.7, 0.0, 0.0))]
    return Stretched(mesh, energy, ends, on="cut_z1", axis=0, fractions=np.arange(1, STEPS + 1) / STEPS)


def _bar(energy: Any, *, pinched: bool) -> Stretched:
    mesh = box((2000.0, 1000.0, 1000.0), (2, 1, 1), cuts=("x0", "x1", "y0", "z0"))

    def held(points: Floats) -> Floats:
        values = np.where(points < 1e-9, 0.0, np.nan)
        pulled = points[:, 0] > 2.0 - 1e-9
        values[pulled, 0] = 0.6
        if pinched:
            values[pulled, 1:] = 0.0
        return values

    ends = [Displacement(name, held) for name in ("cut_y0", "cut_z0", "cut_x0", "cut_x1")]
    return Stretched(mesh, energy, ends, on="cut_x1", axis=0, fractions=np.arange(1, STEPS + 1) / STEPS)


Body = Callable[[Any], Stretched]
TESTS: dict[str, Sequence[Body]] = {"one pinched bar": (pinched_bar,), "bar and shear": (sliding_bar, sheared_block)}


def learned(tests: str, seed: int, noise: float = 0.01) -> LearnedEnergy:
    """The posterior from forces with errors whose sd is a share of the largest one."""
    truth, rng, pulls = Stiffening(seed), np.random.default_rng([seed, 13]), []
    for body in TESTS[tests]:
        exact = body(truth).forces(torch.zeros(FAMILY.size, dtype=torch.float64)).numpy()
        sd = np.full(STEPS, noise * exact[-1])
        pulls.append(Pull(body(FAMILY), exact + sd * rng.standard_normal(STEPS), sd))
    return learn_energy(pulls, FAMILY.start(1000.0, 0.3), draws=64, rounds=12, enough=40.0, seed=seed)


def rows(tests: str, seed: int) -> list[dict[str, object]]:
    """For each curve: share of strains at which the band holds the truth, where states were visited and elsewhere; relative half-widths.

    Where the posterior cannot be drawn from there is one row, whose cells say so.
    """
    began, truth = time.process_time(), Stiffening(seed)
    try:
        found = learned(tests, seed)
    except SimulationError as error:
        empty = dict.fromkeys(COLUMNS[3:], "") | {"cpu_s": f"{time.process_time() - began:.1f}"}
        return [{"tests": tests, "curve": f"refused: {error}", "seed": seed, **empty}]
    cpu, read = time.process_time() - began, []
    for name, (loading, strains) in CURVES.items():
        curve, (wanted, _) = found.curve(loading, strains), loading(truth, np.zeros(FAMILY.size), strains)
        inside, half = (curve.low <= wanted) & (wanted <= curve.high), (curve.high - curve.low) / 2 / wanted
        read.append(
            {
                "tests": tests,
                "curve": name,
                "seed": seed,
                "inside": f"{inside[curve.seen].mean():.4f}",
                "half_width": f"{half[curve.seen].mean():.4f}",
                "seen": f"{curve.seen.mean():.4f}",
                "inside_unseen": f"{inside[~curve.seen].mean():.4f}" if (~curve.seen).any() else "",
                "half_width_unseen": f"{half[~curve.seen].mean():.4f}" if (~curve.seen).any() else "",
                "error": f"{np.abs(curve.stress / wanted - 1)[curve.seen].mean():.4f}",
                "chi2": f"{found.chi2:.2f}",
                "effective": f"{found.draws.effective:.0f}",
                "draws": len(found.draws.z),
                "cpu_s": f"{cpu:.1f}",
            }
        )
    return read


def write_rows(path: Path, seeds: int) -> None:
    """Rows of all tests and seeds that are not in the table yet, seed by seed."""
    done = {(row["tests"], int(row["seed"])) for row in read_rows(path)}
    for seed in range(seeds):
        for tests in TESTS:
            if (tests, seed) not in done:
                for row in rows(tests, seed):
                    append_row(path, row)
