"""Which voxels of an image a denoising network must guess from their neighbours, and what it sees in their place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cellml.errors import CellmlError


class BlindSpots:
    """Single voxels, each shown with the value of another one near it (Krull et al. 2019, section 3.3).

    share: part of the voxels that are hidden at once; radius: (z, y, x) voxels within which the shown value is drawn; structure: (z, y, x)
    voxels on both sides of a hidden one, along each axis, that are shown with drawn values too, but not judged: noise that is shared along
    a scan line would else give the hidden value away (Broaddus et al. 2020); channels: of the image, each hidden alike.
    """

    kind = "image"
    scale = False
    input_units = True  # what is predicted is the input, and is written in its grey values

    def __init__(
        self,
        share: float = 0.015,
        radius: Sequence[int] = (2, 5, 5),
        structure: Sequence[int] = (0, 0, 0),
        channels: int = 1,
    ) -> None:
        self.share, self.channels = share, channels
        self.radius, self.structure = tuple(int(r) for r in radius), tuple(int(s) for s in structure)
        if not 0 < share <= 0.5:
            raise CellmlError(
                f"target.share is {share}; it must lie above 0 and be at most 0.5, for hidden voxels need visible neighbours."
            )
        if len(self.radius) != 3 or len(self.structure) != 3 or min(*self.radius, *self.structure) < 0 or max(self.radius) == 0:
            raise CellmlError(
                "task.target.radius and task.target.structure must be three numbers (z, y, x) of 0 or more, one radius above 0; "
                f"got {self.radius} and {self.structure}."
            )

    @property
    def image_channels(self) -> list[str]:
        """Names of the predicted channels."""
        return ["denoised"] if self.channels == 1 else [f"denoised {n}" for n in range(self.channels)]

    @property
    def names(self) -> list[str]:
        """One name for each output channel of the network."""
        return self.image_channels

    def activation(self, output: Tensor) -> Tensor:
        """Intensities as they are."""
        return output

    def hide(self, image: Tensor, seed: Sequence[int]) -> tuple[Tensor, Tensor]:
        """image: (B, C, Z, Y, X) → what the network sees, of the same shape, and where it is judged, (B, 1, Z, Y, X) bool.

        The same seed hides the same voxels.
        """
        rng = np.random.default_rng(np.random.SeedSequence([int(s) for s in seed]))
        shown, judged = image.clone(), torch.zeros((image.shape[0], 1, *image.shape[2:]), dtype=torch.bool)
        count = max(1, round(self.share * int(np.prod(image.shape[2:]))))
        for sample in range(image.shape[0]):
            hidden = self._places(rng, image.shape[2:], count)
            judged[sample, 0][_index(hidden)] = True
            around = self._with_structure(hidden, image.shape[2:])
            drawn = self._drawn(rng, around, image.shape[2:])
            for seen, given in zip(shown[sample], image[sample], strict=True):
                seen[_index(around)] = given[_index(drawn)]
        return shown, judged.to(image.device)

    def _places(self, rng: np.random.Generator, shape: Sequence[int], count: int) -> list[np.ndarray]:
        return list(np.unravel_index(rng.choice(int(np.prod(shape)), count, replace=False), tuple(shape)))

    def _with_structure(self, hidden: list[np.ndarray], shape: Sequence[int]) -> list[np.ndarray]:
        """The hidden voxels, and those along each axis that might share their noise, as far as they lie inside."""
        steps: list[tuple[int, ...]] = [(0, 0, 0)]
        steps += [tuple(d if a == axis else 0 for a in range(3)) for axis, n in enumerate(self.structure) for d in range(-n, n + 1) if d]
        places = np.concatenate([np.stack(hidden) + np.array(step)[:, None] for step in steps], axis=1)
        inside = ((places >= 0) & (places < np.array(shape)[:, None])).all(axis=0)
        return list(places[:, inside])

    def _drawn(self, rng: np.random.Generator, places: list[np.ndarray], shape: Sequence[int]) -> list[np.ndarray]:
        """Another voxel for each place, evenly within the radius and the image; the place itself gives way to its neighbour."""
        low = [np.maximum(p - r, 0) for p, r in zip(places, self.radius, strict=True)]
        high = [np.minimum(p + r, n - 1) for p, r, n in zip(places, self.radius, shape, strict=True)]
        drawn = [rng.integers(a, b + 1) for a, b in zip(low, high, strict=True)]
        same = np.logical_and.reduce([d == p for d, p in zip(drawn, places, strict=True)])
        axis = int(np.argmax([min(r, n - 1) for r, n in zip(self.radius, shape, strict=True)]))
        neighbour = np.where(places[axis] < high[axis], places[axis] + 1, places[axis] - 1)
        drawn[axis] = np.where(same, neighbour, drawn[axis])
        return drawn


def _index(places: list[np.ndarray]) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(p) for p in places)
