"""The bound of the voxels' likelihood where it is known: a decoder that does not listen, and one that does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.stats import norm

from cellml.data.shape_arrays import GridRepresentation
from cellml.losses.shapes import DistanceElbo
from cellml.nets.mesh_template import icosphere
from cellml.nets.sdf_vae import SdfVae
from cellml.shapes.evaluation.likelihood import voxel_bound
from cellml.shapes.population import Population
from cellml.tasks.shape_target import ShapeTarget
from cellml.tasks.shape_vae import ShapeVaeTask
from cellml.types import Surface

GRID = GridRepresentation((8, 8, 8), truncate=2.0, margin=1)


def balls() -> Population:
    sphere = icosphere(2)
    unit, faces = sphere.vertices.double().numpy(), sphere.faces.numpy()
    surfaces = tuple(Surface(radius * unit, faces, str(radius)) for radius in (100.0, 200.0))
    return Population(("a", "b"), surfaces, ("0", "1"), ("", ""))


def task() -> Any:
    torch.manual_seed(0)
    net = SdfVae((8, 8, 8), 3, (4,), truncate=2.0)
    made = ShapeVaeTask(net, ShapeTarget(), DistanceElbo(), torch.optim.Adam, GRID)
    made.unit_middle.fill_(math.log(50.0))
    return made.eval()


def test_a_decoder_that_does_not_listen_gives_the_likelihood_itself() -> None:
    """d̂ = 0 everywhere, so that each voxel is a coin, and q is the prior: the bound is exact for any number of samples."""
    deaf = task()
    with torch.no_grad():
        for parameter in (*deaf.net.posterior_of.parameters(), *deaf.net.decoder[-1].parameters()):
            parameter.zero_()
    found = voxel_bound(deaf, balls(), sharpness=2.0, samples=3)
    sizes = np.log(GRID.of(balls()).units) - math.log(50.0)
    np.testing.assert_allclose(found, -512 * math.log(2) + norm.logpdf(sizes), rtol=1e-5)


def test_more_samples_bring_the_bound_nearer_and_never_above_the_likelihood() -> None:
    listening = task()
    with torch.no_grad():
        listening.net.posterior_of.weight.zero_()
        listening.net.posterior_of.bias.copy_(torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]))  # q is a deviation off the prior
        listening.net.decoder[-1].conv.weight.mul_(20)
    few, many, most = (
        np.mean([voxel_bound(listening, balls(), sharpness=1.0, samples=n, seed=seed).mean() for seed in range(20)]) for n in (1, 16, 256)
    )
    assert few < many < most
