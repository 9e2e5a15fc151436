"""Tetrahedra of the compartments, with gradient to scores and displacement."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshhead.cells import Cells, divided
from cellml.meshhead.grid import BackgroundGrid
from cellml.meshhead.placed import Placing
from cellml.meshhead.relaxed import relaxed_shares
from cellml.meshhead.scores import labels_of
from cellml.meshhead.standoff import STANDOFF, stood_off

LEAST_DEG = 10.2  # smallest dihedral angle
LEAST_FACET_DEG = 6.0  # smallest angle of facets; a larger one undoes most of what a flow does
MOST_DEG = 10.5  # that can be asked for: 10.7° are left beside a wall with all nodes at rest
NEAREST = 0.1  # share of an edge between its ends and where it is cut


@dataclass(frozen=True, eq=False)
class CutGrid:
    """The grid, divided between labels.

    points: (N, 3) float64 of the nodes of `cells`, columns (x, y, z) in nm, with gradient; labels: (V,) of the grid's vertices; relaxed:
    number of nodes that were drawn back for the sake of angles.
    """

    points: Tensor
    cells: Cells
    labels: Tensor
    relaxed: int


@dataclass(frozen=True)
class Cutting:
    """How a grid is cut.

    standoff: α of `stood_off`, in cubes; nearest: share of an edge between its ends and where it is cut; least_deg,
    least_facet_deg: smallest dihedral angle and smallest angle of facets, which `relaxed_shares` guarantees.
    """

    standoff: float = STANDOFF
    nearest: float = NEAREST
    least_deg: float = LEAST_DEG
    least_facet_deg: float = LEAST_FACET_DEG

    def __post_init__(self) -> None:
        angles = (self.least_deg, self.least_facet_deg)
        if not (0 <= self.standoff <= 0.3 and 0 < self.nearest < 0.5 and min(angles) >= 0 and max(angles) <= MOST_DEG):
            raise CellmlError(
                f"Cutting needs a standoff in [0, 0.3], a nearest cut in (0, 0.5) and smallest angles in [0°, {MOST_DEG}°], got "
                f"{self.standoff}, {self.nearest} and {angles}."
            )

    def __call__(self, grid: BackgroundGrid, scores: Tensor, points: Tensor | None = None) -> CutGrid:
        """Multi-label marching tetrahedra: what lies between vertices of different labels is divided where scores are equal.

        On an edge (u, v) of labels a and b, d = s_a − s_b is positive at u and negative at v, and the node is at x_u + t (x_v − x_u) with
        t = d_u / (d_u − d_v). On a facet of three labels it is where their three scores are equal, or near that inside the facet; in a
        tetrahedron of four labels it is in the middle. Which tetrahedra there are depends on the labels alone: points have a gradient to
        `scores` and `points` while no label changes (where a node was drawn back, or a cut kept off an end, that of what is left to it).
        Where a vertex changes its label the surface jumps by little, because it passed by that vertex before and after: the volume of a
        ball of radius 3 cubes by 2e-5 of itself (5e-5 at most, over five such changes).

        scores: (K, V) at the grid's vertices; points: (V, 3) in nm where a flow moved them (the grid at rest where None). Labels of equal
        scores: the lowest. A grid of one label is left whole. Raises CellmlError for scores that are not finite or do not fit.
        """
        if scores.ndim != 2 or scores.shape[1] != len(grid.points):
            raise CellmlError(f"Scores must be (labels, {len(grid.points)}), a value for each vertex, got {tuple(scores.shape)}.")
        labels, before = labels_of(scores.detach()), scores.double()
        flown = grid.points if points is None else points
        moved, after = stood_off(grid, flown, before, labels, self.standoff)
        cells = divided(grid, labels)
        placing = Placing(cells, grid.points, moved, before, after, labels, self.nearest)
        shares = relaxed_shares(grid, cells, placing, self.least_deg, self.least_facet_deg)
        drawn_back = int((shares < 1).sum())
        return CutGrid(placing(shares if drawn_back else None), cells, labels, drawn_back)
