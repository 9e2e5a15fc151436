"""Temperature scaling: one number that makes probabilities honest without changing which class is the likeliest."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.uncertainty.bias import shifted

# 1/T on a grid; −log likelihood is convex in 1/T, so that a parabola through the best node and its neighbours finds the minimum.
_BETAS: NDArray[np.float64] = np.exp(np.linspace(-np.log(10), np.log(10), 93))
_EDGE = 1e-7


def temper(probabilities: NDArray[np.float32], temperature: float, *, exclusive: bool) -> NDArray[np.float32]:
    """Probabilities (K, …) with their logits divided by T (Guo et al. 2017, eq. 9); T > 1 makes them less sure, 1 leaves them as they are.

    exclusive: classes that sum to 1, p_k^(1/T) / Σ p^(1/T); otherwise each channel for itself, σ(logit(p)/T).
    """
    if temperature == 1:
        return probabilities
    inner = np.clip(probabilities, _EDGE, 1 - _EDGE)
    if exclusive:
        powers = inner ** (1 / temperature)
        return np.asarray(powers / powers.sum(axis=0, keepdims=True), np.float32)
    odds = ((1 - inner) / inner) ** (1 / temperature)
    return np.asarray(1 / (1 + odds), np.float32)


@dataclass
class TemperatureFit:
    """Sums of −log likelihood (nat) for a grid of temperatures; sums of blocks add up. voxels: counted voxels (times channels)."""

    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(_BETAS)))
    voxels: int = 0

    def update(self, probabilities: NDArray[Any], truth: NDArray[Any], *, exclusive: bool) -> TemperatureFit:
        """With further voxels: probabilities, truth: (K, N); truth is one-hot for exclusive classes, else 0 or 1 in each channel."""
        inner = np.clip(np.asarray(probabilities, np.float64), _EDGE, 1 - _EDGE)
        added = np.empty(len(_BETAS))
        logits = np.log(inner) if exclusive else np.log(inner) - np.log1p(-inner)
        for i, beta in enumerate(_BETAS):
            scaled = beta * logits
            normaliser = np.logaddexp.reduce(scaled, axis=0) if exclusive else np.logaddexp(0, scaled)
            added[i] = normaliser.sum() - (scaled * truth).sum()
        return TemperatureFit(self.sums + added, self.voxels + (logits.shape[1] if exclusive else logits.size))

    def __add__(self, other: TemperatureFit) -> TemperatureFit:
        """The sums of both."""
        return TemperatureFit(self.sums + other.sums, self.voxels + other.voxels)

    def best(self) -> float:
        """The temperature of the greatest likelihood, between 0.1 and 10. Raises CellmlError where nothing was counted."""
        if not self.voxels:
            raise CellmlError("A temperature needs labelled voxels to be fitted on, and none was counted.")
        node = int(np.clip(self.sums.argmin(), 1, len(_BETAS) - 2))
        x, y = np.log(_BETAS[node - 1 : node + 2]), self.sums[node - 1 : node + 2]
        curvature = y[0] - 2 * y[1] + y[2]
        shift = 0.5 * (y[0] - y[2]) / curvature if curvature > 0 else 0.0
        return float(np.exp(-(x[1] + np.clip(shift, -1, 1) * (x[1] - x[0]))))


@dataclass(frozen=True)
class Calibration:
    """What makes probabilities honest. temperature: divides the logits; bias: is added to each channel's afterwards, none where empty."""

    temperature: float = 1.0
    bias: tuple[float, ...] = ()

    def apply(self, probabilities: NDArray[np.float32], *, exclusive: bool) -> NDArray[np.float32]:
        """Probabilities (K, …) made honest. Raises CellmlError where the biases are of another number of channels."""
        if not self.bias:
            return temper(probabilities, self.temperature, exclusive=exclusive)
        if len(self.bias) != len(probabilities):
            raise CellmlError(
                f"The calibration has biases for {len(self.bias)} channels, but the probabilities have {len(probabilities)}; calibrate the "
                "network that predicts."
            )
        return shifted(probabilities, self.temperature, self.bias, exclusive=exclusive)


def read_calibration(value: float | str | None) -> Calibration:
    """A temperature from a number, all that a JSON file of `cellml calibrate` says, or none for None. Raises CellmlError for others."""
    if value is None:
        return Calibration()
    bias: tuple[float, ...] = ()
    if isinstance(value, str) and Path(value).suffix == ".json":
        try:
            content = json.loads(Path(value).read_text(encoding="utf-8"))
            value, bias = content["temperature"], tuple(float(b) for b in content.get("bias") or ())
        except FileNotFoundError:
            raise FileError(f"temperature={value}: there is no such file; make it with cellml calibrate.") from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise FileError(f"temperature={value} holds no temperature ({error}); make it with cellml calibrate.") from error
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if not 0.01 <= number <= 100:
        raise CellmlError(f"temperature={value} must be a number between 0.01 and 100, or a .json file that cellml calibrate wrote.")
    return Calibration(number, bias)
