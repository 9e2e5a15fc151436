"""Polyconvex energies: what holds by construction, closed forms, and a hidden law that is found from the force on a stretched body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.sim.analytic import box
from cellml.sim.constitutive.balance import Stretched
from cellml.sim.constitutive.convex_energy import ConvexEnergy
from cellml.sim.constitutive.learned_energy import learn_energy
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.conditions import Displacement

ENERGY = ConvexEnergy(units=3, reach=0.6)
Z = ENERGY.start(1000.0, 0.3) + np.array([0.0, 4.0, 5.0, 6.0, 0.1])


def density(F: torch.Tensor, z: Any = Z) -> torch.Tensor:
    return ENERGY.density(torch.as_tensor(z), (F**2).sum(), torch.linalg.det(F))


def body(energy: Any = ENERGY, *, pinched: bool = True, by: float = 0.5, steps: int = 4) -> Stretched:
    """A quarter of a bar, 2 µm long, pulled along x between planes of symmetry. pinched: the pulled end cannot shrink, so that neither
    strain nor stress is uniform; else it slides, as in a uniaxial test.
    """
    mesh = box((2000.0, 1000.0, 1000.0), (3, 1, 1), cuts=("x0", "x1", "y0", "z0"))

    def held(points: np.ndarray) -> np.ndarray:
        """All sets say the same, for where two sets meet the later one would take the node over."""
        values = np.where(points < 1e-9, 0.0, np.nan)
        pulled = points[:, 0] > 2.0 - 1e-9
        values[pulled, 0] = by
        if pinched:
            values[pulled, 1:] = 0.0
        return values

    ends = [Displacement(name, held) for name in ("cut_y0", "cut_z0", "cut_x0", "cut_x1")]
    return Stretched(mesh, energy, ends, on="cut_x1", axis=0, fractions=np.arange(1, steps + 1) / steps)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_no_weights_make_the_energy_lose_ellipticity(seed: int) -> None:
    """Along F + t a⊗b, with J > 0, the second derivative is not negative; at rest there is neither energy nor stress."""
    rng = np.random.default_rng(seed)
    z = Z + rng.normal(0, 2, len(Z))
    F = torch.tensor(np.eye(3) + 0.2 * rng.standard_normal((3, 3)))
    if torch.linalg.det(F) < 0.05:
        return
    line = torch.tensor(np.outer(rng.standard_normal(3), rng.standard_normal(3)))
    t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(density(F + t * line, z), t, create_graph=True)
    (second,) = torch.autograd.grad(first, t)
    assert float(second) >= -1e-9 * float(np.exp(z).max())
    rest = torch.eye(3, dtype=torch.float64, requires_grad=True)
    energy = density(rest, z)
    assert (
        abs(float(energy.detach())) < 1e-9 * np.exp(z).max() and torch.autograd.grad(energy, rest)[0].abs().max() < 1e-9 * np.exp(z).max()
    )


def test_forces_and_stiffness_are_derivatives_of_the_energy() -> None:
    one = body()
    rng = np.random.default_rng(0)
    u = 0.03 * rng.standard_normal(3 * one.space.size)

    def energy(at: np.ndarray) -> float:
        F, J = one._deformation(at)
        W = ENERGY.density(torch.as_tensor(Z), torch.from_numpy((F**2).sum(axis=(2, 3))), torch.from_numpy(J))
        return float((torch.from_numpy(one.space.weights) * W).sum())

    way, h = rng.standard_normal(len(u)), 1e-5
    assert one.force(Z, u) @ way == pytest.approx((energy(u + h * way) - energy(u - h * way)) / (2 * h), rel=1e-6)
    difference = (one.force(Z, u + h * way) - one.force(Z, u - h * way)) / (2 * h)
    assert np.allclose(one.stiffness(Z, u) @ way, difference, rtol=1e-6, atol=1e-5 * np.abs(difference).max())


def test_a_bar_with_free_sides_follows_the_uniaxial_curve() -> None:
    found = body(pinched=False).forces(torch.as_tensor(Z)).numpy()  # pN over an end of 1 µm²
    assert np.allclose(found, ENERGY.uniaxial(Z, 1 + 0.25 * np.arange(1, 5) / 4), rtol=1e-8)


def test_small_strain_is_hookes_law_of_the_start() -> None:
    z = ENERGY.start(1000.0, 0.3)
    assert ENERGY.uniaxial(z, np.array([1 + 1e-5]))[0] / 1e-5 == pytest.approx(1000.0, rel=0.01)


def test_adjoint_gradient_is_that_of_differences() -> None:
    one, theta = body(steps=2), torch.tensor(Z, requires_grad=True)
    weights = torch.tensor([1.0, -2.0], dtype=torch.float64)
    (slope,) = torch.autograd.grad((weights * one.forces(theta)).sum(), theta)
    for k in range(len(Z)):
        step = 1e-4 * np.eye(len(Z))[k]
        ends = [float((weights * one.forces(torch.as_tensor(Z + s * step))).sum()) for s in (1, -1)]
        assert float(slope[k]) == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-5, abs=1e-4)


@dataclass(frozen=True)
class Stiffening:
    """What nobody told the network: g′ = μ/2 exp(b (I − 3)), as tissues stiffen (Fung 1967); μ 400 Pa, λ 600 Pa, b 1.5."""

    def slopes(self, z: torch.Tensor, invariant: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        first = 200.0 * torch.exp(1.5 * (invariant - 3))
        return first, 1.5 * first

    def volume_slopes(self, z: torch.Tensor, volume: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return -400.0 / volume + 600.0 * (volume - 1), 400.0 / volume**2 + 600.0

    uniaxial, _across, _bar = ConvexEnergy.uniaxial, ConvexEnergy._across, ConvexEnergy._bar


def test_a_hidden_stiffening_law_is_found_from_the_force_on_a_pinched_bar() -> None:
    truth = Stiffening()
    exact = body(truth, by=0.6, steps=8).forces(torch.as_tensor(Z)).numpy()
    sd = np.full(8, 0.01 * exact[-1])
    measured = exact + sd * np.random.default_rng(1).standard_normal(8)
    found = learn_energy(body(by=0.6, steps=8), measured, sd, ENERGY.start(1000.0, 0.3))
    stretches = np.linspace(1.0, 1.3, 16)
    wanted = truth.uniaxial(Z, stretches)
    curve, low, high = found.uniaxial(stretches)
    assert found.chi2 < 20
    assert np.sqrt(np.mean((curve - wanted) ** 2)) < 0.1 * wanted[-1]
    assert (low[1:] < curve[1:]).all() and (curve[1:] < high[1:]).all()


def test_bad_settings_are_refused() -> None:
    with pytest.raises(SimulationError, match="a positive reach, got 0 and 1"):
        ConvexEnergy(units=0)
    with pytest.raises(SimulationError, match="No displacement is given on 'top'"):
        Stretched(box((100.0,) * 3, (1, 1, 1), cuts=("x0",)), ENERGY, [Displacement("cut_x0")], on="top", axis=0, fractions=[1.0])
    with pytest.raises(SimulationError, match="4 forces with positive deviations are needed, got 3"):
        learn_energy(body(), np.ones(3), np.ones(3), Z)
    with pytest.raises(SimulationError, match=r"not in balance at 100 %"):
        list(body(by=-2.5, steps=1).path(Z))
