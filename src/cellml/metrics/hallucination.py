"""Whether a repair shows structure that was not there, or loses structure that it never saw in training.

An object is painted out of a volume (or into it), the changed volume is taken for the truth, projected, repaired, and the pattern of the
object is looked for in the repair,

    a = Σ (r − v) d / Σ d²    over the object's voxels,

v the volume without the object, d what the object adds, r the repair on the truth's grey scale: 0 where the repair shows no trace of the
object, 1 where it shows all of it. For an object painted out a is what was invented; for one painted in it is what was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.grey_fit import grey_fit, same_shape

Floats = NDArray[np.float32]


def painted_out(
    image: NDArray[Any], masks: Sequence[NDArray[np.bool_]], around: NDArray[np.bool_], *, seed: int = 0, scale: float = 5.0
) -> Floats:
    """The image (Z, Y, X) with objects replaced by what is around them, float32.

    masks: one (Z, Y, X) an object; around: voxels that may stand for its surroundings (cytoplasm, for a membrane). Filled in is the mean
    of these, weighted by a Gaussian of `scale` voxels, with grain as strong as theirs, so that the place does not show as a smooth blot.
    Raises CellmlError where an object has no such surroundings within reach.
    """
    from scipy.ndimage import gaussian_filter

    result = np.array(image, np.float32)
    removed = np.logical_or.reduce(list(masks))
    usable = (around & ~removed).astype(np.float32)
    weight = gaussian_filter(usable, scale)
    if (weight[removed] < 1e-4).any():
        raise CellmlError(f"An object to paint out has no surroundings within {3 * scale:g} voxels; remove smaller ones or widen `scale`.")
    mean = gaussian_filter(result * usable, scale) / np.maximum(weight, 1e-6)
    grain = (result - mean)[usable > 0].std()
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(result.shape, dtype=np.float32), 1.0)
    result[removed] = (mean + noise * (grain / noise.std()))[removed]
    return result


def expressed_shares(image: NDArray[Any], without: NDArray[Any], with_: NDArray[Any], masks: Sequence[NDArray[np.bool_]]) -> list[float]:
    """How much of each object an image shows: 0 none of it, 1 all, below 0 its opposite.

    image: a repair (Z, Y, X) on any grey scale, of the volume `without` (shares are what is invented) or of `with_` the objects (what is
    kept); masks: one an object. The grey scale is fitted outside all objects, where both volumes agree. Raises CellmlError for unlike
    shapes and for a mask within which nothing was changed.
    """
    same_shape(without, image)
    same_shape(without, with_)
    outside = ~np.logical_or.reduce(list(masks))
    fitted = grey_fit(without[outside][None], image[outside][None]).apply(image)
    shares = []
    for number, mask in enumerate(masks):
        added = (np.asarray(with_, np.float64) - without)[mask]
        if not (added**2).sum() > 0:
            raise CellmlError(f"Object {number} adds nothing to the volume within its mask: there is no pattern to look for.")
        shares.append(float(((fitted - without)[mask] * added).sum() / (added**2).sum()))
    return shares


def hallucination_rate(shares: Sequence[float], threshold: float = 0.5) -> float:
    """Share of painted-out objects of which more than the threshold was invented, 0 to 1. Raises CellmlError for an empty list."""
    if not len(shares):
        raise CellmlError("A hallucination rate needs at least one object.")
    return float(np.mean(np.asarray(shares) > threshold))
