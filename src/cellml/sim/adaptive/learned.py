"""A learned error indicator: a small network that corrects the residual estimator element by element.

    ε_T² = η_T² exp(n(features of T and of its neighbours))

All features are ratios, so that units, size, D and the strength of the source do not matter, and a factor common to all elements of a mesh
is left open: marking does not see it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from cellml.meshing.quality import dihedral_angles, radius_ratio
from cellml.sim.adaptive.edges import Floats, Index
from cellml.sim.adaptive.goal import GoalEstimate
from cellml.sim.adaptive.residual import Indicators, residual_indicators
from cellml.sim.adaptive.solution import Solved

# Ratios beyond this many natural logarithms say no more.
_CLIP = 12.0
FEATURES = 28


def features(solved: Solved, indicators: Indicators) -> Floats:
    """What the network sees of each tetrahedron, (T, FEATURES).

    Shares of the terms of η_T² (3); of the neighbours across the four faces, sorted, logarithms of η², volume, D and |∇u| over its own
    (16), and the share of faces without one (1); shape: radius ratio, smallest and largest dihedral angle, diameter³ over volume (4); κh²/D
    (1); corners with prescribed values (1); |∇u| h and u over the range of u (2).
    """
    elements, mesh = solved.elements, solved.mesh
    squared = np.maximum(indicators.squared, 1e-300)
    near = neighbours(elements.faces.sides, elements.faces.numbers)
    slope = np.linalg.norm(elements.gradient(solved.u), axis=1)
    logs = [_log(field) for field in (squared, elements.volumes, elements.diffusion, slope)]
    around = [_differences(values, near) for values in logs]
    angles = dihedral_angles(mesh.points, mesh.tets)
    fixed = np.isin(mesh.tets, elements.fixed[0]).sum(axis=1) / 4.0
    span = max(float(np.ptp(solved.u)), 1e-300)
    columns = [
        *(part / squared for part in (indicators.interior, indicators.jumps, indicators.fluxes)),
        *(column for block in around for column in block.T),
        (near < 0).sum(axis=1) / 4.0,
        radius_ratio(mesh.points, mesh.tets),
        np.radians(angles.min(axis=1)),
        np.radians(angles.max(axis=1)),
        np.log(elements.diameters**3 / elements.volumes),
        np.log1p(elements.decay * elements.diameters**2 / elements.diffusion),
        fixed,
        _log(slope * elements.diameters / span) / 3.0,
        solved.u[mesh.tets].mean(axis=1) / span,
    ]
    return np.stack(columns, axis=1)


def neighbours(sides: Index, numbers: Index) -> Index:
    """Tetrahedron across the face opposite each corner, (T, 4), −1 outside."""
    pair = sides[numbers]
    own = np.arange(len(numbers))[:, None]
    return np.asarray(np.where(pair[:, :, 0] == own, pair[:, :, 1], pair[:, :, 0]))


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(values, 1e-300)))


def _differences(values: Floats, near: Index) -> Floats:
    """Sorted differences to the four neighbours, 0 outside, (T, 4)."""
    difference = np.where(near >= 0, values[near] - values[:, None], 0.0)
    return np.asarray(np.sort(np.clip(difference, -_CLIP, _CLIP), axis=1) / 3.0)


class ErrorNetwork(nn.Module):
    """Features (N, FEATURES) to the logarithm of the correction, (N,). mean, std: (FEATURES,) of the training set."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FEATURES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("std", torch.ones(FEATURES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Log correction of each row."""
        return self.layers((x - self.mean) / self.std)[:, 0]


@dataclass(frozen=True, eq=False)
class Example:
    """One mesh of the training set: features (T, FEATURES), log(e_T² / η_T²) (T,), and the share of each element in Σ e_T², (T,)."""

    features: Floats
    target: Floats
    share: Floats


def example(solved: Solved, errors: Floats) -> Example:
    """A training example from a solution and its true contributions e_T² (T,)."""
    indicators = residual_indicators(solved)
    target = np.clip(_log(errors) - _log(indicators.squared), -_CLIP, _CLIP)
    return Example(features(solved, indicators), target, errors / errors.sum())


def fit(network: ErrorNetwork, examples: list[Example], *, epochs: int = 150, rate: float = 3e-3, seed: int = 0) -> list[float]:
    """Least squares on the log correction with AdamW and a cosine schedule, one mesh a step; returns the loss of each epoch.

    Elements are weighted half alike, half by their share of the error, so that those that marking is about are not drowned by the many that
    do not matter. The weighted mean over a mesh is taken out of the deviation: a factor common to a mesh is left open.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    table = np.concatenate([e.features for e in examples])
    network.mean.copy_(torch.from_numpy(table.mean(axis=0)))
    network.std.copy_(torch.from_numpy(np.maximum(table.std(axis=0), 1e-3)))
    batches = [tuple(torch.from_numpy(a).float() for a in (e.features, e.target, 0.5 / len(e.share) + 0.5 * e.share)) for e in examples]
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(batches))
    history = []
    for _ in range(epochs):
        losses = []
        for number in rng.permutation(len(batches)):
            x, target, weight = batches[number]
            optimizer.zero_grad()
            loss = deviation(network(x), target, weight)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        history.append(float(np.mean(losses)))
    return history


def deviation(predicted: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted variance of predicted − target over a mesh; weights (T,) sum to 1."""
    off = predicted - target
    return (weight * (off - (weight * off).sum()) ** 2).sum()


@dataclass(frozen=True, eq=False)
class LearnedIndicator:
    """An indicator for `cellml.sim.adaptive.loop.adapt`: η_T² times what the network says, (T,)."""

    network: ErrorNetwork

    def __call__(self, solved: Solved, goal: GoalEstimate | None = None) -> Floats:
        """ε_T², (T,), up to a common factor; goals are not looked at."""
        indicators = residual_indicators(solved)
        with torch.inference_mode():
            correction = self.network(torch.from_numpy(features(solved, indicators)).float()).double().numpy()
        return np.asarray(indicators.squared * np.exp(np.clip(correction, -_CLIP, _CLIP)))
