"""Labels, signed distances or surfaces to a certified tetrahedral mesh."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.certificate import Certificate
from cellml.meshing.cut import CutMesh
from cellml.meshing.domain import Frame, Shapes
from cellml.meshing.errors import MeshingError
from cellml.meshing.facets import ON_WALL, Facets, ridges, tagged_facets
from cellml.meshing.finish import finished
from cellml.meshing.gate import Gate
from cellml.meshing.left_out import Places
from cellml.meshing.mmg import Remeshed, remesh
from cellml.meshing.order import Order
from cellml.meshing.partition import largest_piece, partition, without_fragments
from cellml.meshing.patches import Patches
from cellml.meshing.polish import Polished
from cellml.meshing.topology import boundary_facets, facet_components, surface_topology
from cellml.meshing.watch import Watch
from cellml.types import TetMesh

# Background cube (as a share of three fifths of the largest edge); smoothing σ, size of the finest background and distance that
# optimisation may keep from the surface, in voxels. From the cheap to the careful: the next is tried where the gate is failed.
ATTEMPTS = ((1.0, 0.5, 1.0, 0.25), (0.67, 0.4, 0.8, 0.15), (0.42, 0.35, 0.6, 0.12))

_BACKGROUND_SHARE = 0.6  # of the largest edge
_TOO_FAR = 1.05  # times the gate's distance: a cut mesh beyond it is not optimised, which moves surfaces by less than that
LEFT_OUT = 0.8  # times the gate's distance: what is further than that from a cut mesh was left out
_AROUND = 1.0  # voxels around what was left out in which the background is refined
_LONGEST_THERE = 1.2  # voxels: no edge of it is longer there
_SMALLEST_PIECE = 27  # voxels: smoothing may pinch off less, which is dropped
_LONGEST_ACROSS = 2.0  # edges over the thickness of a slab between two walls: on its narrow sides longer ones make angles below 20°


@dataclass(frozen=True, eq=False)
class MeshResult:
    """A mesh with its certificate."""

    mesh: TetMesh
    certificate: Certificate


@dataclass(frozen=True)
class Size:
    """One attempt: background cubes of `step_nm`, refined down to `finest_nm`, around shapes smoothed by σ = `smoothing` voxels, from whose
    surface optimisation strays by `strays` voxels (at the default edge, and in proportion for longer ones).
    """

    step_nm: float
    smoothing: float
    finest_nm: float
    strays: float


Certify = Callable[[TetMesh, Mapping[str, Any]], Certificate]
Strays = Callable[[CutMesh], float]
LeftOut = Callable[[CutMesh], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class _Whole:
    """The cut mesh of an attempt: of shapes, in sizes, with the share of the volume that is left and what was done in words."""

    shapes: Shapes
    size: Size
    cut: CutMesh
    kept: float
    said: tuple[str, ...]


def mesh_shapes(
    shapes_of: Callable[[int], Shapes],
    order: Order,
    certify: Certify,
    strays: Strays,
    watch: Watch,
    repairs: tuple[str, ...] = (),
    *,
    left_out: LeftOut | None = None,
) -> MeshResult:
    """Mesh shapes, with finer backgrounds until the gate is passed or the time is over; the attempt with the fewest failures is returned.

    shapes_of: what is meshed in the first, second, … attempt (0, 1, …), the same or sampled more finely; certify: measures a mesh against
    its source; it is given the fields of Certificate that cannot be measured; strays: how far a mesh that is only cut lies from it, as the
    gate's distance: one that lies too far is optimised only where no finer one can be made, and then cut once more on a background that is
    finer around the points (P, 3) of the source that it leaves out (left_out); watch: the time that is left. Raises MeshingError where
    every attempt fails to give a mesh.
    """
    started, took_s = time.process_time(), 0.0
    outcomes: list[MeshResult] = []
    failures: list[MeshingError] = []
    aside: list[tuple[_Whole, float]] = []
    for number in range(len(ATTEMPTS)):
        if outcomes and watch.left_s < took_s:  # a finer attempt takes longer than the last one did
            break
        left_s = watch.left_s
        try:
            whole = _cut_whole(shapes_of, number, order, watch)
            if number + 1 < len(ATTEMPTS) and (strayed := strays(whole.cut)) > _TOO_FAR * order.gate.distance_p99_voxels:
                aside = [(whole, strayed)]
            else:
                outcomes.append(_attempt(whole, order, certify, watch, repairs, may_fail=bool(outcomes)))
        except MeshingError as failure:
            failures.append(failure)
        took_s = left_s - watch.left_s
        if watch.over or (outcomes and not outcomes[-1].certificate.passes(order.gate)):
            break
    if aside and not outcomes and not watch.over:
        whole = aside[0][0]
        again = whole if left_out is None else _cut_again(*aside[0], order, strays, left_out, watch)
        for last in dict.fromkeys((again, whole)):  # where the finer one gives no mesh, the coarse one is better than none
            try:
                outcomes.append(_attempt(last, order, certify, watch, repairs, may_fail=False))
                break
            except MeshingError as failure:
                failures.append(failure)
    if not outcomes:
        if not failures:
            watch.begin("optimising the mesh")  # raises: a cut was set aside, and then the time was over
        raise failures[0]
    best = min(outcomes, key=lambda outcome: _shortfall(outcome.certificate, order.gate))
    worker_s = sum(float(outcome.certificate.cpu_s) for outcome in outcomes)
    settings = {**best.certificate.settings, "attempts": number + 1}
    return MeshResult(best.mesh, replace(best.certificate, cpu_s=time.process_time() - started + worker_s, settings=settings))


def _shortfall(certificate: Certificate, gate: Gate) -> tuple[int, float]:
    """How many limits are missed, and how far the mesh strays: of two meshes the lesser is the better."""
    return len(certificate.passes(gate)), certificate.distance_p99_voxels or 0.0


def _cut_whole(shapes_of: Callable[[int], Shapes], number: int, order: Order, watch: Watch) -> _Whole:
    """The cut mesh of an attempt."""
    share, smoothing, finest, strays = ATTEMPTS[number]
    watch.begin("sampling the shapes" if number == 0 else f"attempt {number + 1} of {len(ATTEMPTS)}, on a finer background")
    shapes = shapes_of(number)
    size = Size(share * _BACKGROUND_SHARE * order.edge_nm, smoothing, finest * shapes.frame.detail_nm, strays)
    cut = partition(shapes, watch, step=size.step_nm, smoothing=size.smoothing, finest=size.finest_nm)
    return _Whole(shapes, size, *_without_pieces(cut, shapes, order))


def _cut_again(whole: _Whole, strayed: float, order: Order, strays: Strays, left_out: LeftOut, watch: Watch) -> _Whole:
    """The cut mesh once more, on a background that is finer around what it left out; the same where that brings it no closer.

    A background that is finer everywhere can be too large where a shape is rough; what it leaves out is a small part of it.
    """
    _, smoothing, _, strays_there = ATTEMPTS[-1]
    shapes, size = whole.shapes, replace(whole.size, smoothing=smoothing, strays=strays_there)
    detail_nm = shapes.frame.detail_nm
    try:
        watch.begin("cutting once more, on a finer background where the source was left out")
        places = Places(left_out(whole.cut), _AROUND * detail_nm, _LONGEST_THERE * detail_nm)
        cut = partition(shapes, watch, step=size.step_nm, smoothing=size.smoothing, finest=size.finest_nm, places=places)
        again = _Whole(shapes, size, *_without_pieces(cut, shapes, order))
        return again if strays(again.cut) < strayed else whole
    except MeshingError:  # a coarser mesh is better than none
        return whole


def _attempt(whole: _Whole, order: Order, certify: Certify, watch: Watch, repairs: tuple[str, ...], *, may_fail: bool) -> MeshResult:
    """One mesh; its certificate counts the worker's CPU seconds only.

    may_fail: whether there is a mesh already, so that this one, if time ends while it is mended, need not be measured.
    """
    shapes, size, cut = whole.shapes, whole.size, whole.cut
    frame, planes = shapes.frame, shapes.frame.planes()
    tolerance = ON_WALL * float(frame.spacing.min())
    options = _options(min(order.edge_nm, _LONGEST_ACROSS * _between_walls(frame)), frame.detail_nm, size.strays)
    done, options = _optimised(cut, _mmg_input(cut, order, planes, tolerance), options, watch)
    watch.tell("mending what optimisation left")
    targets = {n: whole.kept * shapes.target([n]) for n in shapes.numbers}
    polished, moved_nm = finished(done, shapes, order, targets, watch)
    mesh = _assembled(polished, done, order, planes, tolerance)
    settings = {
        "edge_nm": order.edge_nm,
        "background_nm": size.step_nm,
        "finest_background_nm": size.finest_nm,
        "smoothing_voxels": size.smoothing,
        "mmg_options": options,
        "surface_moved_nm": moved_nm,
        "bad_elements_before_polishing": polished.bad_before,
        "bad_elements_after_polishing": polished.bad_after,
    }
    made = {"repairs": (*repairs, *whole.said), "settings": settings, "cpu_s": done.cpu_s, "versions": _versions(done)}
    if may_fail:
        watch.begin("measuring the mesh")
    else:
        watch.tell("measuring the mesh")
    return MeshResult(mesh, certify(mesh, made))


def _optimised(
    cut: CutMesh, given: Mapping[str, NDArray[Any]], options: dict[str, float], watch: Watch
) -> tuple[Remeshed, dict[str, float]]:
    """The mesh of MMG, and the options that led to it."""
    watch.begin(f"optimising {len(cut.tets)} tetrahedra")
    done = remesh(given, [options], timeout_s=watch.left_s, allowed_s=watch.allowed_s)
    if _manifold(done.tets, done.regions) or not _manifold(cut.tets, cut.regions):
        return done, options
    # Swaps on a surface may join it to another sheet of it; without them what is left to do is left to the polish.
    options = options | {"noswap": 1}
    watch.begin("optimising once more, without swaps")
    again = remesh(given, [options], timeout_s=watch.left_s, allowed_s=watch.allowed_s)
    return replace(again, cpu_s=done.cpu_s + again.cpu_s), options


def _between_walls(frame: Frame) -> float:
    """Smallest distance in nm between two opposite walls that both cut the shapes: the thickness of a slab; infinite where none do."""
    across = (frame.high - frame.low)[frame.walls.all(axis=1)]
    return float(across.min()) if len(across) else float("inf")


def _manifold(tets: NDArray[np.int64], regions: NDArray[np.int32]) -> bool:
    """Whether the boundary of every region is a manifold."""
    return all(surface_topology(boundary_facets(tets[regions == number])).manifold for number in np.unique(regions))


def _without_pieces(cut: CutMesh, shapes: Shapes, order: Order) -> tuple[CutMesh, float, tuple[str, ...]]:
    """The cut mesh without what smoothing pinched off, the share of the volume that is left, and what was done in words."""
    count, member = facet_components(cut.tets)
    if count > 1 and order.largest_only and len(shapes.numbers) == 1:
        cut, share = largest_piece(cut, member)
        return cut, 1.0 - share, (f"smoothing left {count} pieces; the smaller, {100 * share:.2f} % of the volume, were dropped",)
    before = len(cut.tets)
    cut, fragments, share = without_fragments(cut, shapes, _SMALLEST_PIECE * float(shapes.frame.spacing.prod()))
    if not fragments:
        return cut, 1.0, ()
    fate = "dropped" if len(cut.tets) < before and len(shapes.numbers) == 1 else "given to their neighbours"
    pieces = f"{fragments} piece" + ("s" if fragments > 1 else "")
    said = f"smoothing pinched off {pieces} below {_SMALLEST_PIECE} voxels, {100 * share:.2f} % of the volume, {fate}"
    return cut, 1.0 - share if len(shapes.numbers) == 1 else 1.0, (said,)


def _options(edge: float, voxel: float, strays: float) -> dict[str, float]:
    """Options of MMG: edges between a quarter and the whole of `edge`, the surface kept within a part of a voxel, nm.

    Ridge detection is off (angle = 0): the noise of labels is no ridge; the edges of plane cuts are given as ridges instead.
    """
    return {"hmax": edge, "hmin": edge / 4, "hausd": strays * max(edge / 5.0, voxel), "hgrad": 1.5, "angle": 0}


def _mmg_input(cut: CutMesh, order: Order, planes: Mapping[tuple[int, int], float], tolerance: float) -> dict[str, NDArray[Any]]:
    facets = tagged_facets(cut.points, cut.tets, cut.regions, planes, tolerance)
    patches = order.patches.of(cut.points, facets.facets, facets.tags)
    return {
        "points": cut.points,
        "tets": cut.tets,
        "regions": cut.regions,
        "triangles": facets.facets,
        "triangle_tags": order.patches.encode(facets.tags, patches),
        "ridges": ridges(facets.facets, facets.tags, patches),
    }


def _assembled(polished: Polished, done: Remeshed, order: Order, planes: Mapping[tuple[int, int], float], tolerance: float) -> TetMesh:
    arrays = polished.points, polished.tets, polished.regions
    facets = tagged_facets(*arrays, planes, tolerance, region_names=order.names, membranes=order.membranes)
    lost = sorted(set(order.membranes) - set(facets.names.values()))
    if lost:
        a, b = order.membranes[lost[0]]
        raise MeshingError(f"Membrane {lost[0]!r} has no facet: {_called(a, order)} and {_called(b, order)} do not touch. Leave it out.")
    facets = _with_patches(facets, polished, done, order.patches)
    names = {number: order.names.get(number, f"label_{number}") for number in sorted(set(polished.regions.tolist()))}
    try:
        return TetMesh(*arrays, names, facets.facets, facets.tags, facets.names, name=order.name)
    except CellmlError as error:
        raise MeshingError(f"Putting the mesh back behind the walls of its block spoilt it: {error}") from error


def _with_patches(facets: Facets, polished: Polished, done: Remeshed, patches: Patches) -> Facets:
    if not patches.names:
        return facets
    _, carried = patches.decode(done.triangle_tags)
    return patches.carried(facets, polished.points, done.points[done.triangles].mean(axis=1), carried)


def _called(number: int, order: Order) -> str:
    return order.names.get(number, f"label {number}") if number else "the outside"


def _versions(done: Remeshed) -> dict[str, str]:
    from cellml import __version__

    return {"cellml": __version__, "numpy": np.__version__, **done.versions}
