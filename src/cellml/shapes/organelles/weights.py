"""Fitting torch modules that answer with ln q(u, n, s), by the likelihood of the density that they give in the hosts."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.placement import Examples

_CHUNK = 100_000


def fit_module(module: Any, examples: Examples, *, steps: int, rate: float, decay: float, seed: int) -> dict[str, NDArray[np.float32]]:
    """Train by Adam on four fifths of the organelles and keep the weights that are best on the last fifth; returns them by name.

    module(harmonic (N,), direction (N, 3), size (N,)) → (N,) float32. steps: of the whole set; decay: of the weights (decoupled). Raises
    CellmlError where the likelihood is no finite number.
    """
    import torch

    rng = np.random.default_rng(seed)
    order = rng.permutation(len(examples))
    held = max(1, len(order) // 5)
    train, check = (_tensors(examples.select(np.sort(part))) for part in (order[held:], order[:held]))
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=decay)
    best, kept = np.inf, copy.deepcopy(module.state_dict())
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        optimizer.zero_grad()
        loss = -_likelihood(module, *_some_places(train, rng)).mean()
        if not torch.isfinite(loss):
            raise CellmlError(f"The likelihood of the placement became {float(loss)} at step {step}; are there positions that repeat?")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimizer.step()
        if step % 5 == 4 or step == steps - 1:
            with torch.no_grad():
                value = float(-_likelihood(module, *check).mean())
            if value < best:
                best, kept = value, copy.deepcopy(module.state_dict())
    return {name: np.asarray(tensor.detach().numpy(), np.float32) for name, tensor in kept.items()}


def evaluated(module: Any, harmonic: NDArray[Any], direction: NDArray[Any], size: NDArray[Any]) -> NDArray[np.float64]:
    """ln q of a module at N places, portion by portion, (N,) float64."""
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
