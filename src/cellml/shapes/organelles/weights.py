"""Fitting torch modules that answer with ln q(u, n, s), by the likelihood of the density that they give in the hosts."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.placement import Examples

Make = Callable[[], Any]

_CHUNK = 100_000
_LOOK = 10  # steps between looks at what is held out


def fit_module(make: Make, examples: Examples, *, steps: int, rate: float, decay: float, seed: int) -> dict[str, NDArray[np.float32]]:
    """Train by Adam, stage after stage, for as many steps as serve hosts best that were not trained on; returns the weights by name.

    The steps of each stage, at most `steps`, come from training without each host in turn (without each quarter of the organelles where
    there is one host), and are 0 where no training helps. make() → a fresh module, module(harmonic (N,), direction (N, 3), size (N,)) →
    (N,) float32, with `stages`, lists of parameters; decay: of the weights (decoupled). Raises CellmlError where the likelihood is no
    finite number.
    """
    rng = np.random.default_rng(seed)
    groups = examples.groups if len(np.unique(examples.groups)) > 1 else rng.permutation(len(examples)) % 4
    folds = [(np.flatnonzero(groups == g), np.flatnonzero(groups != g), make()) for g in np.unique(groups)]
    module = make()
    for stage in range(len(module.stages)):
        runs = [
            _trained(fold, stage, examples.select(other), steps, rate, decay, seed, _tensors(examples.select(own)))
            for own, other, fold in folds
        ]
        best = int(np.sum([len(own) * np.array(losses) for (own, _, _), (losses, _) in zip(folds, runs, strict=True)], axis=0).argmin())
        for (_, _, fold), (_, states) in zip(folds, runs, strict=True):
            fold.load_state_dict(states[best])
        _trained(module, stage, examples, _LOOK * best, rate, decay, seed, None)
    return {name: np.asarray(tensor.detach().numpy(), np.float32) for name, tensor in module.state_dict().items()}


def _trained(
    module: Any, stage: int, examples: Examples, steps: int, rate: float, decay: float, seed: int, check: tuple[Any, ...] | None
) -> tuple[list[float], list[Any]]:
    """Train one stage in place; the mean loss on `check` and the weights, before the first step and after every tenth."""
    import torch

    rng, train = np.random.default_rng([seed, stage]), _tensors(examples)
    optimizer = torch.optim.AdamW(module.stages[stage], lr=rate, weight_decay=decay)
    losses, states = [], []
    for step in range(steps + 1):
        if check is not None and step % _LOOK == 0:
            with torch.no_grad():
                losses.append(float(-_likelihood(module, *check).mean()))
            states.append(copy.deepcopy(module.state_dict()))
        if step == steps:
            break
        module.zero_grad()
        loss = -_likelihood(module, *_some_places(train, rng)).mean()
        if not torch.isfinite(loss):
            raise CellmlError(f"The likelihood of the placement became {float(loss)} at step {step}; are there positions that repeat?")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.stages[stage], 5.0)
        optimizer.step()
    return losses, states


def evaluated(module: Any, harmonic: NDArray[Any], direction: NDArray[Any], size: NDArray[Any]) -> NDArray[np.float64]:
    """The ln q of a module at N places, portion by portion, (N,) float64."""
    import torch

    parts = [np.zeros(0)]
    with torch.no_grad():
        for start in range(0, len(harmonic), _CHUNK):
            chosen = slice(start, start + _CHUNK)
            inputs = (torch.from_numpy(np.asarray(a[chosen], np.float32)) for a in (harmonic, direction, size))
            parts.append(module(*inputs).double().numpy())
    return np.concatenate(parts)


def _tensors(examples: Examples) -> tuple[Any, ...]:
    import torch

    columns = (examples.harmonic, examples.direction, examples.size, examples.free_harmonic, examples.free_direction)
    return tuple(torch.from_numpy(np.asarray(column, np.float32)) for column in columns)


def _some_places(tensors: tuple[Any, ...], rng: np.random.Generator) -> tuple[Any, ...]:
    """A quarter of the places of each organelle: the noise of the mean is small against that of the organelles."""
    places = tensors[3].shape[1]
    chosen = np.sort(rng.permutation(places)[: max(16, places // 4)])
    return (*tensors[:3], tensors[3][:, chosen], tensors[4][:, chosen])


def _likelihood(module: Any, harmonic: Any, direction: Any, size: Any, free_harmonic: Any, free_direction: Any) -> Any:
    import torch

    count, places = free_harmonic.shape
    free = module(free_harmonic.reshape(-1), free_direction.reshape(-1, 3), size.repeat_interleave(places)).reshape(count, places)
    return module(harmonic, direction, size) - torch.logsumexp(free, dim=1) + float(np.log(places))
