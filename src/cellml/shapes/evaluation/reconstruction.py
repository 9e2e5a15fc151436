"""How well a model gives back shapes: distances between surfaces, and overlap of what they enclose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.types import Surface


@dataclass(frozen=True)
class Reconstruction:
    """assd_nm: mean distance between the surfaces, both ways; hd95_nm: the larger 95th percentile; iou: of the enclosed bodies."""

    name: str
    assd_nm: float
    hd95_nm: float
    iou: float


def reconstruction(given: Surface, made: Surface, *, samples: int = 2000, seed: int = 0) -> Reconstruction:
    """Compare a shape with its reconstruction, in one frame. samples: points on either surface, and ten times as many in space."""
    from cellml.metrics.mesh_scores import mesh_distances

    assd, hd95 = mesh_distances(made, given, samples=samples, seed=seed)
    return Reconstruction(given.name, assd, hd95, body_iou(given, made, samples=10 * samples, seed=seed))


def reconstructions(given: Sequence[Surface], made: Sequence[Surface], *, samples: int = 2000, seed: int = 0) -> list[Reconstruction]:
    """Shape by shape. Raises CellmlError where their numbers disagree."""
    if len(given) != len(made):
        raise CellmlError(f"{len(given)} shapes were given and {len(made)} reconstructed; each needs its own.")
    return [reconstruction(one, other, samples=samples, seed=seed) for one, other in zip(given, made, strict=True)]


def body_iou(one: Surface, other: Surface, *, samples: int = 20_000, seed: int = 0) -> float:
    """|A ∩ B| / |A ∪ B| of two bodies by points uniform in the box about both; standard error about √(iou (1 − iou) / points in A ∪ B).

    A point is inside where the winding number is above one half. Raises CellmlError where neither encloses a point.
    """
    from cellml.surfaces.winding import winding_number

    both = np.concatenate([surface.vertices[np.unique(surface.faces)] for surface in (one, other)])
    points = np.random.default_rng(seed).uniform(both.min(axis=0), both.max(axis=0), (samples, 3))
    first, second = (winding_number(surface.vertices, surface.faces, points) > 0.5 for surface in (one, other))
    union = int((first | second).sum())
    if union == 0:
        raise CellmlError(f"Neither {one.name!r} nor {other.name!r} encloses anything at {samples} points of the box about both.")
    return float((first & second).sum() / union)
