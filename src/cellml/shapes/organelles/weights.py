"""Fitting torch modules that answer with ln q(u, n, s), by the likelihood of the density that they give in the hosts."""

from __future__ import annotations

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
    """Train by Adam for as many steps, at most `steps`, as serve hosts that were not trained on best; returns the weights by name.

    That number comes from training without each host in turn (without each quarter of the organelles where there is one host) and is 0
    where no training helps. make() → a fresh module, module(harmonic (N,), direction (N, 3), size (N,)) → (N,) float32; decay: of the
    weights (decoupled). Raises CellmlError where the likelihood is no finite number.
    """
    rng = np.random.default_rng(seed)
    groups = examples.groups if len(np.unique(examples.groups)) > 1 else rng.permutation(len(examples)) % 4
    curve = np.zeros(steps // _LOOK + 1)
    for group in np.unique(groups):
        own, other = (np.flatnonzero(mask) for mask in (groups == group, groups != group))
        check = _tensors(examples.select(own))
        curve += len(own) * np.array(_trained(make(), examples.select(other), steps, rate, decay, seed, check)[1])
    best = _LOOK * int(curve.argmin())
    module, _ = _trained(make(), examples, best, rate, decay, seed, None)
    return {name: np.asarray(tensor.detach().numpy(), np.float32) for name, tensor in module.state_dict().items()}


def _trained(
    module: Any, examples: Examples, steps: int, rate: float, decay: float, seed: int, check: tuple[Any, ...] | None
) -> tuple[Any, list[float]]:
    """The module after `steps` steps, and its mean loss on what it was not trained on before the first and after every tenth."""
    import torch

    rng, train = np.random.default_rng(seed), _tensors(examples)
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=decay)
    losses = []
    for step in range(steps + 1):
        if check is not None and step % _LOOK == 0:
            with torch.no_grad():
                losses.append(float(-_likelihood(module, *check).mean()))
        if step == steps:
            break
        optimizer.zero_grad()
        loss = -_likelihood(module, *_some_places(train, rng)).mean()
        if not torch.isfinite(loss):
            raise CellmlError(f"The likelihood of the placement became {float(loss)} at step {step}; are there positions that repeat?")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimizer.step()
    return module, losses


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
