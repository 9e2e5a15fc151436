"""Decoded shapes to certified meshes: the one way by which generated shapes leave this package.

A surface that a model decodes is closed, for its faces are those of a sphere or of a level set, but it may cross itself. It is therefore
not meshed as it is: its signed distance, with the sign of the winding number, is sampled on a grid, and {φ < 0} is meshed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from cellml.errors import CellmlError
from cellml.meshing.errors import MeshingError, MeshingTimeoutError
from cellml.meshing.fields import mesh_fields
from cellml.meshing.gate import Gate
from cellml.meshing.intersections import crossing_facets
from cellml.meshing.mesher import MeshResult
from cellml.meshing.topology import boundary_facets
from cellml.surfaces.distance import signed_distance_of
from cellml.types import Surface, TetMesh, Volume

REGION = "inside"
_MOST_LOST = 0.05  # of the volume, in pieces other than the largest
_FINER = (2.5, 6.0)  # times as many voxels in a second and a third try


def certified_shape(
    shape: Surface | Volume, *, voxels: int = 4000, edge_nm: float | None = None, gate: Gate | None = None, timeout_s: float = 300.0
) -> MeshResult:
    """A tetrahedral mesh of a decoded shape that passes the gate, with one region `inside`.

    shape: a closed surface in nm, which may cross itself: inside is where its winding number is at least one half, so that parts that
    overlap are one; or a signed distance (Z, Y, X) in nm, negative inside. voxels: of the grid on which a surface's distance is sampled,
    inside of it (4000: 1 to 4 s of a processor; details below two voxels are lost); where the gate is failed 2.5 and then 6 times as many
    are tried; edge_nm: largest edge, default five voxels. Pieces beside the largest are dropped where they have less than 5 % of the
    volume. The certificate's distances are in voxels of the grid, against {φ < 0}, and its repairs say what was done.

    Raises MeshingError with the reasons where there is nothing inside, the shape is in several pieces, or no mesh passes the gate.
    """
    if isinstance(shape, Volume):
        return _passed(shape, edge_nm, gate or Gate(), timeout_s, (), shape.name)
    said = list(_crossings(shape))
    for number in [voxels, *(round(times * voxels) for times in _FINER)]:
        try:
            return _passed(sampled_distance(shape, number), edge_nm, gate or Gate(), timeout_s, tuple(said), shape.name)
        except MeshingTimeoutError:
            raise
        except MeshingError as error:
            said.append(f"no mesh on {number} voxels: {error}")
    raise MeshingError(f"{shape.name!r} has no mesh that passes; {'; '.join(said)}")


def boundary_of(mesh: TetMesh, name: str) -> Surface:
    """The closed surface of a mesh of one region, nm, faces counter-clockwise from outside."""
    facets = boundary_facets(mesh.tets)
    used, numbers = np.unique(facets, return_inverse=True)
    return Surface(mesh.points[used], numbers.reshape(facets.shape), name)


def sampled_distance(surface: Surface, voxels: int) -> Volume:
    """Signed distance (Z, Y, X) in nm to a closed surface, on a grid of which about `voxels` voxels lie inside.

    Raises MeshingError where it encloses nothing, CellmlError for fewer than 200 voxels.
    """
    if voxels < 200:
        raise CellmlError(f"voxels={voxels} is too few to hold a shape; use 200 or more.")
    volume = abs(surface.volume()) if len(surface.faces) else 0.0
    if not np.isfinite(volume) or volume <= 0:
        raise MeshingError(f"{surface.name!r} encloses no volume, so that there is nothing to mesh.")
    try:
        return signed_distance_of(surface, spacing_nm=float(np.cbrt(volume / voxels)), margin=3)
    except CellmlError as error:
        raise MeshingError(str(error)) from error


def _passed(field: Volume, edge_nm: float | None, gate: Gate, timeout_s: float, said: tuple[str, ...], name: str) -> MeshResult:
    whole, dropped = _largest(field)
    result = mesh_fields({REGION: whole}, edge_nm=edge_nm, cut_faces=False, timeout_s=timeout_s, gate=gate)
    reasons = result.certificate.passes(gate)
    if reasons:
        raise MeshingError(f"The mesh of {name!r} fails its gate: {'; '.join(reasons)}.")
    repairs = (*said, *dropped, *result.certificate.repairs)
    return MeshResult(replace(result.mesh, name=name), replace(result.certificate, name=name, repairs=repairs))


def _largest(field: Volume) -> tuple[Volume, tuple[str, ...]]:
    """The distance of the largest piece, and what was dropped in words."""
    data = np.asarray(field.data, np.float64)
    member, count = ndimage.label(data < 0)
    if count <= 1:
        return replace(field, data=data), ()
    sizes = np.bincount(member.ravel())[1:]
    lost = 1.0 - sizes.max() / sizes.sum()
    if lost > _MOST_LOST:
        raise MeshingError(
            f"{field.name!r} is in {count} pieces, and the largest has {100 * (1 - lost):.0f} % of the volume, where "
            f"{100 * (1 - _MOST_LOST):.0f} % are needed."
        )
    other = (member > 0) & (member != sizes.argmax() + 1)
    mended = np.where(other, np.abs(data), data)
    return replace(field, data=mended), (f"dropped {count - 1} pieces with {100 * lost:.2f} % of the volume",)


def _crossings(surface: Surface) -> tuple[str, ...]:
    """What is said of a surface that crosses itself."""
    count = len(crossing_facets(surface.vertices, surface.faces))
    if not count:
        return ()
    return (f"the decoded surface crossed itself ({count} pairs of faces); it was made anew from its winding number",)
