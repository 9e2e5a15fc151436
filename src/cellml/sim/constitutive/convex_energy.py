"""A stored energy of free form that is polyconvex: an input-convex network in the first invariant, and a penalty on volume.

    W(F) = g(I) − g(3) − 2 g′(3) ln J + λ/2 (J − 1)²,    I = tr FᵀF,  J = det F
    g(I) = w_0 I + Σ_k w_k ln(1 + exp(s (I − 3 − m_k))) / s,    w_k ≥ 0 (> 0 for k = 0),  s > 0

g is convex and grows (Amos, Xu & Kolter 2017: positive weights on convex, growing units), I is convex in F, −ln J and (J − 1)² in J: W is
polyconvex (Ball 1977), hence has minimisers, whatever the weights. P(I) = 0 by the third term. With w_k = 0 it is neo-Hookean, μ = 2 w_0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.sim.errors import SimulationError

Floats = NDArray[np.float64]
_SHARE = 0.25


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
        """Z of a solid with the shear modulus of E (Pa) and ν at small strain, whose units are a quarter of w_0 each: a prior's centre.

        Units add 4 g″(3) to the resistance to change of volume, so that E itself is some per cent higher.
        Much smaller units would make a solid that stiffens in one place likelier than one that stiffens evenly, and bands miss the latter.
        """
        mu, lam = young / (2 * (1 + poisson)), young * poisson / ((1 + poisson) * (1 - 2 * poisson))
        at_rest = _SHARE / (1 + np.exp(2.0 * np.arange(1, self.units + 1)))
        first = mu / 2 / (1 + at_rest.sum())
        return np.log([first, *[_SHARE * first] * self.units, lam])

    def slopes(self, z: Tensor, invariant: Tensor) -> tuple[Tensor, Tensor]:
        """g′ and g″ at I (…), in Pa; differentiable by z (K + 2,) and I. Several energies, z (D, 1, K + 2), take I of (n,) or (D, n)."""
        s = 2 * self.units / self.reach
        w = z.exp()
        middles = self.reach * torch.arange(1, self.units + 1, dtype=z.dtype) / self.units
        gate = torch.sigmoid(s * (invariant[..., None] - 3 - middles))
        units = w[..., 1:-1] * gate
        return w[..., 0] + units.sum(-1), s * (units * (1 - gate)).sum(-1)

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
        slope, lam = self.slopes(z, torch.full((), 3.0, dtype=z.dtype))[0], z[..., -1].exp()
        return -2 * slope / volume + lam * (volume - 1), 2 * slope / volume**2 + lam
