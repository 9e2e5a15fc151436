"""Where a mesh leaves out what it was made of: thin spikes and narrow tunnels that its background is too coarse to follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cellml.meshing.cut import CutMesh
from cellml.meshing.distance import boundary_beyond
from cellml.meshing.membranes import membranes
from cellml.meshing.source import regions_of_labels
from cellml.meshing.topology import facet_pairs
from cellml.types import Labels

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Places:
    """The surroundings of points (P, 3; x, y, z in nm), up to `reach_nm` from them, where no edge may be longer than `longest_nm`."""

    points: Floats
    reach_nm: float
    longest_nm: float

    def too_long(self, middles: Floats, lengths: Floats) -> NDArray[np.bool_]:
        """Which edges, with these middles (E, 3) and lengths (E,) in nm, are too long for where they are."""
        found = np.zeros(len(lengths), bool)
        long = np.flatnonzero(lengths > self.longest_nm)
        if len(self.points) and len(long):
            found[long] = cKDTree(self.points).query(middles[long], distance_upper_bound=self.reach_nm)[0] <= self.reach_nm
        return found


def left_out(cut: CutMesh, source: Labels, beyond_nm: float) -> Floats:
    """Points (P, 3; x, y, z in nm) on the boundaries of labels that lie further than `beyond_nm` from the surface of their region.

    cut: regions with the numbers of the labels; regions without a label, and labels without a region, are passed over.
    """
    walls = membranes(facet_pairs(cut.tets), cut.regions)
    crops = regions_of_labels(source, np.unique(cut.regions).tolist())
    found = [boundary_beyond(cut.points, walls.around(n), crop.data == 1, crop, beyond_nm) for n, crop in crops.items()]
    return np.concatenate([np.zeros((0, 3)), *found])
