"""The zero surface of a field on tetrahedra, with gradient to the field and to the grid."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops.batch import MeshBatch
from cellml.meshops.topology import Topology

# The six edges of a tetrahedron, by the numbers of its corners.
_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
# For each set of corners inside (bit i: corner i has a negative value) up to two triangles of cut edges, counter-clockwise seen from
# where the field is positive, in a positively oriented tetrahedron (Doi and Koide 1991).
_TRIANGLES: dict[int, tuple[tuple[int, int, int], ...]] = {
    0b0001: ((0, 1, 2),),
    0b0010: ((0, 4, 3),),
    0b0100: ((1, 3, 5),),
    0b1000: ((2, 5, 4),),
    0b1110: ((0, 2, 1),),
    0b1101: ((0, 3, 4),),
    0b1011: ((1, 5, 3),),
    0b0111: ((2, 4, 5),),
    0b0011: ((1, 2, 4), (1, 4, 3)),
    0b0101: ((0, 3, 5), (0, 5, 2)),
    0b1001: ((0, 1, 5), (0, 5, 4)),
    0b0110: ((0, 4, 5), (0, 5, 1)),
    0b1010: ((0, 2, 5), (0, 5, 3)),
    0b1100: ((1, 3, 4), (1, 4, 2)),
}


def sign_clamp(field: Tensor, least: Tensor | float) -> Tensor:
    """Values nearer to zero than `least` > 0 moved to −least or +least by their sign; zero itself counts as outside, +least.

    No surface then passes through a vertex of the grid, where it would degenerate or stop being manifold. The gradient is that of the
    field itself, 1 everywhere (straight-through, Bengio et al. 2013): a vertex on the surface still learns to which side to go.
    """
    with torch.no_grad():
        shift = torch.where(field.abs() < least, torch.where(field < 0, -least, least) - field, 0.0)
    return field + shift


def marching_tetrahedra(points: Tensor, tets: Tensor, field: Tensor, closeness: float = 1e-3) -> MeshBatch:
    """Surfaces on which fields are zero, one for each of N fields; negative is inside, normals point outside.

    On each edge (a, b) whose ends differ in sign, v = (s_b x_a − s_a x_b) / (s_b − s_a), after `sign_clamp` to `closeness` times the mean
    |s_a − s_b| over such edges: cuts stay off the grid's vertices by about that share of an edge, and a field that is exactly zero is
    handled like any other. Gradients to `field` and `points` are defined while no sign changes.

    points: (V, 3), or (N, V, 3) where each field has its own deformed grid; tets: (T, 4) int64, either orientation; field: (N, V) or (V,).
    The surface is manifold, closed where it does not leave the grid; a field of one sign gives an empty mesh. Raises CellmlError for
    shapes that do not fit, values that are not finite, and tets that name missing points.
    """
    fields = field[None] if field.ndim == 1 else field
    grids = points.expand(len(fields), *points.shape[-2:]) if points.ndim == 2 else points
    _check(grids, tets, fields, closeness)
    values = torch.stack([_clamped(one, tets, closeness) for one in fields])
    meshes = [_cut(grids[n], _oriented(grids[n], tets), values[n]) for n in range(len(fields))]
    counts = tuple(len(vertices) for vertices, _ in meshes)
    faces = [own + sum(counts[:n]) for n, (_, own) in enumerate(meshes)]
    return MeshBatch(torch.cat([v for v, _ in meshes]), Topology(torch.cat(faces), counts, tuple(len(f) for f in faces)))


def _clamped(field: Tensor, tets: Tensor, closeness: float) -> Tensor:
    with torch.no_grad():
        ends = field[tets][:, torch.tensor(_EDGES, device=tets.device)]
        crossing = (ends[..., 0] < 0) != (ends[..., 1] < 0)
        steps = (ends[..., 0] - ends[..., 1]).abs()[crossing]
        mean = steps.mean() if len(steps) else field.new_zeros(())
        least = closeness * mean if mean > 0 else field.new_tensor(torch.finfo(field.dtype).tiny ** 0.5)
    return sign_clamp(field, least)


def _cut(points: Tensor, tets: Tensor, field: Tensor) -> tuple[Tensor, Tensor]:
    """Vertices (E, 3) on the cut edges and triangles (F, 3) of one field without zeros."""
    inside = (field[tets] < 0).long()
    cases = (inside * torch.tensor([1, 2, 4, 8], device=tets.device)).sum(1)
    table, sizes = _tables(tets.device)
    which = torch.arange(2, device=tets.device)[None] < sizes[cases][:, None]
    edges = table[cases][which]  # (F, 3) local edges
    owner = torch.nonzero(which)[:, 0]
    local = torch.tensor(_EDGES, device=tets.device)[edges]  # (F, 3, 2) local corners
    ends = tets[owner[:, None, None], local].sort(dim=2).values
    total = len(points)
    unique, faces = torch.unique(ends[..., 0] * total + ends[..., 1], return_inverse=True)
    a, b = unique // total, unique % total
    s_a, s_b = field[a, None], field[b, None]
    share = s_a / (s_a - s_b)
    return points[a] + share * (points[b] - points[a]), faces.reshape(-1, 3)


@cache
def _tables(device: torch.device) -> tuple[Tensor, Tensor]:
    """For each of 16 cases two rows of three edges, (16, 2, 3), and how many of them count, (16,)."""
    rows, sizes = torch.zeros(16, 2, 3, dtype=torch.int64), torch.zeros(16, dtype=torch.int64)
    for case, triangles in _TRIANGLES.items():
        rows[case, : len(triangles)], sizes[case] = torch.tensor(triangles), len(triangles)
    return rows.to(device), sizes.to(device)


def _oriented(points: Tensor, tets: Tensor) -> Tensor:
    """The same tetrahedra, two corners swapped where the signed volume is negative."""
    with torch.no_grad():
        a, b, c, d = points[tets].unbind(1)
        negative = ((b - a) * torch.linalg.cross(c - a, d - a, dim=1)).sum(1) < 0
    return torch.where(negative[:, None], tets[:, [0, 1, 3, 2]], tets)


def _check(grids: Tensor, tets: Tensor, fields: Tensor, closeness: float) -> None:
    if tets.ndim != 2 or tets.shape[1] != 4 or tets.dtype != torch.int64 or grids.ndim != 3 or grids.shape[2] != 3:
        raise CellmlError(
            f"A grid is points (V, 3) and int64 tets (T, 4), got {tuple(grids.shape[1:])} and {tets.dtype} {tuple(tets.shape)}."
        )
    if fields.ndim != 2 or fields.shape != grids.shape[:2]:
        raise CellmlError(f"Fields must be (N, {grids.shape[1]}), a value for each point of the grid, got {tuple(fields.shape)}.")
    if len(tets) and (int(tets.min()) < 0 or int(tets.max()) >= grids.shape[1]):
        raise CellmlError(f"Tets name the points {int(tets.min())} to {int(tets.max())}, but the grid has {grids.shape[1]}.")
    for values, what in ((fields, "field values"), (grids, "grid coordinates")):
        if not torch.isfinite(values).all():
            raise CellmlError(f"{int((~torch.isfinite(values)).sum())} of {values.numel()} {what} are not finite numbers.")
    if not 0 < closeness < 0.5:
        raise CellmlError(f"The closeness of cuts to the grid's vertices must be between 0 and 0.5, got {closeness}.")
