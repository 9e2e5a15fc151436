"""Numbering of the faces and edges of a tetrahedron."""

from __future__ import annotations

import numpy as np

# Corner i is opposite to face i; each face is counter-clockwise seen from outside a positively oriented tetrahedron.
TET_FACES = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])
TET_EDGES = np.array([[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]])
