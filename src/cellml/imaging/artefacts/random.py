"""From a deterministic image error to a random transform of training samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.errors import CellmlError
from cellml.imaging.frame import Frame

Range = float | Sequence[float]
Sample = dict[str, Tensor]
ImageError = Callable[[NDArray[Any], Any, Frame], NDArray[np.float32]]
LabelError = Callable[[NDArray[Any], Any, Frame], NDArray[Any]]


class RandomArtefact(ABC):
    """Draws the parameters of an image error from a seed and applies it (random samples, deterministic applies: Pérez-García et al. 2021).

    prob: share of samples that are changed; spacing: (z, y, x) in nm; contrast: of the detected intensity, see `Frame`. A sample is
    {"image": (C, z, y, x) normalised float32, "labels": (z, y, x) or (1, z, y, x) integers}; errors that move the specimen move the labels
    too. `parameters` holds what was drawn last, None where the sample was left as it was. In `data.transforms` it stands beside those of
    MONAI and torchio, and is seeded for each sample like them.
    """

    def __init__(self, prob: float = 0.3, spacing: Sequence[float] = (10.0, 10.0, 10.0), contrast: float = 0.25) -> None:
        if not 0 <= prob <= 1:
            raise CellmlError(f"{type(self).__name__}: prob is {prob}; it must lie between 0 and 1.")
        self.prob = prob
        self.frame = Frame((float(spacing[0]), float(spacing[1]), float(spacing[2])), contrast=contrast)
        self.parameters: Any = None
        self._rng = np.random.default_rng(0)

    def set_random_state(self, seed: int) -> RandomArtefact:
        """Seed the next draw."""
        self._rng = np.random.default_rng(seed)
        return self

    @abstractmethod
    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Parameters for an image of shape (z, y, x)."""

    @abstractmethod
    def apply(self, image: NDArray[Any], parameters: Any) -> NDArray[np.float32]:
        """The image (C, z, y, x) with the error."""

    def move(self, labels: NDArray[Any], parameters: Any) -> NDArray[Any]:
        """The labels (…, z, y, x) of the image with the error: the same, unless the error moves or removes something."""
        return labels

    def __call__(self, sample: Sample) -> Sample:
        """A new sample; the given one is left as it was."""
        self.parameters = None
        if self._rng.random() >= self.prob:
            return sample
        image = _array(sample["image"])
        parameters = self.parameters = self.draw(self._rng, image.shape[-3:])
        changed = {**sample, "image": torch.from_numpy(np.ascontiguousarray(self.apply(image, parameters)))}
        if "labels" in sample:
            changed["labels"] = torch.from_numpy(np.ascontiguousarray(self.move(_array(sample["labels"]), parameters)))
        return changed


def number_range(value: Range, what: str, low: float = 0.0, high: float = np.inf) -> tuple[float, float]:
    """One number or [least, most] as a pair. Raises CellmlError outside low … high, and where the pair is turned round."""
    first, last = (value, value) if isinstance(value, int | float) else (float(value[0]), float(value[-1]))
    if not low <= first <= last <= high:
        raise CellmlError(f"{what} is {value}; give one number, or [least, most], between {low:g} and {high:g}.")
    return (float(first), float(last))


def log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A number whose logarithm is uniform: for positive scales such as doses and lengths."""
    return float(np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]))))


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.asarray((tensor.as_tensor() if hasattr(tensor, "as_tensor") else tensor).detach().cpu().numpy())
