"""How likely shapes are that a model has not seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.evaluation.intervals import Interval
from cellml.shapes.model import ShapeModel
from cellml.shapes.population import Population

if TYPE_CHECKING:
    from cellml.tasks.shape_vae import ShapeVaeTask


def held_out_log_likelihood(model: ShapeModel, held_out: Population, *, level: float = 0.9, draws: int = 1000, seed: int = 0) -> Interval:
    """Mean log density of the codes of held-out shapes, in nats a shape, with an interval over draws of whole groups.

    Densities of codes of one model at different numbers of shapes or of one family compare; those of different spaces of codes do not.
    Raises CellmlError where the model encodes nothing or has no density.
    """
    values = np.asarray(model.log_density(model.encode(held_out)), np.float64)
    groups = np.asarray(held_out.groups)
    names = np.unique(groups)
    sums, counts = np.array([[values[groups == name].sum(), (groups == name).sum()] for name in names]).T
    rows = np.random.default_rng(seed).integers(len(names), size=(draws, len(names)))
    means = sums[rows].sum(axis=1) / counts[rows].sum(axis=1)
    low, high = np.percentile(means, (50 * (1 - level), 50 * (1 + level)))
    return Interval(float(values.mean()), float(low), float(high), level)


def voxel_bound(task: ShapeVaeTask, shapes: Population, *, sharpness: float, samples: int = 32, seed: int = 0) -> NDArray[np.float64]:
    """A lower bound of log p(x, s | c) of the voxels x of each shape and its size s, in nats, (N,); of an autoencoder of distance grids.

    log 1/K Σ_k p(x | z_k, c) p(z_k, s | c) / q(z_k | x, c), z_k drawn from q (Burda et al. 2016, arXiv:1509.00519, eq. 8), on average a
    bound whatever K, and the nearer the larger K is. x is 1 inside, and voxel by voxel p(x = 1 | z) = σ(−sharpness · d̂) with the decoded
    distance d̂ in voxels; s is the standardised logarithm of the size. So it compares with `log_density` of an autoregressive model on the
    same grid, which is exact. task: on grids; samples: K; sharpness: chosen on training shapes.
    """
    import torch
    from torch.nn import functional

    from cellml.tasks.shape_target import batch_of

    random = torch.Generator().manual_seed(seed)
    found = []
    with torch.no_grad():
        for number in range(len(shapes)):
            batch = batch_of(shapes.select([number]), task.representation, task.target)
            given = task.target.vector(batch["label"], batch["frame"])
            mean, log_variance = task.net.posterior(batch["image"], given)
            noise = torch.randn(samples, mean.shape[1], generator=random).to(mean)
            codes, given = mean + (log_variance / 2).exp() * noise, given.expand(samples, -1)
            inside = (batch["image"] < 0).to(mean).expand(samples, -1, -1, -1, -1)
            logits = -sharpness * task.net.decode(codes, given)
            told = -functional.binary_cross_entropy_with_logits(logits, inside, reduction="none").sum(dim=(1, 2, 3, 4))
            posterior = -0.5 * (noise.square() + log_variance + math.log(2 * math.pi)).sum(dim=1)
            prior = task.prior.log_prob(task.with_size(codes, batch["unit"].expand(samples)), given)
            found.append(float(torch.logsumexp(told + prior - posterior, dim=0)) - math.log(samples))
    return np.array(found)
