"""Certify a mesh from anywhere, against labels or a surface where there are any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cellml.errors import CellmlError
from cellml.meshing.certificate import Certificate, certify
from cellml.meshing.crop import bounding_box, describe_labels, present_labels
from cellml.meshing.source import regions_of_labels, source_of_mask, source_of_surface
from cellml.types import Labels, Surface, TetMesh


def certify_mesh(mesh: TetMesh, source: Labels | Surface | None = None) -> Certificate:
    """Measure a mesh that was made elsewhere.

    source: labels whose numbers are those of the regions (any number, where both have one only), or the closed surface of a mesh of one
    region: volumes, topology and distances are then compared with it. Labels that are no region are passed over. Raises CellmlError where
    the two have no number or no place in common.
    """
    if source is None:
        return certify(mesh, {}, None)
    _require_one_place(mesh, source)
    if isinstance(source, Surface):
        numbers = np.unique(mesh.regions).tolist()
        return certify(mesh, {n: source_of_surface(source) for n in numbers if len(numbers) == 1}, None, source=source)
    matched = _matched(mesh, source)
    crops = regions_of_labels(matched, np.unique(mesh.regions).tolist())
    voxel_nm = float(np.cbrt(np.prod(source.spacing)))
    return certify(mesh, {n: source_of_mask(crop) for n, crop in crops.items()}, voxel_nm, source=matched)


def _matched(mesh: TetMesh, labels: Labels) -> Labels:
    regions, numbers = np.unique(mesh.regions), present_labels(labels)
    if len(regions) == 1 and len(numbers) == 1:
        return replace(labels, data=np.where(labels.data > 0, regions[0], 0), names={})
    if not np.isin(regions, numbers).any():
        raise CellmlError(
            f"{mesh.name!r} has regions {', '.join(map(str, regions[:12].tolist()))} and {labels.name!r} has {describe_labels(numbers)}: "
            "no number is in both. Give the labels that the mesh was made of, with the same numbers."
        )
    return labels


def _require_one_place(mesh: TetMesh, source: Labels | Surface) -> None:
    """A mesh in another unit, or counted from another origin, would be compared with the wrong place."""
    points = mesh.points[np.unique(mesh.tets)]
    low, high = points.min(axis=0), points.max(axis=0)
    if isinstance(source, Surface):
        used = source.vertices[source.faces.ravel()]
        first, last = used.min(axis=0), used.max(axis=0)
    else:
        begin, end = bounding_box(source.data > 0) if (source.data > 0).any() else (np.zeros(3), np.array(source.shape))
        first, last = ((np.array(source.origin) + (corner - 0.5) * np.array(source.spacing))[::-1] for corner in (begin, end))
    if (low > last).any() or (first > high).any():
        ranges = [", ".join(f"{a:.4g} to {b:.4g}" for a, b in zip(*box, strict=True)) for box in ((low, high), (first, last))]
        raise CellmlError(
            f"{mesh.name!r} lies at x, y, z = {ranges[0]} nm and {source.name!r} at {ranges[1]} nm: they do not overlap. "
            "One of the two is in another unit, or counts from another origin."
        )
