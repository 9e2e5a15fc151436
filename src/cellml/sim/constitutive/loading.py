"""The stress in bodies that are strained evenly: a stored energy as the curves that rheometers draw.

With W = g(I) + h(J), I = tr FᵀF, the nominal stress is P = 2 g′ F + h′ J F⁻ᵀ; sides that nothing holds are where they have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
_LEAST, _MOST, _HALVINGS = 0.05, 5.0, 60


class Energy(Protocol):
    """Slopes of g and h, as `ConvexEnergy` gives them."""

    def slopes(self, z: Tensor, invariant: Tensor) -> tuple[Tensor, Tensor]:
        """g′ and g″ at I, in Pa."""
        ...

    def volume_slopes(self, z: Tensor, volume: Tensor) -> tuple[Tensor, Tensor]:
        """h′ and h″ at J, in Pa."""
        ...


Loading = Callable[[Energy, Floats, Floats], tuple[Floats, Floats]]


def uniaxial(energy: Energy, z: Floats, stretches: Floats) -> tuple[Floats, Floats]:
    """Nominal stress (n,) in Pa of a bar that is stretched along its length by (n,), its sides free; and its states I − 3 and J, (n, 2).

    z: (p,) of one energy, or (D, p) of several, whose stresses are (D, n) and states (D, n, 2). The sides' stretch is found by bisection
    between 0.05 and 5, for the stress across grows with it.
    """
    return _stretched(energy, z, stretches, held=1)


def biaxial(energy: Energy, z: Floats, stretches: Floats) -> tuple[Floats, Floats]:
    """The same of a sheet that is stretched alike along both of its sides, its thickness free."""
    return _stretched(energy, z, stretches, held=2)


def simple_shear(energy: Energy, z: Floats, amounts: Floats) -> tuple[Floats, Floats]:
    """Shear stress (n,) in Pa of a block whose top slides over its bottom by (n,) of its height, and its states; shapes as in `uniaxial`.

    P_xy = 2 g′(3 + γ²) γ, whatever h: shear does not change the volume.
    """
    theta = _several(z)
    amount = torch.as_tensor(amounts, dtype=torch.float64).expand(len(theta), -1)
    stress = 2 * energy.slopes(theta, 3 + amount**2)[0] * amount
    states = torch.stack([amount**2, torch.ones_like(amount)], dim=-1)
    return _shaped(stress, z), _shaped(states, z)


def _stretched(energy: Energy, z: Floats, stretches: Floats, held: int) -> tuple[Floats, Floats]:
    theta = _several(z)
    along = torch.as_tensor(stretches, dtype=torch.float64).expand(len(theta), -1)
    low, high = torch.full_like(along, _LEAST), torch.full_like(along, _MOST)
    for _ in range(_HALVINGS):
        side = (low + high) / 2
        slope, pressure, _ = _state(energy, theta, along, side, held)
        outward = 2 * slope * side + pressure * along**held * side ** (2 - held) > 0
        low, high = torch.where(outward, low, side), torch.where(outward, side, high)
    slope, pressure, states = _state(energy, theta, along, side, held)
    stress = 2 * slope * along + pressure * states[..., 1] / along
    return _shaped(stress, z), _shaped(states, z)


def _state(energy: Energy, z: Tensor, along: Tensor, side: Tensor, held: int) -> tuple[Tensor, Tensor, Tensor]:
    """g′, h′ and (I − 3, J) of a body stretched along `held` axes by `along` and along the others by `side`."""
    invariant, volume = held * along**2 + (3 - held) * side**2, along**held * side ** (3 - held)
    return energy.slopes(z, invariant)[0], energy.volume_slopes(z, volume)[0], torch.stack([invariant - 3, volume], dim=-1)


def _several(z: Floats) -> Tensor:
    """Energies (D, 1, p), D = 1 for z (p,)."""
    theta = torch.as_tensor(z, dtype=torch.float64)
    return theta.reshape(-1, 1, theta.shape[-1])


def _shaped(values: Tensor, z: Floats) -> Floats:
    """Without the axis of energies where z was one."""
    found = np.asarray(values.detach().numpy())
    return found if np.ndim(z) > 1 else found[0]
