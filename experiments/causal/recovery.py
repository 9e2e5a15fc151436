"""Which subsystems made the outputs? The visible network and the controls, each with one score for each of the ten subsystems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from cells import DESCRIPTORS, SUBSYSTEMS
from numpy.typing import NDArray
from simulations import Seed
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from cellml.interpret.hierarchy import Hierarchy, hierarchy_of
from cellml.interpret.ridge import ridge_coefficients
from cellml.interpret.scores import ablations, partial_powers, powers
from cellml.losses.visible import VisibleLoss
from cellml.nets.visible import VisibleNet

Floats = NDArray[np.float64]
NAMES = tuple(SUBSYSTEMS)
GROUPS = {
    "geometry": ["neck", "head", "base", "organelle"],
    "transport": ["crowding", "mobile_buffer", "fixed_buffer"],
    "fluxes": ["pumps", "uptake", "influx"],
}
SNR = 4.0  # variance of each output over that of its noise
MEMBERS, STEPS, NEURONS, RATE, DECAY = 3, 200, 8, 1e-2, 1.0
SCORES = ("ablation", "ablation_max", "partial", "rlipp", "power")  # the ways of scoring that were compared on validation seeds
OF_DESCRIPTOR = np.repeat(np.arange(len(NAMES)), 4)  # the true subsystem of each descriptor


def noisy(data: Seed) -> Floats:
    """Outputs (N, 6) with the study's noise, a quarter of each output's variance."""
    noise = np.random.default_rng([5, data.number]).standard_normal(data.outputs.shape)
    return np.asarray(data.outputs + noise * data.outputs.std(axis=0) / np.sqrt(SNR))


def auroc(score: Floats, active: Sequence[str]) -> float:
    """Share of pairs (true, other subsystem) in the right order; ties count half."""
    true = np.isin(NAMES, active)
    a, b = score[true][:, None], score[~true]
    return float(((a > b) + 0.5 * (a == b)).mean())


def hierarchy(parts: Mapping[str, Sequence[str]]) -> Hierarchy:
    """Descriptors → subsystems → three groups → the spine."""
    edges = [("spine", g) for g in GROUPS] + [(g, s) for g, names in GROUPS.items() for s in names]
    edges += [(s, d) for s, names in parts.items() for d in names]
    return hierarchy_of(edges, source="study", descriptors=DESCRIPTORS)


def random_parts(seed: int) -> dict[str, list[str]]:
    """Every descriptor in a subsystem by lot, four in each."""
    drawn = np.random.default_rng([7, seed]).permutation(DESCRIPTORS)
    return {name: [str(d) for d in drawn[4 * n : 4 * n + 4]] for n, name in enumerate(NAMES)}


def wrong_parts(seed: int) -> dict[str, list[str]]:
    """A wrong belief: each subsystem keeps one descriptor and has three of another subsystem, in a ring of random order."""
    ring = [str(name) for name in np.random.default_rng([8, seed]).permutation(NAMES)]
    return {name: [SUBSYSTEMS[name][0], *SUBSYSTEMS[ring[(ring.index(name) + 1) % len(ring)]][1:]] for name in NAMES}


def train_together(nets: Sequence[nn.Module], loss: Callable[[Any, Any], Tensor], wanted: Tensor) -> None:
    """Train networks of one shape side by side: AdamW over all rows, cosine rate, the same for every network of the study.

    loss(net as a function of nothing, outputs (N, K)); wanted: (networks, N, K). Each batch norm ends with the statistics of all rows.
    """
    norms = [module for net in nets for module in net.modules() if isinstance(module, nn.BatchNorm1d)]
    for norm in norms:
        norm.track_running_stats, kept = False, (norm.running_mean, norm.running_var, norm.num_batches_tracked)
        norm.kept, norm.running_mean, norm.running_var, norm.num_batches_tracked = kept, None, None, None  # type: ignore[assignment]
    parameters, buffers = stack_module_state(list(nets))
    optimizer = torch.optim.AdamW(parameters.values(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    each = vmap(lambda p, b, y: loss(partial(functional_call, nets[0], (p, b)), y), randomness="different")
    for _ in range(STEPS):
        optimizer.zero_grad()
        each(parameters, buffers, wanted).sum().backward()
        optimizer.step()
        schedule.step()
    for n, net in enumerate(nets):
        net.load_state_dict({name: value[n] for name, value in parameters.items()}, strict=False)
    for norm in norms:
        norm.track_running_stats, norm.momentum = True, 1.0
        norm.running_mean, norm.running_var, norm.num_batches_tracked = norm.kept  # type: ignore[assignment]


class _Told(nn.Module):
    """A visible network as a function of the descriptors to what each subsystem tells, for `functional_call`."""

    def __init__(self, net: VisibleNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net.told(self.net.states(self.net.standardised(x)))


def visible_scores(
    z: Floats, cases: Mapping[str, tuple[Mapping[str, Sequence[str]], Floats]], seed: int, ways: Sequence[str]
) -> dict[str, dict[str, Floats]]:
    """Scores (10,) of the subsystems by some ways of SCORES, for cases of a hierarchy and outputs (N, 6).

    Means over three networks a case and over outputs (their maximum for `ablation_max`).
    """
    x, told, wanted = torch.tensor(z, dtype=torch.float32), [], []
    for parts, y in cases.values():
        outputs = torch.tensor(y, dtype=torch.float32)
        for member in range(MEMBERS):
            torch.manual_seed(100 * seed + member)
            told.append(_Told(VisibleNet(hierarchy(parts), outputs=y.shape[1], neurons=NEURONS)))
            told[-1].net.start(x, outputs)
            wanted.append((outputs - outputs.mean(dim=0)) / outputs.std(dim=0))
    loss = VisibleLoss(0.3)
    train_together(told, lambda net, y: loss(net((x,)), y).total, torch.stack(wanted))
    found: dict[str, dict[str, Floats]] = {}
    for n, case in enumerate(cases):
        members = range(MEMBERS * n, MEMBERS * (n + 1))
        scores = {way: np.mean([_scored(told[m].net, x, wanted[m].double().numpy(), way) for m in members], axis=0) for way in ways}
        found[case] = {way: score.max(axis=1) if way == "ablation_max" else score.mean(axis=1) for way, score in scores.items()}
    return found


@torch.no_grad()
def _scored(net: VisibleNet, x: Tensor, y: Floats, way: str) -> Floats:
    """(10, K) by one way, subsystems in the order of NAMES."""
    standard = net.standardised(x)
    net.train().states(standard)  # fixes the statistics of the batch norms
    states = net.eval().states(standard)
    order = [net.hierarchy.order.index(name) for name in NAMES]
    if way.startswith("ablation"):
        return ablations(net, standard, states, y)[order]
    if way == "partial":
        return partial_powers(net.hierarchy, states.double().numpy(), y)[order]
    own, of_parts = powers(net.hierarchy, standard.double().numpy(), states.double().numpy(), y)
    return (own if way == "power" else (own - of_parts) / np.maximum(np.abs(of_parts), 1e-3))[order]


def plain_scores(z: Floats, y: Floats, seed: int) -> dict[str, Floats]:
    """Integrated gradients (Sundararajan, Taly & Yan 2017) of three plain networks from the mean cell, summed by true subsystem.

    Absolute values are summed over descriptors, or taken of the sum over a subsystem's descriptors; means over cells and outputs.
    """
    x, wanted = torch.tensor(z, dtype=torch.float32), torch.tensor((y - y.mean(axis=0)) / y.std(axis=0), dtype=torch.float32)
    nets = []
    for member in range(MEMBERS):
        torch.manual_seed(100 * seed + member)
        nets.append(nn.Sequential(*_layer(40, 40), *_layer(40, 20), nn.Linear(20, y.shape[1])))
    train_together(nets, lambda net, outputs: nn.functional.mse_loss(net((x,)), outputs), wanted.expand(MEMBERS, -1, -1))
    each, grouped = [], []
    for net in nets:
        net(x)
        along = integrated_gradients(net.eval(), x)
        parts = [along[:, s == OF_DESCRIPTOR] for s in range(len(NAMES))]
        each.append([np.abs(part).sum(axis=1).mean() for part in parts])
        grouped.append([np.abs(part.sum(axis=1)).mean() for part in parts])
    return {"each": np.mean(each, axis=0), "grouped": np.mean(grouped, axis=0)}


def _layer(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Linear(before, after), nn.Tanh(), nn.BatchNorm1d(after)


def integrated_gradients(net: nn.Module, x: Tensor, points: int = 20) -> Floats:
    """(N, P, K): x ∫ ∂f/∂x(αx) dα by the midpoint rule."""
    total = []
    outputs = net(x).shape[1]
    for k in range(outputs):
        slopes = torch.zeros_like(x)
        for alpha in (np.arange(points) + 0.5) / points:
            at = (float(alpha) * x).requires_grad_()
            slopes += torch.autograd.grad(net(at)[:, k].sum(), at)[0] / points
        total.append((slopes * x).detach().double().numpy())
    return np.stack(total, axis=2)


def ridge_scores(z: Floats, y: Floats, *, squares: bool) -> Floats:
    """Growth of the squared error when a true subsystem's descriptors are permuted together, mean over outputs and 20 permutations.

    squares: descriptors, their squares and their products within a subsystem: a linear model that knows of groups and of optima.
    """
    x, groups = _expanded(z) if squares else (z, OF_DESCRIPTOR)
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    beta, level = ridge_coefficients(x, y)
    random, found = np.random.default_rng(0), np.zeros(len(NAMES))
    whole = ((x @ beta + level - y) ** 2).mean()
    for _ in range(20):
        order = random.permutation(len(x))
        for s in range(len(NAMES)):
            moved = np.where(groups == s, x[order], x)
            found[s] += (((moved @ beta + level - y) ** 2).mean() - whole) / 20
    return found


def _expanded(z: Floats) -> tuple[Floats, NDArray[np.int64]]:
    columns, groups = [z], [OF_DESCRIPTOR]
    for s in range(len(NAMES)):
        own = z[:, s == OF_DESCRIPTOR]
        i, j = np.triu_indices(4)
        columns.append(own[:, i] * own[:, j] / np.sqrt(2))
        groups.append(np.full(len(i), s))
    return np.concatenate(columns, axis=1), np.concatenate(groups)


def forest_scores(z: Floats, y: Floats, seed: int) -> Floats:
    """Permutation importance (Breiman 2001) of a random forest's descriptors, summed by true subsystem."""
    from sklearn.ensemble import RandomForestRegressor

    y = (y - y.mean(axis=0)) / y.std(axis=0)
    forest = RandomForestRegressor(100, min_samples_leaf=2, max_features=0.33, random_state=seed, n_jobs=1).fit(z, y)
    random, found = np.random.default_rng(seed), np.zeros(len(NAMES))
    whole = ((forest.predict(z) - y) ** 2).mean()
    for column in range(z.shape[1]):
        moved = z.copy()
        moved[:, column] = z[random.permutation(len(z)), column]
        found[OF_DESCRIPTOR[column]] += ((forest.predict(moved) - y) ** 2).mean() - whole
    return found
