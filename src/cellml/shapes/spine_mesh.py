"""A spine to a mesh that can be simulated: certified, in one piece, with the base through which it hangs on its dendrite as a patch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.meshing.certificate import Certificate
from cellml.meshing.errors import MeshingError, MeshingTimeoutError
from cellml.meshing.gate import Gate
from cellml.shapes.base import Base, cut_fan, facets_on, with_base
from cellml.shapes.closing import closed_shape, genus_of
from cellml.types import Surface, TetMesh

VOXELS = 5000  # inside a shape: mean times to the base change by 1 to 3 % against 30 000
PATCH = "base"
_FINER = (2.5, 6.0)  # times as many voxels in the second and third try
_MOST_LOST = 0.1  # of the volume, in pieces beside the largest


@dataclass(frozen=True, eq=False)
class BasedMesh:
    """mesh: of one piece and one region `inside`, nm, at the surface's place, whose base is the patch `base`; base: of the surface as
    stored; certificate: of the mesh before smaller pieces were dropped, distances in voxels of the first try; account: what was done to
    surface and mesh, "" where nothing was; tries: how many it took.
    """

    mesh: TetMesh
    base: Base
    certificate: Certificate
    account: str
    tries: int


def based_mesh(
    surface: Surface, *, base: Base | None = None, voxels: int = VOXELS, gate: Gate | None = None, timeout_s: float = 600.0
) -> BasedMesh:
    """Mesh a spine and name the facets of its base, so that any model with a condition on the patch `base` can be solved on it.

    surface: nm, as the program that cut the spine has written it, for `cellml.shapes.base.cut_fan` reads the cut from it; base: of this
    surface, where it is known otherwise; voxels: inside the shape, of the grid on which its distance is sampled; timeout_s: of each try.

    First the surface as stored is meshed (`cellml.meshing.foreign.mesh_surface`, which repairs it), or, where that has handles, the shape
    without its narrow ones (`cellml.shapes.closing`). Where that keeps its handles, fails the gate or loses the base, it is the surface as
    stored, handles and all, then on grids of 2.5 and 6 times as many voxels; the gate stays the same in nm. Pieces beside the largest go,
    up to 10 % of the volume, and are told of.

    Raises CellmlError where there is no base or the surface cannot be repaired, MeshingTimeoutError, and MeshingError with the reason of
    each try where none leads to such a mesh.
    """
    found = cut_fan(surface) if base is None else base
    first, volume, account, reasons = _first(surface)
    voxel_nm = float(np.cbrt(volume / voxels))
    for number, times in enumerate((1.0, *_FINER)):
        given, said = (first, account) if number == 0 else (surface, ())
        try:
            return _based(given, said, surface, found, voxel_nm, times, gate or Gate(), timeout_s, number + 1)
        except MeshingTimeoutError:
            raise
        except CellmlError as error:
            reasons.append(f"on {times * voxels:.0f} voxels: {error}")
    raise MeshingError(f"{surface.name!r} has no mesh with a base; {'; '.join(reasons)}")


def _first(surface: Surface) -> tuple[Surface, float, tuple[str, ...], list[str]]:
    """What is meshed first, its volume in nm³, what was done to it, and why its handles are not closed where they are not."""
    from cellml.surfaces.repair import repair

    made, _ = repair(surface)
    if genus_of(made) == 0:
        return surface, made.volume(), (), []
    try:
        closed = closed_shape(surface, genus=0)
    except CellmlError as error:
        return surface, made.volume(), ("its handles are kept",), [str(error)]
    return closed.surface, closed.surface.volume(), (closed.account,), []


def _based(
    given: Surface,
    said: tuple[str, ...],
    stored: Surface,
    base: Base,
    voxel_nm: float,
    times: float,
    gate: Gate,
    timeout_s: float,
    number: int,
) -> BasedMesh:
    """One try: a mesh of `given` on `times` as many voxels, with the base of the surface as stored."""
    from cellml.meshhead.certified import largest_part
    from cellml.meshing.foreign import mesh_surface

    made = mesh_surface(given, spacing_nm=voxel_nm / float(np.cbrt(times)), voxel_nm=voxel_nm, timeout_s=timeout_s, gate=gate)
    reasons = made.certificate.passes(gate)
    if reasons:
        raise MeshingError("; ".join(reasons))
    mesh, parts, lost = largest_part(made.mesh)
    if lost > _MOST_LOST:
        raise MeshingError(f"it falls into {parts} parts, and {100 * lost:.0f} % of its volume are not in the largest")
    pieces = "1 piece" if parts == 2 else f"{parts - 1} pieces"
    dropped = (f"dropped {pieces} ({100 * lost:.2g} % of the volume) without a facet in common with the largest",) if parts > 1 else ()
    account = "; ".join((*said, *made.certificate.repairs, *dropped))
    return BasedMesh(with_base(mesh, facets_on(base, stored, mesh), PATCH), base, made.certificate, account, number)
