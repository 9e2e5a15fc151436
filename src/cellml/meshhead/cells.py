"""Which tetrahedra each label gets: a matter of labels alone, not of positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cellml.meshhead.grid import BackgroundGrid
from cellml.meshhead.templates import EDGE_NODES, FACE_CORNERS, NAMES, template

# The case of a tetrahedron by 4 × (occurrences of the most frequent label) + (those of the label of the third corner, as sorted).
_CASES = {"whole": (4, 4), "3+1": (3, 3), "2+2": (2, 2), "2+1+1": (2, 1), "1+1+1+1": (1, 1)}


@dataclass(frozen=True, eq=False)
class Cells:
    """Tetrahedra between labels. Nodes are, in this order: vertices of the grid, cut edges, cut facets, cut tetrahedra.

    tets: (T', 4) nodes, positively oriented; regions: (T',) label of each; parents: (T',) tetrahedron of the grid that it is part of;
    edges: (E, 2), facets: (F, 3), insides: (I, 4): the vertices of the grid, all of different labels, between which each further node lies.
    """

    tets: Tensor
    regions: Tensor
    parents: Tensor
    edges: Tensor
    facets: Tensor
    insides: Tensor


def divided(grid: BackgroundGrid, labels: Tensor) -> Cells:
    """Divide the tetrahedra of a grid between the labels of its vertices, (V,) int64."""
    of_corner = labels[grid.tets]
    mixed = torch.nonzero((of_corner != of_corner[:, :1]).any(1))[:, 0]
    whole = torch.nonzero((of_corner == of_corner[:, :1]).all(1))[:, 0]
    corners, odd, cases = _sorted(grid.tets[mixed], labels)
    nodes, edges, facets, insides = _nodes(corners, labels, len(grid.points))
    tets, regions, parents = [grid.tets[whole]], [of_corner[whole, 0]], [whole]
    for name in NAMES[1:]:
        chosen = torch.nonzero(cases == NAMES.index(name))[:, 0]
        form = template(name, grid.tets.device)
        rows = nodes[chosen][:, form.rows]
        rows = torch.where(odd[chosen, None, None], rows[..., [0, 1, 3, 2]], rows)
        tets.append(rows.reshape(-1, 4))
        regions.append(labels[corners[chosen][:, form.owners]].reshape(-1))
        parents.append(mixed[chosen].repeat_interleave(len(form.rows)))
    return Cells(torch.cat(tets), torch.cat(regions), torch.cat(parents), edges, facets, insides)


def _sorted(tets: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Corners in the order of `templates`, (M, 4), whether that order is an odd permutation, (M,), and the number of the case, (M,)."""
    of_corner = labels[tets]
    often = (of_corner[:, :, None] == of_corner[:, None]).sum(2)
    order = _lexicographic(4 - often, of_corner, tets)
    inversions = sum((order[:, i] > order[:, j]).long() for i in range(4) for j in range(i + 1, 4))
    often = torch.gather(often, 1, order)
    cases = torch.zeros(len(tets), dtype=torch.int64, device=tets.device)
    for name, (first, third) in _CASES.items():
        cases[(often[:, 0] == first) & (often[:, 2] == third)] = NAMES.index(name)
    return torch.gather(tets, 1, order), torch.as_tensor(inversions, device=tets.device) % 2 == 1, cases


def _lexicographic(*keys: Tensor) -> Tensor:
    """The order of columns by the first key, then the second, …; keys: (M, 4) each."""
    order = torch.arange(4, device=keys[0].device).expand(len(keys[0]), 4)
    for key in reversed(keys):
        order = torch.gather(order, 1, torch.gather(key, 1, order).argsort(dim=1, stable=True))
    return order


def _nodes(corners: Tensor, labels: Tensor, vertices: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Numbers of the fifteen nodes of each tetrahedron, (M, 15), −1 where it has none, and what the further nodes lie between."""
    table = corners.new_full((len(corners), 15), -1)
    table[:, :4] = corners
    found, total = [], vertices
    for first, local in ((4, tuple(EDGE_NODES)), (10, FACE_CORNERS), (14, ((0, 1, 2, 3),))):
        between = corners[:, torch.tensor(local, device=corners.device)]  # (M, n, 2, 3 or 4)
        wanted = _all_different(labels[between])
        unique, inverse = torch.unique(between[wanted].sort(dim=1).values, dim=0, return_inverse=True)
        part = table[:, first : first + len(local)]
        part[wanted] = total + inverse
        total += len(unique)
        found.append(unique)
    return table, found[0], found[1], found[2]


def _all_different(labels: Tensor) -> Tensor:
    """Whether no two of the last axis are equal."""
    ordered = labels.sort(dim=-1).values
    return (ordered[..., 1:] != ordered[..., :-1]).all(-1)
