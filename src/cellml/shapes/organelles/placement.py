"""Where organelles lie: a weight on the coordinates of a host, relative to a uniform distribution over its volume.

A model gives q(u, n, s) > 0 for the harmonic coordinate u, the direction n and the size s of an organelle. Its centre then has, in a host,
the density p(x) = q(c(x)) / Σ_v q(c(v)) |v| over all voxels v where an organelle of that size fits. So every host has a density of its own
that is exactly normalised, whatever its shape; q = 1 is the uniform distribution, the null that each model is compared with; and models
are fitted by the likelihood of that density, never of coordinates alone, which crowd where a host is narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.frame import Frame

Floats = NDArray[np.float64]


class Placement(Protocol):
    """What says where organelles lie; frozen dataclasses of numbers and arrays, so that they can be kept in a file."""

    def log_weight(self, harmonic: Floats, direction: Floats, size: Floats) -> Floats:
        """The values ln q at N places. harmonic: (N,); direction: (N, 3) unit vectors; size: (N,), ln of the organelle's volume in nm³."""
        ...


@dataclass(frozen=True)
class UniformPlacement:
    """Uniform over the volume where the organelle fits: the null."""

    def log_weight(self, harmonic: Floats, direction: Floats, size: Floats) -> Floats:
        """Zeros, (N,)."""
        return np.zeros(len(harmonic))


@dataclass(frozen=True, eq=False)
class Examples:
    """Organelles and the places where each could have been, to learn a placement from.

    harmonic: (N,); direction: (N, 3); size: (N,), ln nm³; free_harmonic: (N, S), free_direction: (N, S, 3) at places drawn uniformly from
    those where organelle n fits; groups: (N,) numbers of the hosts; left_out: organelles whose centre lies in no voxel of their frame.
    """

    harmonic: Floats
    direction: Floats
    size: Floats
    free_harmonic: Floats
    free_direction: Floats
    groups: NDArray[np.int64]
    left_out: int = 0

    def select(self, rows: NDArray[np.int64]) -> Examples:
        """The organelles of these rows."""
        return Examples(
            self.harmonic[rows],
            self.direction[rows],
            self.size[rows],
            self.free_harmonic[rows],
            self.free_direction[rows],
            self.groups[rows],
            self.left_out,
        )

    def __len__(self) -> int:
        return len(self.harmonic)


def examples_of(
    frame: Frame, centres: Floats, sizes: Floats, need: Floats, *, places: int = 256, seed: int = 0, group: int = 0
) -> Examples:
    """Organelles of one host as examples.

    centres: (N, 3) in nm; sizes: (N,) ln nm³; need: (N,) least distance in nm of the centre from the membrane for the organelle to fit (the
    radius of the largest ball about its centre in it). A place where it was found counts as one where it fits. places: S. Raises
    CellmlError where no organelle lies in the frame, and for sizes that are not finite.
    """
    if not np.isfinite(centres).all() or not np.isfinite(sizes).all():
        raise CellmlError(f"Centres or sizes of the organelles in {frame.name!r} are not finite numbers.")
    rows = frame.rows_at(centres)
    kept = np.flatnonzero(rows >= 0)
    if not len(kept):
        raise CellmlError(f"None of {len(centres)} organelles has its centre inside {frame.name!r}; do the two volumes share a frame?")
    rows, need = rows[kept], np.minimum(need[kept], frame.depth[rows[kept]])
    rng = np.random.default_rng(seed)
    order = np.argsort(-frame.depth)
    fits = np.searchsorted(-frame.depth[order], -need, side="right")
    drawn = order[(rng.random((len(rows), places)) * fits[:, None]).astype(np.int64)]
    return Examples(
        frame.harmonic[rows],
        frame.direction[rows],
        np.asarray(sizes, float)[kept],
        frame.harmonic[drawn],
        frame.direction[drawn],
        np.full(len(rows), group, np.int64),
        len(centres) - len(kept),
    )


def joined(parts: list[Examples]) -> Examples:
    """Examples of several hosts as one; each must have drawn as many places. Raises CellmlError for none."""
    if not parts:
        raise CellmlError("There are no examples to join: no host held an organelle.")
    return Examples(
        np.concatenate([p.harmonic for p in parts]),
        np.concatenate([p.direction for p in parts]),
        np.concatenate([p.size for p in parts]),
        np.concatenate([p.free_harmonic for p in parts]),
        np.concatenate([p.free_direction for p in parts]),
        np.concatenate([p.groups for p in parts]),
        sum(p.left_out for p in parts),
    )


def log_likelihood(placement: Placement, examples: Examples) -> Floats:
    """The ln of each organelle's density over that of the uniform distribution, (N,) nats: ln q(c_n) − ln mean_s q(c_ns).

    The mean runs over the places drawn for the organelle, so that its error falls with their number.
    """
    count, places = examples.free_harmonic.shape
    at = placement.log_weight(examples.harmonic, examples.direction, examples.size)
    free = placement.log_weight(
        examples.free_harmonic.ravel(), examples.free_direction.reshape(-1, 3), np.repeat(examples.size, places)
    ).reshape(count, places)
    top = free.max(axis=1, keepdims=True)
    return np.asarray(at - top[:, 0] - np.log(np.exp(free - top).mean(axis=1)))


def density_in(placement: Placement, frame: Frame, size: float, need: float = 0.0) -> Floats:
    """Probability of each voxel of a frame, (V,), summing to 1: the exact density of the model in this host, for one size.

    size: ln nm³; need: nm from the membrane that the centre needs; the density is 0 where it does not fit. Raises CellmlError where the
    organelle fits nowhere, and for a model whose weights are not finite.
    """
    fits = frame.depth >= need
    if not fits.any():
        raise CellmlError(
            f"No place in {frame.name!r} is {need:.0f} nm from its membrane (the deepest is {frame.depth.max():.0f} nm): the organelle is "
            "larger than the host."
        )
    weights = np.full(len(frame.points), -np.inf)
    weights[fits] = placement.log_weight(frame.harmonic[fits], frame.direction[fits], np.full(int(fits.sum()), size))
    if not np.isfinite(weights[fits]).all():
        raise CellmlError(f"The placement gives weights that are not finite in {frame.name!r}; fit it again.")
    chance = np.exp(weights - weights[fits].max())
    return np.asarray(chance / chance.sum())
