"""What a model of shapes is: it encodes shapes, decodes codes, draws new codes, and says how likely they are."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.population import Population
from cellml.types import Surface

Floats = NDArray[np.float64]


@runtime_checkable
class ShapeModel(Protocol):
    """A learned distribution over shapes: principal components, variational autoencoders and adversarial networks alike.

    A code is a row of K numbers. The task of every checkpoint of a shape model is one, so that `cellml generate`, `cellml morph` and the
    evaluation need no more than these four.
    """

    def encode(self, population: Population) -> Floats:
        """Codes of shapes, (N, K). Raises CellmlError where the model has no way back from a shape to a code."""
        ...

    def decode(self, codes: Floats) -> list[Surface]:
        """Surfaces of codes (N, K), lengths nm, in the frame that shapes were aligned to."""
        ...

    def sample(self, count: int, seed: int, condition: str = "") -> Floats:
        """New codes, (count, K). condition: such as a class, "" for none. Raises CellmlError for one the model does not know."""
        ...

    def log_density(self, codes: Floats) -> Floats:
        """Natural logarithm of the density of codes (N, K) in the space of codes, (N,). Raises CellmlError where the model has none."""
        ...
