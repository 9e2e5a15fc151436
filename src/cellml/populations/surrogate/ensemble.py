"""A deep ensemble: several small networks, trained from different beginnings, whose disagreement tells where they know little.

Each member predicts y_m(x) = A_m x + f_m(x) with a linear part and a network of two hidden layers, on standardised features and
observables, and has a variance for each observable; the answer is the mixture of the members (Lakshminarayanan, Pritzel & Blundell 2017,
arXiv:1612.01474). A member is drawn towards its own beginning rather than towards zero, so that members go on to disagree where there are
no data (Pearce et al. 2020, arXiv:1810.05546).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cellml.errors import CellmlError

Floats = NDArray[np.float64]

FEWEST = 4  # shapes to learn from
_LOW, _HIGH = -9.0, 2.0  # of the logarithm of a variance, in standardised units


class DeepEnsemble(nn.Module):
    """Features (B, K) → mean and standard deviation (B, T) of observables, in the units of the data that it was fitted to.

    features, observables: K and T; members: M networks; width: of their hidden layers; steps, rate: of the optimiser (Adam, all rows in
    each step); anchor: how strongly weights are drawn to where they began, against one row of data; seed: of the beginnings. All members
    are computed together: weights are (M, in, out). Raises CellmlError for numbers that make no network.
    """

    x_middle: Tensor
    x_spread: Tensor
    y_middle: Tensor
    y_spread: Tensor

    def __init__(
        self,
        features: int,
        observables: int,
        members: int = 8,
        width: int = 32,
        steps: int = 300,
        rate: float = 0.01,
        anchor: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if min(features, observables, width, steps) < 1 or members < 2 or rate <= 0 or anchor < 0:
            raise CellmlError(
                f"An ensemble needs a feature, an observable, two members, a width and a step, got {features}, {observables}, {members}, "
                f"{width}, {steps}; its rate is positive ({rate}) and its anchor not negative ({anchor})."
            )
        self.features, self.observables, self.members, self.steps, self.rate, self.anchor = (
            features,
            observables,
            members,
            steps,
            rate,
            anchor,
        )
        draw = torch.Generator().manual_seed(seed)
        sizes = {"linear": (features, observables), "first": (features, width), "second": (width, width), "last": (width, observables)}
        self.weights = nn.ParameterDict({n: nn.Parameter(torch.randn(members, *s, generator=draw) / s[0] ** 0.5) for n, s in sizes.items()})
        self.biases = nn.ParameterDict({n: nn.Parameter(torch.zeros(members, 1, s[1])) for n, s in sizes.items() if n != "linear"})
        self.log_variance = nn.Parameter(torch.full((members, 1, observables), -2.0))
        for name, size, value in (
            ("x_middle", features, 0.0),
            ("x_spread", features, 1.0),
            ("y_middle", observables, 0.0),
            ("y_spread", observables, 1.0),
        ):
            self.register_buffer(name, torch.full((size,), value))

    def standard(self, x: Tensor) -> Tensor:
        """Standardised means of the members, (M, B, T), of standardised features (B, K)."""
        w, b = self.weights, self.biases
        rows = x.expand(self.members, *x.shape)
        hidden = functional.silu(rows @ w["first"] + b["first"])
        hidden = functional.silu(hidden @ w["second"] + b["second"])
        return rows @ w["linear"] + hidden @ w["last"] + b["last"]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the mixture, (B, T) each."""
        means = self.standard((x - self.x_middle) / self.x_spread)
        noise = self.log_variance.clamp(_LOW, _HIGH).exp()
        variance = (noise + means**2).mean(dim=0) - means.mean(dim=0) ** 2
        return means.mean(dim=0) * self.y_spread + self.y_middle, variance.clamp(min=1e-12).sqrt() * self.y_spread

    def learn(self, x: Floats, y: Floats) -> DeepEnsemble:
        """Fit to rows x (N, K), y (N, T), from the beginnings of this ensemble; returns itself.

        The loss is the Gaussian negative log likelihood, mean over members, rows and observables, plus the anchor. Columns that do not vary
        are not scaled. Raises CellmlError for fewer than four rows, or numbers that are not finite.
        """
        if len(x) < FEWEST or x.shape != (len(y), self.features) or y.shape[1:] != (self.observables,):
            raise CellmlError(
                f"The ensemble learns from {FEWEST} rows or more of {self.features} features and {self.observables} observables, got "
                f"{x.shape} and {y.shape}."
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise CellmlError("Features and observables must be finite numbers; leave out the rows that are not.")
        rows, answers = torch.from_numpy(np.asarray(x, np.float32)), torch.from_numpy(np.asarray(y, np.float32))
        self._scale(rows, answers)
        rows, answers = (rows - self.x_middle) / self.x_spread, (answers - self.y_middle) / self.y_spread
        weights = list(self.weights.values())
        begun = [weight.detach().clone() for weight in weights]
        sizes = [weight.shape[1] for weight in weights]  # the beginnings have a variance of 1/size
        optimiser = torch.optim.Adam(self.parameters(), lr=self.rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, self.rate, total_steps=self.steps + 1)
        for _ in range(self.steps):
            optimiser.zero_grad()
            log_variance = self.log_variance.clamp(_LOW, _HIGH)
            fit = 0.5 * ((self.standard(rows) - answers) ** 2 * torch.exp(-log_variance) + log_variance).mean()
            away = sum(((w - b) ** 2).sum() * size for w, b, size in zip(weights, begun, sizes, strict=True))
            loss = fit + self.anchor * 0.5 * away / (self.members * self.observables * len(rows))
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        return self

    @torch.no_grad()
    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation, (B, T) each, of features (B, K)."""
        mean, spread = self(torch.from_numpy(np.asarray(x, np.float32)))
        return mean.numpy().astype(np.float64), spread.numpy().astype(np.float64)

    @torch.no_grad()
    def opinions(self, x: Floats) -> Floats:
        """What each member says of features (B, K), standardised, (M, B, T): their spread is what more data would remove."""
        rows = (torch.from_numpy(np.asarray(x, np.float32)) - self.x_middle) / self.x_spread
        return self.standard(rows).numpy().astype(np.float64)

    def sensitivity(self, x: Floats) -> Floats:
        """How strongly the answer depends on each feature, (K,): the root mean square over rows x (B, K) of its derivative, summed over
        observables in squares; standardised.
        """
        rows = ((torch.from_numpy(np.asarray(x, np.float32)) - self.x_middle) / self.x_spread).requires_grad_()
        means = self.standard(rows).mean(dim=0).sum(dim=0)  # of rows that do not know of each other, so that a sum keeps them apart
        slopes = torch.stack([torch.autograd.grad(one, rows, retain_graph=True)[0] for one in means])
        return (slopes**2).sum(dim=0).mean(dim=0).sqrt().numpy().astype(np.float64)

    def noise(self) -> Floats:
        """Variance of each observable that the members do not explain, (T,), standardised."""
        return self.log_variance.detach().clamp(_LOW, _HIGH).exp().mean(dim=(0, 1)).numpy().astype(np.float64)

    @torch.no_grad()
    def _scale(self, x: Tensor, y: Tensor) -> None:
        for name, values in (("x", x), ("y", y)):
            spread = values.std(dim=0)
            getattr(self, f"{name}_middle").copy_(values.mean(dim=0))
            getattr(self, f"{name}_spread").copy_(torch.where(spread > 1e-9, spread, torch.ones_like(spread)))


def out_of_fold(make: DeepEnsemble, x: Floats, y: Floats, folds: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Mean and standard deviation (N, T) of each row from an ensemble like `make` that was fitted to the other folds."""
    from copy import deepcopy

    mean, spread = np.empty(y.shape), np.empty(y.shape)
    for fold in np.unique(folds):
        held = folds == fold
        mean[held], spread[held] = deepcopy(make).learn(x[~held], y[~held]).predict(x[held])
    return mean, spread
