"""A stored energy of free form that is polyconvex: an input-convex network in the first invariant, and a penalty on volume.

    W(F) = g(I) − g(3) − 2 g′(3) ln J + λ/2 (J − 1)²,    I = tr FᵀF,  J = det F
    g(I) = w_0 I + Σ_k w_k ln(1 + exp(s (I − 3 − m_k))) / s,    w_k ≥ 0 (> 0 for k = 0),  s > 0

g is convex and grows (Amos, Xu & Kolter 2017: positive weights on convex, growing units), I is convex in F, −ln J and (J − 1)² in J: W is
polyconvex (Ball 1977), hence has minimisers, whatever the weights. P(I) = 0 by the third term. With w_k = 0 it is neo-Hookean, μ = 2 w_0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.sim.errors import SimulationError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ConvexEnergy:
    """The family of energies. units: K; reach: largest I − 3 that is expected, over which the m_k = reach k/K are spread.

    An energy of it is a vector z (K + 2,) of logarithms: w_0, w_1 … w_K and λ, all in Pa. s = 2K/reach, so that units overlap. Raises
    SimulationError for fewer than one unit and a reach that is not positive.
    """

    units: int = 5
    reach: float = 1.0

    def __post_init__(self) -> None:
        if self.units < 1 or not self.reach > 0:
            raise SimulationError(f"A convex energy needs one unit or more and a positive reach, got {self.units} and {self.reach:g}.")

    @property
    def size(self) -> int:
        """Numbers of z."""
        return self.units + 2

    def start(self, young: float, poisson: float) -> Floats:
        """Z of a solid that is nearly neo-Hookean: with E (Pa) and ν at small strain, and units of a hundredth of w_0."""
        mu, lam = young / (2 * (1 + poisson)), young * poisson / ((1 + poisson) * (1 - 2 * poisson))
        return np.log([mu / 2, *[mu / 200] * self.units, lam])

    def slopes(self, z: Tensor, invariant: Tensor) -> tuple[Tensor, Tensor]:
        """g′ and g″ at I (…), in Pa; differentiable by z (K + 2,) and I."""
        s = 2 * self.units / self.reach
        w = z.exp()
        middles = self.reach * torch.arange(1, self.units + 1, dtype=z.dtype) / self.units
        gate = torch.sigmoid(s * (invariant[..., None] - 3 - middles))
        return w[0] + (w[1:-1] * gate).sum(-1), s * (w[1:-1] * gate * (1 - gate)).sum(-1)

    def density(self, z: Tensor, invariant: Tensor, volume: Tensor) -> Tensor:
        """W at I (…) and J (…), in Pa (= pN µm/µm³)."""
        rest = torch.full((), 3.0, dtype=z.dtype)
        slope = self.slopes(z, rest)[0]
        return self._g(z, invariant) - self._g(z, rest) - 2 * slope * volume.log() + 0.5 * z[-1].exp() * (volume - 1) ** 2

    def _g(self, z: Tensor, invariant: Tensor) -> Tensor:
        s = 2 * self.units / self.reach
        w = z.exp()
        middles = self.reach * torch.arange(1, self.units + 1, dtype=z.dtype) / self.units
        units = torch.nn.functional.softplus(s * (invariant[..., None] - 3 - middles)) / s
        return w[0] * invariant + (w[1:-1] * units).sum(-1)

    def volume_slopes(self, z: Tensor, volume: Tensor) -> tuple[Tensor, Tensor]:
        """h′ and h″ at J (…) of h(J) = −2 g′(3) ln J + λ/2 (J − 1)², in Pa."""
        slope, lam = self.slopes(z, torch.full((), 3.0, dtype=z.dtype))[0], z[-1].exp()
        return -2 * slope / volume + lam * (volume - 1), 2 * slope / volume**2 + lam

    def uniaxial(self, z: Any, stretches: Floats) -> Floats:
        """Nominal stress (n,) in Pa of a bar that is stretched by (n,) and free at its sides: the law as a curve.

        The side's stretch is found by bisection, for it is where the stress across vanishes, which grows with it.
        """
        theta, along = torch.as_tensor(z, dtype=torch.float64), torch.as_tensor(stretches, dtype=torch.float64)
        low, high = torch.full_like(along, 0.05), torch.full_like(along, 5.0)
        for _ in range(80):
            side = (low + high) / 2
            outward = self._across(theta, along, side) > 0
            low, high = torch.where(outward, low, side), torch.where(outward, side, high)
        slope, pressure = self._bar(theta, along, side)
        return np.asarray((2 * slope * along + pressure * side**2).detach().numpy())

    def _across(self, z: Tensor, along: Tensor, side: Tensor) -> Tensor:
        slope, pressure = self._bar(z, along, side)
        return 2 * slope * side + pressure * along * side

    def _bar(self, z: Tensor, along: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
        """g′ and h′ of a bar with these stretches."""
        return self.slopes(z, along**2 + 2 * side**2)[0], self.volume_slopes(z, along * side**2)[0]
