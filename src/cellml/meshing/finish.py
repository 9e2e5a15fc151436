"""What is done to a mesh after global optimisation: back behind its walls, volumes restored, angles mended, crossing sheets drawn apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.cut import volumes
from cellml.meshing.domain import Shapes
from cellml.meshing.facets import flatten_cuts
from cellml.meshing.gate import Gate
from cellml.meshing.goal import Goal
from cellml.meshing.mmg import Remeshed
from cellml.meshing.offset import restore_volumes
from cellml.meshing.order import Order
from cellml.meshing.polish import Polished, polish
from cellml.meshing.separate import separate
from cellml.meshing.topology import Index
from cellml.meshing.watch import Watch

Floats = NDArray[np.float64]

_INSET = 0.01  # voxels between a wall and membrane that optimisation let bulge through it
_MOST_MOVE = 0.2  # voxels that a surface may move to restore volumes, and again to mend an angle
_FURTHER, _MARGIN = (1.5, 3.0), 0.2  # times that, where the gate is missed all the same; degrees inside the gate that are wanted then
_DRAW_BACK = 0.1  # voxels by which crossing sheets of the surface are drawn back at a time
_GOAL = Goal()
_SOUND = Goal(1.0, 2.0, 176.0)  # at which few tetrahedra are bad even in a mesh that is beyond mending
_HIGHEST_DIHEDRAL = 20.0  # degrees: a gate beyond it would have most tetrahedra mended one by one, for minutes and in vain


def finished(done: Remeshed, shapes: Shapes, order: Order, targets: Mapping[int, float], watch: Watch) -> tuple[Polished, float]:
    """The mesh of MMG, put back behind its walls, with volumes restored and bad angles mended, and how far surfaces moved (nm)."""
    frame, planes = shapes.frame, shapes.frame.planes()
    tags, _ = order.patches.decode(done.triangle_tags)
    points = flatten_cuts(done.points, done.triangles, tags, planes, inset=_INSET * float(frame.spacing.min()))
    used, inverse = np.unique(done.tets, return_inverse=True)
    points, tets = points[used], inverse.reshape(-1, 4)
    limit = _MOST_MOVE * frame.voxel_nm
    points, moved_nm = restore_volumes(points, tets, done.regions, planes, targets, limit=limit)
    points, tets, regions = _untangled(points, tets, done.regions, planes, limit, watch)
    goal = replace(_GOAL, dihedral_deg=min(max(_GOAL.dihedral_deg, order.gate.min_dihedral_deg + 0.5), _HIGHEST_DIHEDRAL))
    polished = polish(points, tets, regions, planes, goal=goal, reach_nm=limit, watch=watch)
    points, drawn_back = separate(polished.points, polished.tets, polished.regions, planes, step_nm=_DRAW_BACK * frame.voxel_nm)
    if drawn_back:
        again = polish(points, polished.tets, polished.regions, planes, goal=goal, reach_nm=0.5 * limit, watch=watch)
        polished = replace(again, bad_before=polished.bad_before)
    return _pushed(polished, order.gate, planes, limit, watch), moved_nm


def _pushed(polished: Polished, gate: Gate, planes: Mapping[tuple[int, int], float], limit: float, watch: Watch) -> Polished:
    """The mesh once more, with surfaces that may move further around the few elements that still miss the gate itself."""
    goal = Goal(gate.min_dihedral_deg + _MARGIN, gate.surface_angle_min_deg + _MARGIN, gate.surface_angle_max_deg - _MARGIN)
    for further in _FURTHER if polished.bad_after else ():
        again = polish(polished.points, polished.tets, polished.regions, planes, goal=goal, reach_nm=further * limit, watch=watch)
        polished = replace(again, bad_before=polished.bad_before)
        if not again.bad_after or watch.over:
            break
    return polished


def _untangled(
    points: Floats, tets: Index, regions: NDArray[np.int32], planes: Mapping[tuple[int, int], float], limit: float, watch: Watch
) -> tuple[Floats, Index, NDArray[np.int32]]:
    """The mesh without tetrahedra that were turned inside out when points went back onto their walls.

    Where most of a mesh is bad it is not polished, but these few are mended all the same: no mesh can be written with them.
    """
    if volumes(points, tets).min() > 0:
        return points, tets, regions
    mended = polish(points, tets, regions, planes, goal=_SOUND, reach_nm=limit, watch=watch)
    return mended.points, mended.tets, mended.regions
