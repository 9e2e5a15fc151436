"""Signed distances, as a network gives them, to a certified mesh without a detour through voxels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.errors import CellmlError
from cellml.meshing.certificate import Certificate, SourceRegion, certify, strays_by
from cellml.meshing.errors import MeshingError
from cellml.meshing.facets import named_pairs
from cellml.meshing.field_shapes import shapes_of_fields
from cellml.meshing.gate import Gate
from cellml.meshing.mesher import MeshResult, mesh_shapes
from cellml.meshing.order import Order, largest_edge
from cellml.meshing.patches import patches_of
from cellml.meshing.selection import MOST_LABELS
from cellml.meshing.topology import voxel_euler_number
from cellml.meshing.watch import Tell, Watch
from cellml.types import Labels, TetMesh, Volume

Floats = NDArray[np.float64]

_SLOPES = (0.3, 3.0)  # of what is taken for a distance: the output of a network is seldom exact
_MOST_BORDER = 0.9  # part of the border of a volume that may lie inside


def mesh_fields(
    fields: Mapping[str, Volume],
    *,
    edge_nm: float | None = None,
    cut_faces: bool = True,
    membranes: Mapping[str, tuple[int | str, int | str]] | None = None,
    patches: Mapping[str, Labels] | None = None,
    timeout_s: float = 120.0,
    gate: Gate | None = None,
    tell: Tell | None = None,
) -> MeshResult:
    """Mesh the shapes {φ < 0} of signed distances with conforming tetrahedra; regions are numbered 1, 2, … in the order given.

    fields: by name of the region, (Z, Y, X) in nm, negative inside, all on one grid; where several are negative a point belongs to the one
    that it lies deepest in. The rest is as in `mesh_labels`; the certificate compares with the volume of {φ < 0} (to sub-voxel accuracy)
    and with the boundary of the voxels whose centre lies in it. Raises MeshingError for a field that is nowhere negative, or everywhere,
    and CellmlError for grids that disagree and values that are not finite.
    """
    watch = Watch.start(timeout_s, tell)
    grid = _one_grid(fields)
    names = dict(enumerate(fields, start=1))
    arrays = {number: np.asarray(fields[name].data, float) for number, name in names.items()}
    label = _deepest(arrays)
    for number, name in names.items():
        if not (label == number).any():
            raise MeshingError(
                f"{name!r} lies deepest nowhere: its signed distance must be negative inside, and below that of other shapes."
            )
    labels = Labels(label, grid.spacing, grid.origin, names=names, name="+".join(fields))
    spacing, origin = np.array(grid.spacing), np.array(grid.origin)
    volumes = volumes_of(arrays, float(spacing.min()), float(spacing.prod()))
    shapes = shapes_of_fields(arrays, spacing, origin, volumes, cut_faces=cut_faces)
    sources = {n: _source(label == n, volumes[n]) for n in names}
    order = Order(
        edge_nm=largest_edge(edge_nm, shapes.frame.voxel_nm),
        gate=gate or Gate(),
        names=names,
        membranes=named_pairs(membranes or {}, names),
        patches=patches_of(patches or {}, shapes.frame.detail_nm),
        largest_only=False,
        name=labels.name,
    )

    def measured(mesh: TetMesh, made: Mapping[str, Any]) -> Certificate:
        return certify(mesh, sources, shapes.frame.voxel_nm, source=labels, **made)

    return mesh_shapes(lambda _: shapes, order, measured, lambda cut: strays_by(cut, labels), watch)


def volumes_of(fields: Mapping[int, Floats], edge_nm: float, voxel_nm3: float) -> dict[int, float]:
    """Volume in nm³ in which each field is negative and the least: a voxel counts by the share ½ − ψ / edge of it that lies inside."""
    volumes = {}
    for number, field in fields.items():
        others = [other for n, other in fields.items() if n != number]
        depth = field if not others else np.maximum(field, 0.5 * (field - np.minimum.reduce(others)))
        volumes[number] = float(np.clip(0.5 - depth / edge_nm, 0.0, 1.0).sum()) * voxel_nm3
    return volumes


def _one_grid(fields: Mapping[str, Volume]) -> Volume:
    if not 1 <= len(fields) <= MOST_LABELS:
        raise CellmlError(f"mesh_fields takes 1 to {MOST_LABELS} signed distances, got {len(fields)}.")
    first_name, first = next(iter(fields.items()))
    for name, volume in fields.items():
        if volume.axes != "ZYX":
            raise CellmlError(f"The signed distance {name!r} must have axes ZYX, got {volume.axes!r}.")
        if volume.data.shape != first.data.shape or volume.spacing != first.spacing or volume.origin != first.origin:
            raise CellmlError(
                f"The signed distances {first_name!r} and {name!r} lie on different grids ({first.data.shape}, {first.spacing} nm from "
                f"{first.origin} against {volume.data.shape}, {volume.spacing} nm from {volume.origin}); put them on one."
            )
        if not np.isfinite(volume.data).all():
            raise CellmlError(f"The signed distance {name!r} holds {int((~np.isfinite(volume.data)).sum())} NaN or infinite values.")
        if (volume.data >= 0).all() or (volume.data < 0).all():
            raise MeshingError(f"The signed distance {name!r} has one sign only; it must be negative inside the shape, positive outside.")
        _require_distance(name, volume)
    return first


def _require_distance(name: str, volume: Volume) -> None:
    """Raise MeshingError where values near the surface do not change like a distance in nm, or the signs are reversed."""
    field, spacing = np.asarray(volume.data, float), volume.spacing
    near = np.abs(field) < 1.5 * max(spacing)
    slope = float(np.median(np.linalg.norm(np.gradient(field, *spacing), axis=0)[near])) if near.any() and min(field.shape) > 1 else 1.0
    if not _SLOPES[0] <= slope <= _SLOPES[1]:
        raise MeshingError(
            f"The signed distance {name!r} changes by {slope:.3g} nm for each nm near its surface, where a distance changes by 1. If it "
            "is in another unit, give it in nm (from µm: times 1000; from voxels: times the voxel size)."
        )
    border = np.concatenate([np.take(field, [0, -1], axis=axis).ravel() for axis in range(3)])
    if (border < 0).mean() > _MOST_BORDER:
        raise MeshingError(
            f"The signed distance {name!r} is negative on {100 * float((border < 0).mean()):.0f} % of the border of its volume: it must be "
            "negative inside, so its signs are probably reversed."
        )


def _deepest(fields: Mapping[int, Floats]) -> NDArray[np.int64]:
    """Number of the least field where that is negative, else 0, (Z, Y, X)."""
    numbers, stack = np.array(list(fields)), np.stack(list(fields.values()))
    return np.where(stack.min(axis=0) < 0, numbers[stack.argmin(axis=0)], 0).astype(np.int64)


def _source(mask: NDArray[np.bool_], volume_nm3: float) -> SourceRegion:
    return SourceRegion(int(mask.sum()), volume_nm3, int(ndimage.label(mask)[1]), voxel_euler_number(mask))
