"""The physics in the loss: how far simulated answers of a prediction are from those of the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError


class PhysicsLoss(nn.Module):
    """w · mean over observables of ρ(ln(predicted / true)), ρ(r) = 2 s² (√(1 + (r/s)²) − 1).

    ρ is r² for small errors and grows like 2 s |r| for large ones (pseudo-Huber; Charbonnier et al. 1997), so that a neck that is about to
    break, whose conductance tends to 0, does not rule a step. An answer that could not be had teaches nothing.
    observables: by name, such as `cellml.sim.shape_gradient.observables`, positive numbers all of them; weight: w; robust: s, in logarithms
    (0.3: a third too large).
    """

    def __init__(self, observables: Mapping[str, Any], weight: float = 1.0, robust: float = 0.3) -> None:
        super().__init__()
        if not observables or not weight >= 0 or not robust > 0:
            raise CellmlError(
                f"A physics loss needs at least one observable, a weight of 0 or more and a positive scale, got {len(observables)} "
                f"observables, {weight} and {robust}."
            )
        self.observables, self.weight, self.robust = dict(observables), weight, robust
        self.asked = self.missing = 0  # answers since the beginning, and those that could not be had

    @property
    def left_out(self) -> float:
        """Share of the answers that could not be had, and so taught nothing."""
        return self.missing / max(1, self.asked)

    def errors(self, predicted: Tensor, truth: Tensor) -> Tensor:
        """ρ of each observable, (O',): those of which both answers are finite and positive. predicted, truth: (O,).

        Raises CellmlError where there are not as many true answers as predicted ones.
        """
        if predicted.shape != truth.shape:
            raise CellmlError(
                f"Data have answers of shape {tuple(truth.shape)}, the loss asks for {tuple(predicted.shape)}: data.answers.observables "
                f"must be those of task.physics.observables ({', '.join(self.observables)}), in the same order."
            )
        truth = truth.to(predicted)
        there = torch.isfinite(predicted.detach()) & torch.isfinite(truth) & (predicted.detach() > 0) & (truth > 0)
        apart = (predicted[there].log() - truth[there].log()) / self.robust
        return 2 * self.robust**2 * ((1 + apart.square()).sqrt() - 1)

    def forward(self, predicted: Tensor, truth: Tensor) -> Tensor:
        """The weighted loss, a float32 scalar; 0 where no observable has both answers."""
        errors = self.errors(predicted, truth)
        self.asked, self.missing = self.asked + len(predicted), self.missing + len(predicted) - len(errors)
        return (self.weight * errors.mean()).float() if len(errors) else torch.zeros((), device=predicted.device)
