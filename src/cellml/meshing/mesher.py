"""Labels to a certified tetrahedral mesh."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.meshing.certificate import Certificate, SourceRegion, certify
from cellml.meshing.crop import bounding_box, describe_labels, moved_origin, present_labels, require_label
from cellml.meshing.cut import CutMesh
from cellml.meshing.domain import Domain, domain_of
from cellml.meshing.errors import MeshingError
from cellml.meshing.facets import ON_WALL, facet_tag_names, flatten_cuts, ridges, tagged_facets
from cellml.meshing.gate import Gate
from cellml.meshing.mmg import Remeshed, remesh
from cellml.meshing.partition import largest_piece, partition
from cellml.meshing.topology import facet_components, voxel_euler_number
from cellml.types import Labels, TetMesh

MOST_LABELS = 8
FEWEST_VOXELS = 27  # 3 × 3 × 3: nothing smaller has a shape after smoothing

# Background cube in voxels and smoothing σ in voxels, from the cheap to the careful: the next is tried where the gate is failed.
_ATTEMPTS = ((2.0, 1.0), (1.5, 0.8), (1.0, 0.6))


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

    Each label becomes a region of that number. Its surface follows the zero of the label's signed distance, smoothed by about one voxel and
    shifted so that the volume is that of the voxels (anisotropic spacing respected); background tetrahedra are cut along it and optimised
    by two passes of MMG in a process of its own.

    labels: (Z, Y, X) with its frame; label: mesh this one only, its largest 6-connected component (None: all labels present, at most 8,
    with shared interfaces); edge_nm: largest edge in nm (default 4 voxels, by the cube root of the voxel's volume); cut_faces: cut the mesh by a
    plane where a label touches the border of the volume (False: round it off as if background followed); timeout_s: wall-clock limit for
    MMG over all attempts; gate: attempts on a finer background are made until it is passed (default `Gate()`).

    Facets carry the names `cut_z0`, `cut_z1`, `cut_y0`, `cut_y1`, `cut_x0`, `cut_x1` where all three corners lie within 1e-6 voxel of that
    border plane of the given volume (half a voxel outside the outermost voxel centres), so that their normal is along the axis; `a|b` between regions
    a and b; `membrane` elsewhere. A neurite that runs through two faces of its block so has two named plane ends.

    Returns the mesh and its certificate, whether or not the gate is passed: ask `certificate.passes(gate)`. Raises MeshingError, with the
    reason, for empty labels, a label that is absent, more than 8 labels, fewer than 27 voxels, and where MMG crashes or runs out of time.
    """
    started = time.process_time()
    deadline = time.monotonic() + timeout_s
    gate = gate or Gate()
    voxel_nm = float(np.prod(labels.spacing)) ** (1 / 3)
    edge = _edge_length(edge_nm, voxel_nm)
    selection = _select(labels, label)
    domain = domain_of(selection.labels, selection.data, cut_faces=cut_faces)
    child_cpu, best, failure = 0.0, None, None
    for number, (step, smoothing) in enumerate(_ATTEMPTS, start=1):
        try:
            result, cpu_s = _attempt(selection, domain, edge, min(step * voxel_nm, edge), smoothing, deadline - time.monotonic())
        except MeshingError as error:
            failure = failure or error
            if time.monotonic() >= deadline:
                break
            continue
        child_cpu += cpu_s
        spent = time.process_time() - started + child_cpu
        certificate = replace(result.certificate, cpu_s=spent, settings=dict(result.certificate.settings) | {"attempts": number})
        result = MeshResult(result.mesh, certificate)
        if best is None or len(certificate.passes(gate)) < len(best.certificate.passes(gate)):
            best = result
        if not best.certificate.passes(gate):
            break
    if best is None:
        assert failure is not None
        raise failure
    return best


@dataclass(frozen=True, eq=False)
class _Selection:
    """What is meshed: data (Z, Y, X) holds the chosen labels only, cropped; discarded: share of voxels left out."""

    labels: Labels
    data: NDArray[np.int64]
    numbers: list[int]
    sources: Mapping[int, SourceRegion]
    discarded: float
    repairs: tuple[str, ...]


def _edge_length(edge_nm: float | None, voxel_nm: float) -> float:
    if edge_nm is None:
        return 4.0 * voxel_nm
    if not np.isfinite(edge_nm) or edge_nm <= 0:
        raise MeshingError(f"edge_nm must be a positive length in nm, got {edge_nm}.")
    if edge_nm < voxel_nm:
        raise MeshingError(
            f"edge_nm = {edge_nm:g} is below the voxel size ({voxel_nm:g} nm): the labels hold no finer shape. Give at least {voxel_nm:g}; "
            "a finer mesh for a solver is better made by refining this one."
        )
    return float(edge_nm)


