"""Surfaces from elsewhere to a certified mesh, through repair and signed distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import ndimage

from cellml.errors import CellmlError
from cellml.meshing.certificate import Certificate, certify, strays_by
from cellml.meshing.errors import MeshingError
from cellml.meshing.field_shapes import FieldShapes, shapes_of_fields
from cellml.meshing.gate import Gate
from cellml.meshing.mesher import MeshResult, mesh_shapes
from cellml.meshing.order import Order, largest_edge
from cellml.meshing.patches import patches_of
from cellml.meshing.source import source_of_surface
from cellml.meshing.surface_samples import sample_triangles
from cellml.meshing.topology import surface_topology
from cellml.meshing.watch import Tell, Watch
from cellml.types import Labels, Surface, TetMesh

_VOXELS = 30_000  # inside the surface, where no spacing is given
_MOST_CHANGE = 0.4  # of the volume by repair: parts that lie within one another become one
_MOST_LOST = 0.01  # of the area: a gate on the 99th percentile of distances would fail
_FINER = (1.0, 0.6, 0.4)  # spacing of the samples in each attempt: a tail thinner than two samples is lost


def mesh_surface(
    surface: Surface,
    *,
    spacing_nm: float | None = None,
    edge_nm: float | None = None,
    voxel_nm: float | None = None,
    patches: Mapping[str, Labels] | None = None,
    timeout_s: float = 120.0,
    gate: Gate | None = None,
    tell: Tell | None = None,
) -> MeshResult:
    """Mesh what a surface encloses.

    The surface is repaired where it is not closed, manifold, oriented and free of crossings; its signed distance is sampled every
    `spacing_nm` (default: so that about 30 000 samples lie inside), more finely where the gate is failed, and meshed as labels are. Where
    mending its crossings leaves sheets that are thinner than the samples it is made anew from its winding number instead. The certificate
    compares with the repaired surface and lists the repairs.

    surface: triangles in nm; edge_nm: largest edge (default 5 samples); voxel_nm: longest voxel edge of the image that the surface was made
    from, in which the certificate and its gate state distances (default: the spacing of the samples). Returns the mesh, with one region
    named `inside`, and its certificate, whether or not the gate is passed. Raises CellmlError where the surface encloses nothing or cannot
    be repaired, MeshingError where no mesh can be made.
    """
    from cellml.surfaces.repair import repair

    watch = Watch.start(timeout_s, tell)
    try:
        watch.begin("repairing the surface")
        closed, repairs = repair(surface)
        _require_same_volume(surface, closed)
        spacing = float(np.cbrt(closed.volume() / _VOXELS)) if spacing_nm is None else float(spacing_nm)
        if not np.isfinite(spacing) or spacing <= 0:
            raise CellmlError(f"spacing_nm must be a positive length in nm, got {spacing_nm}.")
        unit_nm = spacing if voxel_nm is None else float(voxel_nm)
        if not np.isfinite(unit_nm) or unit_nm <= 0:
            raise CellmlError(f"voxel_nm must be a positive length in nm, got {voxel_nm}.")
        shapes = _sampled(closed, spacing)
        lost = _unsampled_share(closed, shapes, unit_nm)
        if repairs and lost > _MOST_LOST:
            closed, repairs = repair(surface, anew=True)
            shapes = _sampled(closed, spacing)
            repairs += (f"faces were not laid anew where they crossed: that left {100 * lost:.1f} % of the area around sheets too thin",)
    except MemoryError as error:
        raise MeshingError(f"{surface.name!r} on a grid of {spacing_nm} nm does not fit into memory; give a larger spacing_nm.") from error
    order = Order(
        edge_nm=largest_edge(edge_nm, spacing),
        gate=gate or Gate(),
        names={1: "inside"},
        membranes={},
        patches=patches_of(patches or {}, spacing),
        largest_only=False,
        name=surface.name,
    )
    source = source_of_surface(closed)

    def measured(mesh: TetMesh, made: Mapping[str, Any]) -> Certificate:
        return certify(mesh, {1: source}, spacing, source=closed, unit_nm=unit_nm, **made)

    def sampled(attempt: int) -> FieldShapes:
        return shapes if attempt == 0 else _sampled(closed, spacing * _FINER[attempt])

    return mesh_shapes(sampled, order, measured, lambda cut: strays_by(cut, closed, unit_nm), watch, repairs)


def _require_same_volume(given: Surface, closed: Surface) -> None:
    """Raise MeshingError where the repair of a closed surface changed what it encloses beyond recognition."""
    before = abs(given.volume())
    if before == 0 or not surface_topology(given.faces).closed:
        return
    change = closed.volume() / before - 1.0
    if abs(change) > _MOST_CHANGE:
        raise MeshingError(
            f"Repair of {given.name!r} would change the volume that it encloses by {100 * change:+.0f} %, more than "
            f"{100 * _MOST_CHANGE:g} %: it crosses itself, or lies on itself. Repair it by hand, or mesh the labels that it came from."
        )


def _unsampled_share(closed: Surface, shapes: FieldShapes, unit_nm: float) -> float:
    """Share of the area of a surface that lies further than `unit_nm` from wherever it is two samples thick: a mesh cannot come near it."""
    inside = ndimage.binary_opening(shapes.fields[1] < 0, np.ones((2, 2, 2)))
    away = ndimage.distance_transform_edt(~inside, sampling=shapes.frame.spacing)
    small = sample_triangles(closed.vertices[closed.faces], shapes.frame.voxel_nm)
    lost = shapes.frame.sample(away, small.centroids) > unit_nm + shapes.frame.voxel_nm
    return float(small.areas[lost].sum() / small.areas.sum())


def _sampled(closed: Surface, spacing_nm: float) -> FieldShapes:
    """The inside of a closed surface by its signed distance on a grid."""
    from cellml.surfaces.distance import signed_distance_of

    try:
        field = signed_distance_of(closed, spacing_nm=spacing_nm, margin=2)
    except CellmlError as error:  # a finer attempt that fails must not cost the mesh of a coarser one
        raise MeshingError(str(error)) from error
    return shapes_of_fields({1: field.data}, np.array(field.spacing), np.array(field.origin), {1: closed.volume()}, cut_faces=False)
