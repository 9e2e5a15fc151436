"""The image model's answer as a field: how densely a structure fills a cell, given its frames, on voxels and on the nodes of a mesh."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.channels import CHANNELS, channels_of
from cellml.shapes.organelles.host import Host
from cellml.types import TetMesh, Volume


def structure_density(task: Any, host: Host) -> Volume:
    """The probability that each voxel of a host belongs to the structure, (Z, Y, X) in [0, 1], 0 outside and in a solid inner frame.

    task: trained by `cellml train experiment=shapes/structure` (`cellml.load(checkpoint).task`); the host must be sampled about as finely
    as its data were (`cellml.shapes.organelles.around.coarser`). Raises CellmlError for a task with other channels.
    """
    wanted = getattr(task.net, "in_channels", len(CHANNELS))
    if wanted != len(CHANNELS):
        raise CellmlError(f"The network reads {wanted} channels; a structure model reads {len(CHANNELS)}: {', '.join(CHANNELS)}.")
    probability = np.asarray(task.predict_volume(channels_of(host)))[1]
    open_ = host.inside & ~host.inner if host.solid else host.inside
    return Volume(np.where(open_, probability, 0.0), host.spacing, host.origin, name="structure_density")


def nodal_density(density: Volume, mesh: TetMesh, nodes: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """A density field at the points of a mesh, (P,), or at some of its nodes, (N,), by trilinear interpolation.

    A start for `cellml.sim.simulator.Simulator` (times a concentration, as `initial`), or a factor on a rate. Voxels outside the host,
    where it is 0, take the value of the nearest voxel inside first, so that nodes on the membrane are not diluted. Raises CellmlError where
    mesh and density do not overlap.
    """
    from scipy.ndimage import distance_transform_edt

    from cellml.meshing.signed_distance import sample_linear

    points = mesh.points if nodes is None else mesh.points[nodes]
    place = (points[:, ::-1] - np.array(density.origin)) / np.array(density.spacing)
    within = ((place > -1) & (place < np.array(density.shape))).all(axis=1)
    if not within.any() or not (density.data > 0).any():
        raise CellmlError(f"{mesh.name!r} and {density.name!r} do not overlap, or the density is 0; do they share a frame?")
    nearest = distance_transform_edt(density.data <= 0, return_distances=False, return_indices=True)
    return np.asarray(sample_linear(np.asarray(density.data, np.float64)[tuple(nearest)], place))
