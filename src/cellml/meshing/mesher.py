"""Labels to a certified tetrahedral mesh."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.certificate import Certificate, certify
from cellml.meshing.cut import CutMesh
from cellml.meshing.domain import Domain, domain_of
from cellml.meshing.errors import MeshingError
from cellml.meshing.facets import MEMBRANE, ON_WALL, facet_tag_names, flatten_cuts, ridges, tagged_facets
from cellml.meshing.gate import Gate
from cellml.meshing.mmg import Remeshed, remesh
from cellml.meshing.offset import restore_volume
from cellml.meshing.partition import largest_piece, partition
from cellml.meshing.quality import dihedral_angles
from cellml.meshing.selection import Selection, select
from cellml.meshing.topology import facet_components
from cellml.types import Labels, TetMesh

# Background cube and smoothing σ, both in voxels, from the cheap to the careful: the next is tried where the gate is failed.
_ATTEMPTS = ((2.0, 1.0), (1.5, 0.8), (1.0, 0.6))

_MOST_PASSES = 3  # of MMG; the second and third are made where the first leaves a small angle
_INSET = 0.01  # voxels between a wall and membrane that optimisation let bulge through it
_MOST_MOVE = 0.2  # voxels that the surface may move to restore the volume
_SPARE_DEG = 2.0  # above the gate, at which no further pass is made


@dataclass(frozen=True, eq=False)
class MeshResult:
    """A mesh with its certificate."""

    mesh: TetMesh
    certificate: Certificate


def mesh_labels(
    labels: Labels,
    *,
    label: int | None = None,
    edge_nm: float | None = None,
    cut_faces: bool = True,
    timeout_s: float = 120.0,
    gate: Gate | None = None,
) -> MeshResult:
    """Mesh labels with conforming tetrahedra.

    Each label becomes a region of that number. Its surface follows the zero of the label's signed distance, smoothed by about one voxel
    and shifted so that the volume is that of the voxels (anisotropic spacing respected); background tetrahedra are cut along it and
    optimised by one to three passes of MMG in a process of its own. Last, the membrane moves by at most a fifth of a voxel, so that
    what flat facets cut off curved surfaces is given back.

    labels: (Z, Y, X) with its frame; label: mesh this one only, its largest 6-connected component (None: all labels present, at most 8,
    with shared interfaces); edge_nm: largest edge in nm (default 4 voxels, a voxel being the cube root of its volume); cut_faces: cut the
    mesh by a plane where a label touches the border of the volume (False: round it off as if background followed); timeout_s: wall-clock
    limit for MMG over all attempts; gate: attempts on a finer background are made until it is passed (default `Gate()`).

    Facets carry the names `cut_z0`, `cut_z1`, `cut_y0`, `cut_y1`, `cut_x0`, `cut_x1` where all three corners lie within 1e-6 voxel of that
    border plane of the given volume (half a voxel outside the outermost voxel centres), so that their normal is along the axis; `a|b`
    between regions a and b; `membrane` elsewhere. A neurite that runs through two faces of its block so has two named plane ends.

    Returns the mesh and its certificate, whether or not the gate is passed: ask `certificate.passes(gate)`. Raises MeshingError, with the
    reason, for empty labels, more than 8 labels, fewer than 27 voxels, and where MMG crashes or runs out of time in every attempt;
    CellmlError, listing the labels present, for a label that is absent.
    """
    started = time.process_time()
    voxel_nm = float(np.cbrt(np.prod(labels.spacing)))
    gate = gate or Gate()
    order = _Order(_edge_length(edge_nm, voxel_nm), gate.min_dihedral_deg + _SPARE_DEG, time.monotonic() + timeout_s, timeout_s)
    selection = select(labels, label)
    domain = domain_of(selection.labels, cut_faces=cut_faces)
    outcomes: list[MeshResult] = []
    failures: list[MeshingError] = []
    for step, smoothing in _ATTEMPTS:
        try:
            outcomes.append(_attempt(selection, domain, order, min(step * voxel_nm, order.edge_nm), smoothing))
        except MeshingError as failure:
            failures.append(failure)
        if time.monotonic() >= order.deadline or (outcomes and not outcomes[-1].certificate.passes(gate)):
            break
    if not outcomes:
        raise failures[0]
    best = min(outcomes, key=lambda outcome: len(outcome.certificate.passes(gate)))
    worker_s = sum(float(outcome.certificate.cpu_s) for outcome in outcomes)
    settings = {**best.certificate.settings, "attempts": len(outcomes) + len(failures)}
    certificate = replace(best.certificate, cpu_s=time.process_time() - started + worker_s, settings=settings)
    return MeshResult(best.mesh, certificate)


@dataclass(frozen=True)
class _Order:
    """What the caller asked for: largest edge in nm, dihedral angle at which optimisation may stop, end of the time allowed (monotonic
    clock, s) and its length (s).
    """

    edge_nm: float
    enough_deg: float
    deadline: float
    timeout_s: float


def _edge_length(edge_nm: float | None, voxel_nm: float) -> float:
    if edge_nm is None:
        return 4.0 * voxel_nm
    if not np.isfinite(edge_nm) or edge_nm <= 0:
        raise MeshingError(f"edge_nm must be a positive length in nm, got {edge_nm}.")
    if edge_nm < voxel_nm:
        raise MeshingError(
            f"edge_nm = {edge_nm:g} is below the voxel size ({voxel_nm:g} nm): the labels hold no finer shape. Give at least "
            f"{voxel_nm:g}; a finer mesh for a solver is better made by refining this one."
        )
    return float(edge_nm)


def _attempt(selection: Selection, domain: Domain, order: _Order, step: float, smoothing: float) -> MeshResult:
    """One mesh on a background of `step` nm, smoothed by `smoothing` voxels; its certificate counts the worker's CPU seconds only."""
    cut = partition(domain, selection.numbers, step=step, smoothing=smoothing)
    repairs, share = list(selection.repairs), 0.0
    if len(selection.numbers) == 1:
        count, member = facet_components(cut.tets)
        if count > 1:
            cut, share = largest_piece(cut, member)
            repairs.append(f"smoothing left {count} pieces; the smaller, {100 * share:.2f} % of the volume, were dropped")
    planes = _planes(domain)
    tolerance = ON_WALL * float(domain.spacing.min())
    options = _options(order.edge_nm, domain.voxel_nm)
    remaining = max(order.deadline - time.monotonic(), 1.0)
    done = remesh(
        _mmg_input(cut, planes, tolerance),
        [options] * _MOST_PASSES,
        enough_deg=order.enough_deg,
        timeout_s=remaining,
        allowed_s=order.timeout_s,
    )
    if done.interrupted:
        repairs.append(f"the mesh of pass {done.passes_run} is kept, because in a later pass {done.interrupted}")
    mesh = _assemble(done, selection, planes, tolerance)
    mesh, moved_nm = _with_volume(mesh, (1.0 - share) * domain.count() * domain.voxel_volume, domain, planes, order.enough_deg)
    certificate = certify(
        mesh,
        selection.sources,
        domain.voxel_nm,
        discarded_share=selection.discarded_share,
        repairs=tuple(repairs),
        settings={
            "edge_nm": order.edge_nm,
            "background_nm": step,
            "smoothing_voxels": smoothing,
            "mmg_options": options,
            "mmg_passes": done.passes_run,
            "surface_moved_nm": moved_nm,
        },
        cpu_s=done.cpu_s,
        versions=_versions(done),
    )
    return MeshResult(mesh, certificate)


