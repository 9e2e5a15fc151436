"""Does the exported network answer as the original? Asked with random images of several sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cellml.errors import CellmlError
from cellml.sharing.programs import Run

_MOST_VOXELS = 64**3


@dataclass(frozen=True)
class Agreement:
    """shapes: of the random images (B, C, Z, Y, X); difference: the largest |exported − original| over all their voxels and channels,
    over the largest |original| where that is above 1; tolerance: what it had to stay below; runtime: name and version.
    """

    shapes: list[list[int]]
    difference: float
    tolerance: float
    runtime: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the description beside the file."""
        return asdict(self)


def check_agreement(
    original: nn.Module,
    run: Run,
    *,
    runtime: str,
    channels: int,
    multiple: Sequence[int],
    size: Sequence[int] | None = None,
    checks: int = 3,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> Agreement:
    """Compare on standard normal images, as normalised ones are, each of another size and batch where sizes are free.

    run: (B, C, Z, Y, X) float32 → answer, by the exported file as it was read back. Raises CellmlError where the answers differ by more
    than the tolerance or in shape, with the numbers.
    """
    if checks < 1 or not 0 < tolerance < 1:
        raise CellmlError(f"checks={checks} must be at least 1, and tolerance={tolerance:g} between 0 and 1.")
    worst, shapes = 0.0, []
    for image in random_images(channels, multiple, size, checks, seed):
        with torch.inference_mode():
            wanted = original(torch.from_numpy(image)).numpy()
        found = run(image)
        if found.shape != wanted.shape:
            raise CellmlError(f"By {runtime} the network answers {found.shape} to an image {image.shape}, by cellml {wanted.shape}.")
        worst = max(worst, float(np.abs(found - wanted).max() / max(1.0, float(np.abs(wanted).max()))))
        shapes.append(list(image.shape))
    if not worst <= tolerance:
        raise CellmlError(
            f"By {runtime} the exported network differs from the original by {worst:.2g} on images {shapes} (tolerance={tolerance:g}); "
            "nothing was written. Try another opset or format, or say which difference you accept with tolerance=…"
        )
    return Agreement(shapes, worst, tolerance, runtime)


def random_images(
    channels: int, multiple: Sequence[int], size: Sequence[int] | None, count: int, seed: int
) -> Iterator[NDArray[np.float32]]:
    """Standard normal images (B, C, Z, Y, X): the smallest size there is, then others of up to four periods an axis; batches of 1 and 2.

    An image has no more than 64³ voxels, or the fewest that the network takes.
    """
    generator = np.random.default_rng(seed)
    for number in range(count):
        periods = np.ones(3, int) if number == 0 else generator.integers(1, 5, 3)
        while np.prod(periods * multiple) > _MOST_VOXELS and periods.max() > 1:
            periods[periods.argmax()] -= 1
        shape = tuple(size) if size is not None else tuple(int(m * p) for m, p in zip(multiple, periods, strict=True))
        batch = 1 + number % 2 if size is None else 2
        yield generator.standard_normal((batch, channels, *shape)).astype(np.float32)
