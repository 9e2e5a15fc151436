"""Voxels as a mesh of their outer faces."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
from cellml.meshops.topology import Topology

# For each side of a voxel (axis of (x, y, z), upper?) its two triangles, counter-clockwise from outside: corners in the plane of the
# other two axes, in the order x, y, z. Which diagonal is free; these are those of Gkioxari et al. 2019.
_SIDES = {
    (0, 0): (((0, 0), (0, 1), (1, 0)), ((0, 1), (1, 1), (1, 0))),
    (0, 1): (((0, 0), (1, 0), (0, 1)), ((0, 1), (1, 0), (1, 1))),
    (1, 0): (((0, 0), (1, 0), (1, 1)), ((0, 0), (1, 1), (0, 1))),
    (1, 1): (((0, 0), (0, 1), (1, 0)), ((0, 1), (1, 1), (1, 0))),
    (2, 0): (((0, 0), (0, 1), (1, 1)), ((0, 0), (1, 1), (1, 0))),
    (2, 1): (((0, 0), (1, 0), (1, 1)), ((0, 0), (1, 1), (0, 1))),
}
# Where the lower corner of voxel 0 is, in voxels from its grid point; and how many voxels less than their number span −1 to 1.
_ALIGNMENTS = {"topleft": (0.0, 1), "corner": (0.0, 0), "center": (-0.5, 1)}


def cubify(occupancy: Tensor, threshold: float = 0.5, align: str = "center") -> MeshBatch:
    """Each voxel of at least `threshold` as a cube, shared corners merged, inner faces left out (Gkioxari et al. 2019).

    occupancy: (N, Z, Y, X). Vertices (x, y, z) are normalised: with align="center" voxel centres run from −1 to 1, as `vert_align` takes
    them and `to_nanometres` turns into nm; "topleft" puts the lower corners of the voxels there, "corner" the outer corners of the
    volume. Without gradient. The mesh is closed, also at the border of the volume; where voxels touch at an edge or corner only, it is not
    manifold. A volume without such voxels gives an empty mesh. Raises CellmlError for values that are not finite, an unknown alignment,
    and one voxel along an axis unless align="corner".
    """
    _check(occupancy, align)
    return _cubes(occupancy, threshold, align)


@backend.instead_of(backend.cubify)
def _cubes(occupancy: Tensor, threshold: float, align: str) -> MeshBatch:
    """`cubify` of what was checked."""
    inside = occupancy >= threshold
    quads = [_outer_quads(inside, axis, upper) for axis, upper in _SIDES]
    corners = torch.cat(quads)  # (2Q, 3 corners, 4: n, z, y, x)
    corners = corners[corners[:, 0, 0].argsort(stable=True)]
    sizes = occupancy.new_tensor([len(occupancy), *(n + 1 for n in occupancy.shape[1:])], dtype=torch.int64)
    codes = ((corners[..., 0] * sizes[1] + corners[..., 1]) * sizes[2] + corners[..., 2]) * sizes[3] + corners[..., 3]
    unique, faces = torch.unique(codes, return_inverse=True)
    x, y, z = unique % sizes[3], unique // sizes[3] % sizes[2], unique // (sizes[3] * sizes[2]) % sizes[1]
    owner = unique // (sizes[3] * sizes[2] * sizes[1])
    shift, fewer = _ALIGNMENTS[align]
    dtype = occupancy.dtype if occupancy.is_floating_point() else torch.float32
    spans = (sizes.flip(0)[:3] - 1 - fewer).to(dtype)
    vertices = (torch.stack([x, y, z], dim=1).to(dtype) + shift) * 2 / spans - 1
    counts = [tuple(torch.bincount(rows, minlength=len(occupancy)).tolist()) for rows in (owner, corners[:, 0, 0])]
    return MeshBatch(vertices, Topology(faces.reshape(-1, 3), counts[0], counts[1]))


def _outer_quads(inside: Tensor, axis: int, upper: int) -> Tensor:
    """Two triangles for each voxel whose neighbour on this side is outside, (2Q, 3, 4) grid corners (n, z, y, x)."""
    along = 3 - axis  # x is the last axis of the volume
    border = torch.zeros_like(inside.narrow(along, 0, 1))
    length = inside.shape[along]
    shifted = [inside.narrow(along, 1, length - 1), border] if upper else [border, inside.narrow(along, 0, length - 1)]
    voxels = torch.nonzero(inside & ~torch.cat(shifted, dim=along))
    plane = [3 - other for other in range(3) if other != axis]
    offsets = torch.zeros(2, 3, 4, dtype=torch.int64, device=inside.device)
    offsets[..., along] = upper
    offsets[..., plane] = torch.tensor(_SIDES[axis, upper], device=inside.device)
    return (voxels[:, None, None] + offsets).reshape(-1, 3, 4)


def _check(occupancy: Tensor, align: str) -> None:
    if occupancy.ndim != 4 or min(occupancy.shape) < 1:
        raise CellmlError(f"Occupancy must be (N, Z, Y, X) with voxels, got {tuple(occupancy.shape)}.")
    if align not in _ALIGNMENTS:
        raise CellmlError(f"The alignment of vertices must be one of {', '.join(_ALIGNMENTS)}, got {align!r}.")
    if occupancy.is_floating_point() and not torch.isfinite(occupancy).all():
        raise CellmlError(f"{int((~torch.isfinite(occupancy)).sum())} of {occupancy.numel()} voxels are not finite numbers.")
    if _ALIGNMENTS[align][1] and min(occupancy.shape[1:]) < 2:
        raise CellmlError(
            f"A volume of shape {tuple(occupancy.shape[1:])} has no extent between voxel centres; pad it, or use align='corner'."
        )