def _options(edge: float, voxel: float) -> dict[str, float]:
    """Options of an MMG pass: edges between a quarter and the whole of `edge`, the surface kept within a quarter of a voxel, nm.

    Ridge detection is off (angle = 0): the noise of labels is no ridge; the edges of plane cuts are given as ridges instead.
    """
    return {"hmax": edge, "hmin": edge / 4, "hausd": 0.25 * voxel, "hgrad": 1.5, "angle": 0}


def _planes(domain: Domain) -> dict[tuple[int, int], float]:
    return {(int(axis), int(side)): float((domain.high if side else domain.low)[axis]) for axis, side in np.argwhere(domain.walls)}


def _mmg_input(cut: CutMesh, planes: Mapping[tuple[int, int], float], tolerance: float) -> dict[str, NDArray[Any]]:
    facets, tags = tagged_facets(cut.points, cut.tets, cut.regions, planes, tolerance)
    return {
        "points": cut.points,
        "tets": cut.tets,
        "regions": cut.regions,
        "triangles": facets,
        "triangle_tags": tags,
        "ridges": ridges(facets, tags),
    }


def _assemble(done: Remeshed, selection: Selection, planes: Mapping[tuple[int, int], float], tolerance: float) -> TetMesh:
    inset = _INSET * float(tolerance / ON_WALL)
    points = flatten_cuts(done.points, done.triangles, done.triangle_tags.astype(np.int32), planes, inset=inset)
    used, inverse = np.unique(done.tets, return_inverse=True)
    points, tets = points[used], inverse.reshape(-1, 4)
    facets, tags = tagged_facets(points, tets, done.regions, planes, tolerance)
    region_names = {number: selection.labels.names.get(number, f"label_{number}") for number in sorted(selection.numbers)}
    present = set(tags.tolist())
    facet_names = {tag: name for tag, name in facet_tag_names(region_names).items() if tag in present}
    try:
        return TetMesh(points, tets, done.regions, region_names, facets, tags, facet_names, name=selection.labels.name)
    except CellmlError as error:
        raise MeshingError(f"Putting the mesh back behind the walls of its block spoilt it: {error}") from error


def _with_volume(
    mesh: TetMesh, target: float, domain: Domain, planes: Mapping[tuple[int, int], float], enough_deg: float
) -> tuple[TetMesh, float]:
    """The mesh with its membrane moved until its volume is the target, and by how much (nm), unless its angles suffer from it."""
    membrane = mesh.facets[mesh.facet_tags == MEMBRANE]
    points, moved_nm = restore_volume(mesh.points, mesh.tets, membrane, planes, target, limit=_MOST_MOVE * domain.voxel_nm)
    before, after = (float(dihedral_angles(p, mesh.tets).min()) for p in (mesh.points, points))
    if after < min(before, enough_deg):
        return mesh, 0.0
    return replace(mesh, points=points), moved_nm


def _versions(done: Remeshed) -> dict[str, str]:
    from cellml import __version__

    return {"cellml": __version__, "numpy": np.__version__, **done.versions}
