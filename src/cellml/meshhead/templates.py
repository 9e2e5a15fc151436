"""How a tetrahedron is divided between the labels of its corners.

The part of a label is where its corners have the largest barycentric coordinates, bent so that it ends where the label does: each edge
between two labels has a node, and so has each facet with three labels and each tetrahedron with four. A facet looks the same from both of
its sides: its quadrilaterals are cut by the diagonal that starts at the lower-numbered of the two corners of one label, and facets with
three labels are stars around their node. Whatever the labels, and wherever nodes lie inside their edge, facet and tetrahedron, the parts
are positively oriented, fit together, and each label's part of a tetrahedron is a ball that meets every facet in a disk or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Nodes of a tetrahedron: corners 0–3, one on each edge, one on each facet (10 + its opposite corner), one inside.
EDGE_NODES = {(0, 1): 4, (0, 2): 5, (0, 3): 6, (1, 2): 7, (1, 3): 8, (2, 3): 9}
FACE_CORNERS = ((1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2))
INSIDE = 14

# Corners are sorted so that the most frequent label comes first, and lower-numbered corners within a label. Each row is a
# tetrahedron of the corner that it begins with, in any orientation.
_WHOLE = ((0, 1, 2, 3),)
_THREE_ONE = ((3, 6, 8, 9), (0, 1, 2, 9), (0, 1, 8, 9), (0, 6, 8, 9))
_TWO_TWO = ((0, 1, 7, 8), (0, 5, 6, 8), (0, 5, 7, 8), (2, 3, 6, 8), (2, 5, 6, 8), (2, 5, 7, 8))
_TWO_ONE_ONE = (
    *((0, 1, 7, 10), (0, 1, 8, 10), (0, 5, 10, 11), (0, 5, 7, 10), (0, 6, 10, 11), (0, 6, 8, 10)),
    *((2, 5, 10, 11), (2, 5, 7, 10), (2, 9, 10, 11)),
    *((3, 6, 10, 11), (3, 6, 8, 10), (3, 9, 10, 11)),
)


def _four() -> tuple[tuple[int, ...], ...]:
    """A cone from each corner over the three quadrilaterals between its label and the others, each halved from its edge node."""
    return tuple((i, EDGE_NODES[min(i, j), max(i, j)], 10 + opposite, INSIDE) for i, j, _, opposite in permutations(range(4)))


# By how many different labels there are and how often the most frequent occurs.
TEMPLATES = {"whole": _WHOLE, "3+1": _THREE_ONE, "2+2": _TWO_TWO, "2+1+1": _TWO_ONE_ONE, "1+1+1+1": _four()}
NAMES = tuple(TEMPLATES)


@dataclass(frozen=True, eq=False)
class Template:
    """rows: (R, 4) local nodes of positively oriented tetrahedra, in a positively oriented one; owners: (R,) local corner whose label
    each has.
    """

    rows: Tensor
    owners: Tensor


@cache
def template(name: str, device: torch.device) -> Template:
    """The division of a tetrahedron, by name."""
    rows = np.array(TEMPLATES[name])
    nodes = _example()
    a, b, c, d = (nodes[rows[:, i]] for i in range(4))
    turned = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) < 0
    oriented = rows.copy()
    oriented[turned, 2:] = rows[turned, :1:-1]
    return Template(torch.from_numpy(oriented).to(device), torch.from_numpy(rows[:, 0].copy()).to(device))


def _example() -> NDArray[np.float64]:
    """Positions of all nodes of the unit tetrahedron, each in the middle of what it lies in, (15, 3)."""
    corners = np.concatenate([np.zeros((1, 3)), np.eye(3)])
    edges = [corners[list(ends)].mean(axis=0) for ends in EDGE_NODES]
    faces = [corners[list(face)].mean(axis=0) for face in FACE_CORNERS]
    return np.array([*corners, *edges, *faces, corners.mean(axis=0)])
