"""A mixture of places: each component a range of the harmonic coordinate and a direction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.placement import Examples
from cellml.shapes.organelles.weights import evaluated, fit_module

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]

_EDGE = 1e-3  # the Beta density is taken this far from 0 and 1, where it may be infinite


@dataclass(frozen=True, eq=False)
class MixturePlacement:
    """q = Σ_k w_k Beta(u; a_k, b_k) vMF(n; μ_k, κ_k), normalised on [0, 1] times the sphere.

    The von Mises–Fisher density is κ exp(κ μ·n) / (4π sinh κ) (Fisher 1953). logits: (K,) of the weights; shapes: (K, 2), ln a and ln b;
    means: (K, 3) κ μ, whose length is κ.
    """

    logits: NDArray[np.float32]
    shapes: NDArray[np.float32]
    means: NDArray[np.float32]

    @cached_property
    def _module(self) -> Any:
        return _module(self.logits, self.shapes, self.means)

    def log_weight(self, harmonic: Floats, direction: Floats, size: Floats) -> Floats:
        """The ln q, (N,); the size plays no part."""
        return evaluated(self._module, harmonic, direction, size)


def fit_mixture(examples: Examples, components: int = 3, *, steps: int = 300, seed: int = 0) -> MixturePlacement:
    """Fit by the likelihood in the hosts, from components spread over u. Raises CellmlError for fewer than ten organelles a component."""
    if len(examples) < 10 * components:
        raise CellmlError(f"A mixture of {components} components needs {10 * components} organelles, and there are {len(examples)}.")
    rng = np.random.default_rng(seed)
    centres = (np.arange(components) + 0.5) / components
    shapes = np.log(np.column_stack([1 + 2 * centres, 1 + 2 * (1 - centres)]))
    means = 0.3 * rng.normal(size=(components, 3))
    found = fit_module(lambda: _module(np.zeros(components), shapes, means), examples, steps=steps, rate=0.03, decay=1e-3, seed=seed)
    return MixturePlacement(found["logits"], found["shapes"], found["means"])


def _module(logits: Any, shapes: Any, means: Any) -> Any:
    import torch
    from torch import nn

    class Mixture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits, self.shapes, self.means = (
                nn.Parameter(torch.tensor(np.asarray(value), dtype=torch.float32)) for value in (logits, shapes, means)
            )
            self.stages = [list(self.parameters())]

        def forward(self, u: Tensor, n: Tensor, size: Tensor) -> Tensor:
            u = u.clamp(_EDGE, 1 - _EDGE)[:, None]
            a, b = self.shapes.clamp(-2, 4).exp().unbind(dim=1)
            beta = (a - 1) * u.log() + (b - 1) * (1 - u).log() - torch.lgamma(a) - torch.lgamma(b) + torch.lgamma(a + b)
            kappa = self.means.norm(dim=1).clamp(1e-3)
            log_sinh = kappa + torch.log1p(-torch.exp(-2 * kappa)) - np.log(2)
            sphere = n @ self.means.T + kappa.log() - np.log(4 * np.pi) - log_sinh
            return torch.logsumexp(torch.log_softmax(self.logits, 0) + beta + sphere, dim=1)

    return Mixture()