def _select(labels: Labels, label: int | None) -> _Selection:
    numbers = present_labels(labels)
    if len(numbers) == 0:
        raise MeshingError(f"{labels.name!r} holds background only (all {labels.data.size} voxels are 0); there is nothing to mesh.")
    if label is not None:
        require_label(labels, label)
        numbers = np.array([label])
    if len(numbers) > MOST_LABELS:
        raise MeshingError(
            f"{labels.name!r} holds {len(numbers)} labels ({describe_labels(numbers)}); at most {MOST_LABELS} are meshed together. "
            "Pick one with label=NUMBER, or keep the ones you need."
        )
    chosen = [int(n) for n in numbers]
    mask = np.isin(labels.data, chosen)
    first, last = bounding_box(mask)
    # The crop keeps one voxel of surroundings wherever the volume has one, so that only true borders are borders.
    first, last = np.maximum(first - 1, 0), np.minimum(last + 1, labels.shape)
    box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    data = np.where(mask[box], labels.data[box], 0).astype(np.int64)
    discarded, repairs = 0.0, ()
    if label is not None:
        data, discarded, repairs = _largest_component(data)
    # Cropping hides the border of the volume unless the object is there: mark it by keeping the crop flush with it.
    crop = replace(labels, data=data, origin=moved_origin(labels, first))
    sources = {number: _source(data == number, labels) for number in chosen}
    for number, source in sources.items():
        if source.voxels < FEWEST_VOXELS:
            raise MeshingError(
                f"Label {number} of {labels.name!r} has {source.voxels} voxel{'s' if source.voxels != 1 else ''}; at least {FEWEST_VOXELS} are "
                "needed for a shape. Remove it, or give the volume at a finer spacing."
            )
    return _Selection(crop, data, _cut_order(data, chosen), sources, discarded, repairs)


def _largest_component(data: NDArray[np.int64]) -> tuple[NDArray[np.int64], float, tuple[str, ...]]:
    member, count = ndimage.label(data > 0)
    if count == 1:
        return data, 0.0, ()
    sizes = np.bincount(member.ravel())[1:]
    kept = int(sizes.argmax()) + 1
    share = float(1.0 - sizes.max() / sizes.sum())
    said = f"kept the largest of {count} 6-connected components; {int(sizes.sum() - sizes.max())} voxels ({100 * share:.2f} %) discarded"
    return np.where(member == kept, data, 0), share, (said,)


def _source(mask: NDArray[np.bool_], labels: Labels) -> SourceRegion:
    voxels = int(mask.sum())
    return SourceRegion(voxels, voxels * float(np.prod(labels.spacing)), int(ndimage.label(mask)[1]), voxel_euler_number(mask))


def _cut_order(data: NDArray[np.int64], numbers: list[int]) -> list[int]:
    """Smallest labels first: organelles are cut out of what surrounds them, which is left as the rest."""
    return sorted(numbers, key=lambda number: (int((data == number).sum()), number))


def _attempt(
    selection: _Selection, domain: Domain, edge: float, step: float, smoothing: float, remaining_s: float
) -> tuple[MeshResult, float]:
    cut = partition(domain, selection.numbers, step=step, smoothing=smoothing)
    repairs = list(selection.repairs)
    if len(selection.numbers) == 1:
        count, member = facet_components(cut.tets)
        if count > 1:
            cut, share = largest_piece(cut, member)
            repairs.append(f"smoothing left {count} pieces; the smaller, {100 * share:.2f} % of the volume, were dropped")
    planes = _planes(domain)
    passes = _passes(edge, selection.labels)
    done = remesh(_mmg_input(cut, planes, domain), passes, timeout_s=max(remaining_s, 1.0))
    mesh = _assemble(done, selection, planes, domain)
    settings = {"edge_nm": edge, "background_nm": step, "smoothing_voxels": smoothing, "mmg_passes": passes}
    voxel_nm = domain.voxel_volume ** (1 / 3)
    certificate = certify(
        mesh,
        selection.sources,
        voxel_nm,
        discarded_share=selection.discarded,
        repairs=tuple(repairs),
        settings=settings,
        versions=_versions(done),
    )
    return MeshResult(mesh, certificate), done.cpu_s


def _passes(edge: float, labels: Labels) -> list[dict[str, Any]]:
    """Options of the two MMG passes: edges between a fifth and the whole of `edge`, the surface kept within a fifth of a voxel.

    Ridge detection is off (angle = 0): the labels' noise is no ridge; the edges of plane cuts are given as ridges instead.
    """
    voxel = float(np.prod(labels.spacing)) ** (1 / 3)
    return [{"hmax": edge, "hmin": edge / 5, "hausd": 0.2 * voxel, "hgrad": 1.5, "angle": 0}] * 2


def _planes(domain: Domain) -> dict[tuple[int, int], float]:
    return {(int(axis), int(side)): float((domain.high if side else domain.low)[axis]) for axis, side in np.argwhere(domain.walls)}


def _mmg_input(cut: CutMesh, planes: Mapping[tuple[int, int], float], domain: Domain) -> dict[str, NDArray[Any]]:
    facets, tags = tagged_facets(cut.points, cut.tets, cut.regions, planes, ON_WALL * float(domain.spacing.min()))
    return {
        "points": cut.points,
        "tets": cut.tets,
        "regions": cut.regions,
        "triangles": facets,
        "triangle_tags": tags,
        "ridges": ridges(facets, tags),
    }


def _assemble(done: Remeshed, selection: _Selection, planes: Mapping[tuple[int, int], float], domain: Domain) -> TetMesh:
    points = flatten_cuts(done.points, done.triangles, done.triangle_tags.astype(np.int32), planes)
    used, inverse = np.unique(done.tets, return_inverse=True)
    points, tets = points[used], inverse.reshape(-1, 4)
    facets, tags = tagged_facets(points, tets, done.regions, planes, ON_WALL * float(domain.spacing.min()))
    region_names = {number: selection.labels.names.get(number, f"label_{number}") for number in sorted(selection.numbers)}
    present = set(tags.tolist())
    facet_names = {tag: name for tag, name in facet_tag_names(region_names).items() if tag in present}
    return TetMesh(points, tets, done.regions, region_names, facets, tags, facet_names, name=selection.labels.name)


def _versions(done: Remeshed) -> dict[str, str]:
    from cellml import __version__

    return {"cellml": __version__, "numpy": np.__version__, **done.versions}
