"""Labels to a certified mesh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.certificate import Certificate, certify, strays_by
from cellml.meshing.cleft import with_cleft
from cellml.meshing.cut import CutMesh
from cellml.meshing.domain import Contact, shapes_of_labels
from cellml.meshing.errors import MeshingError
from cellml.meshing.facets import named_pairs
from cellml.meshing.gate import Gate
from cellml.meshing.left_out import left_out
from cellml.meshing.mesher import LEFT_OUT, MeshResult, mesh_shapes
from cellml.meshing.order import Order, largest_edge
from cellml.meshing.patches import patches_of
from cellml.meshing.sections import aligned_sections, between_sections
from cellml.meshing.selection import Selection, select
from cellml.meshing.thicken import thickened
from cellml.meshing.watch import Tell, Watch
from cellml.types import Labels, TetMesh

CONTACTS = ("fuse", "cleft")

_THINNEST_CLEFT = 1.5  # voxels


def mesh_labels(
    labels: Labels,
    *,
    label: int | None = None,
    edge_nm: float | None = None,
    components: str = "all",
    align: bool = False,
    thicken: bool = False,
    cut_faces: bool = True,
    contact: str = "fuse",
    cleft_nm: float | None = None,
    host: int = 0,
    membranes: Mapping[str, tuple[int | str, int | str]] | None = None,
    patches: Mapping[str, Labels] | None = None,
    timeout_s: float = 120.0,
    gate: Gate | None = None,
    tell: Tell | None = None,
) -> MeshResult:
    """Mesh labels with conforming tetrahedra.

    Each label becomes a region of that number. Its surface follows the zero of the label's signed distance, smoothed by about one voxel and
    shifted so that the volume is that of the voxels; thick sections are interpolated between. Background tetrahedra, finer where a shape or
    a gap is thin, are cut along it and optimised by MMG in a process of its own. Last, surfaces move by at most a fifth of a voxel, so that
    what flat facets cut off is given back, and the few bad tetrahedra that are left are mended one by one.

    labels: (Z, Y, X) with its frame; label: mesh this one only (None: all labels present, at most 256, with shared interfaces); edge_nm:
    largest edge in nm (default 5 voxels, a voxel being the cube root of its volume as it was really sampled); components: "all" 6-connected
    components of at least 27 voxels, or the "largest" of each label; align: take back jitter between sections first (the certificate then
    compares with the aligned labels); thicken: make what is thinner than two voxels two voxels thick (the certificate then compares with
    the thickened labels); cut_faces: cut the mesh by a plane where a label touches the border of the volume (False: round it off as if
    background followed).

    contact: what becomes of labels that touch: "fuse", they share their interface, or "cleft", a gap of `cleft_nm` (default 1.5 voxels)
    that is filled with label `host` (0: background): with a host, the labels that it surrounds (they touch nothing
    else as much) keep that far from the outside and from each other: organelles stay off the membrane of their cell. The certificate
    measures distances to the labels' boundaries with that cleft, and volumes against all their voxels.

    membranes: names of interfaces by the pair of labels (numbers or names, 0 for the outside) that they separate; patches: masks by name,
    whose voxels mark a part of a membrane; timeout_s: wall-clock limit over all attempts, after which no step is begun but the measuring
    of a mesh that is there; gate: attempts on a finer background are made until it is passed (default `Gate()`); tell: is called with a few
    words as each step begins.

    Facets carry the names `cut_z0`, `cut_z1`, `cut_y0`, `cut_y1`, `cut_x0`, `cut_x1` where all three corners lie within 1e-6 voxel of that
    border plane of the given volume (half a voxel outside the outermost voxel centres), so that their normal is along the axis; the name of
    their patch or membrane; else `a|b` between regions a and b, and `membrane` on the outside.

    Returns the mesh and its certificate, whether or not the gate is passed: ask `certificate.passes(gate)`. Raises MeshingError, with the
    reason, for empty labels, more than 256 labels, no fragment of 27 voxels, a background that would be too large, and where MMG crashes or
    the time is over in every attempt; CellmlError, listing the labels present, for a label that is absent.
    """
    watch = Watch.start(timeout_s, tell)
    registered: tuple[str, ...] = ()
    if align:
        watch.begin("aligning sections")
        labels, moved = aligned_sections(labels)
        registered = (moved,)
    if thicken:
        labels, grown = thickened(labels, label)
        registered += grown
    selection = select(labels, label, components, gate)
    fine, sampled, said = between_sections(selection.labels)
    detail_nm = float(np.cbrt(np.prod(sampled)))
    touching = _contact(contact, cleft_nm, host, selection, detail_nm)
    shapes = shapes_of_labels(
        fine, _order_of_cuts(selection, touching), _volumes(selection.labels), detail_nm, cut_faces=cut_faces, contact=touching
    )
    names = {number: selection.labels.names.get(number, f"label_{number}") for number in selection.numbers}
    order = Order(
        edge_nm=largest_edge(edge_nm, detail_nm),
        gate=gate or Gate(),
        names=names,
        membranes=named_pairs(membranes or {}, names),
        patches=patches_of(patches or {}, detail_nm),
        largest_only=components == "largest",
        name=labels.name,
    )

    compared = with_cleft(selection.labels, touching)
    apart = (f"labels are kept {touching.gap_nm:.3g} nm apart; distances are measured to boundaries with that cleft",)
    parted = apart if touching.rule == "cleft" else ()

    def measured(mesh: TetMesh, made: Mapping[str, Any]) -> Certificate:
        return certify(
            mesh,
            selection.sources,
            detail_nm,
            source=compared,
            unit_nm=max(sampled),
            discarded_share=selection.discarded_share,
            **made,
        )

    def strays(cut: CutMesh) -> float:
        return strays_by(cut, compared, max(sampled))

    def missing(cut: CutMesh) -> NDArray[np.float64]:
        return left_out(cut, compared, LEFT_OUT * order.gate.distance_p99_voxels * max(sampled))

    said_of_all = (*registered, *selection.repairs, *said, *parted)
    return mesh_shapes(lambda _: shapes, order, measured, strays, watch, said_of_all, left_out=missing)


def _contact(rule: str, cleft_nm: float | None, host: int, selection: Selection, detail_nm: float) -> Contact:
    if rule not in CONTACTS:
        raise CellmlError(f"contact={rule} is not known; use {' or '.join(CONTACTS)}.")
    gap = _THINNEST_CLEFT * detail_nm if cleft_nm is None else float(cleft_nm)
    if not np.isfinite(gap) or gap <= 0:
        raise CellmlError(f"cleft_nm must be a positive length in nm, got {cleft_nm}.")
    if rule == "cleft" and host == 0 and gap < _THINNEST_CLEFT * detail_nm * (1 - 1e-9):
        raise MeshingError(
            f"cleft_nm = {gap:g} is below {_THINNEST_CLEFT:g} voxels ({_THINNEST_CLEFT * detail_nm:g} nm): a thinner gap to the background "
            'is bridged where labels touch. Give at least that, or let them share their interface with contact="fuse".'
        )
    if rule == "cleft" and host != 0 and host not in selection.numbers:
        meshed = ", ".join(map(str, sorted(selection.numbers)))
        raise CellmlError(f"host={host} is none of the labels that are meshed ({meshed}) and not 0.")
    return Contact(rule, host, gap)


def _order_of_cuts(selection: Selection, contact: Contact) -> list[int]:
    """Labels smallest first; one that fills the clefts is what is left when all others are cut out."""
    if contact.rule == "cleft" and contact.host:
        return [*(number for number in selection.numbers if number != contact.host), contact.host]
    return list(selection.numbers)


def _volumes(labels: Labels) -> dict[int, float]:
    """Volume in nm³ of the voxels of each label."""
    numbers, counts = np.unique(labels.data[labels.data > 0], return_counts=True)
    return {int(n): int(count) * float(np.prod(labels.spacing)) for n, count in zip(numbers, counts, strict=True)}
