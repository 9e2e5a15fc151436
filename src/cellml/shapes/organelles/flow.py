"""A small normalising flow on harmonic coordinate and direction, conditional on the organelle's size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.placement import Examples
from cellml.shapes.organelles.splines import spline
from cellml.shapes.organelles.weights import evaluated, fit_module

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]

_BINS = 6
_FEWEST = 30


@dataclass(frozen=True, eq=False)
class FlowPlacement:
    """q = p(u, n | s), an autoregressive flow with exact density on [0, 1] times the sphere.

    The chart of the sphere is (cos θ, φ), whose area element is constant (Rezende et al., ICML 2020): u given s, then (cos θ + 1) / 2 given
    u and s, then φ / 2π given the rest, each through a monotone spline of its own network; the one of φ has equal slopes at both ends, for
    it is a circle. The density is the product of the three slopes over 4π. Networks answer 0 at first, so that q begins as uniform;
    directions are learned after u, and each only as far as other hosts confirm it.
    weights: by name; width: of the hidden layers; size_mean, size_spread: of ln volume in
    the examples, the spread infinite where the size plays no part.
    """

    weights: Mapping[str, NDArray[np.float32]]
    width: int
    size_mean: float
    size_spread: float

    @cached_property
    def _module(self) -> Any:
        import torch

        module = _module(self.width, self.size_mean, self.size_spread, seed=0)
        module.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in self.weights.items()})
        return module

    def log_weight(self, harmonic: Floats, direction: Floats, size: Floats) -> Floats:
        """The ln q, (N,)."""
        return evaluated(self._module, harmonic, direction, size)


def fit_flow(
    examples: Examples, *, width: int = 16, steps: int = 60, decay: float = 1.0, sized: bool = True, seed: int = 0
) -> FlowPlacement:
    """Fit by the likelihood in the hosts. width: of the hidden layers; steps: at most, of each stage; decay: of the weights; sized: let
    places depend on the size. Raises CellmlError for fewer than 30 organelles, which such a flexible model would memorise.
    """
    if len(examples) < _FEWEST:
        raise CellmlError(f"A flow needs {_FEWEST} organelles or more, and there are {len(examples)}; use the logistic placement.")
    mean, spread = float(examples.size.mean()), float(max(examples.size.std(), 1e-6)) if sized else float("inf")
    found = fit_module(lambda: _module(width, mean, spread, seed), examples, steps=steps, rate=3e-3, decay=decay, seed=seed)
    return FlowPlacement(found, width, mean, spread)


def _module(width: int, mean: float, spread: float, seed: int) -> Any:
    import torch
    from torch import nn

    class Flow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.networks = nn.ModuleList(_network(inputs, width) for inputs in (1, 2, 3))
            first, *others = self.networks
            self.stages = [list(first.parameters()), [p for network in others for p in network.parameters()]]

        def forward(self, u: Tensor, n: Tensor, size: Tensor) -> Tensor:
            s = ((size - mean) / spread).clamp(-3, 3)
            c, phi = 0.5 * (n[:, 2].clamp(-1, 1) + 1), torch.remainder(torch.atan2(n[:, 1], n[:, 0]) / (2 * np.pi), 1.0)
            total = torch.full_like(u, -float(np.log(4 * np.pi)))
            known = [s]
            for number, (x, network) in enumerate(zip((u, c, phi), self.networks, strict=True)):
                widths, heights, slopes = network(torch.stack(known, dim=1)).split((_BINS, _BINS, _BINS + 1), dim=1)
                if number == 2:
                    slopes = torch.cat([slopes[:, :-1], slopes[:, :1]], dim=1)
                total = total + spline(x.clamp(0, 1), widths, heights, slopes)[1]
                known.append(2 * x - 1)
            return total

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Flow()


def _network(inputs: int, width: int) -> Any:
    from torch import nn

    last = nn.Linear(width, 3 * _BINS + 1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), last)
