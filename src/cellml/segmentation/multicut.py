"""Multicut of the region graph: the partition into objects whose cut boundaries are most probable, all edges weighed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.clean import clean
from cellml.segmentation.fragments import DistanceFragments, FragmentDecoder, Fragments
from cellml.segmentation.multicut_solvers import GreedyKernighanLin, MulticutSolver, require_edges
from cellml.segmentation.neighbourhood import check_offsets
from cellml.segmentation.region_graph import RegionGraph, region_graph

_CERTAIN = 1e-3  # probabilities are kept this far from 0 and 1: a network's certainty is not infinite evidence


@dataclass(frozen=True)
class Multicut(FragmentDecoder):
    """The cheapest partition of fragments, each cut contact costing log((1 − p) / p) for its probability p of being a boundary.

    p = 1 − mean affinity of the contact (Andres et al. 2012, doi:10.1007/978-3-642-33712-3_56). Unlike agglomeration, no merge is final: an
    object is cut where that is cheapest over all its contacts, and the number of objects follows from the costs. bias: probability at
    which a contact costs nothing, 0 to 1, smaller for more and smaller objects; size_weight: costs grow with (contact size / largest)^this,
    so that 1 counts voxel faces and 0 contacts; fragments: what is partitioned; solver: how; min_size: smaller objects (voxels) are
    absorbed by their strongest neighbour; max_enclosed: holes (of the mask too) and islands up to this size go to the one object that
    encloses them. Raises CellmlError for other values.
    """

    choose_along: ClassVar[str] = "bias"

    bias: float = 0.5
    size_weight: float = 0.5
    fragments: Fragments = field(default_factory=DistanceFragments)
    solver: MulticutSolver = field(default_factory=GreedyKernighanLin)
    min_size: int = 100
    max_enclosed: int = 0

    def __post_init__(self) -> None:
        check_bias(self.bias, self.size_weight)

    def cluster(self, affinities: NDArray[Any], fragments: NDArray[np.uint32], offsets: Sequence[Sequence[int]]) -> NDArray[np.uint32]:
        """Objects from given fragments."""
        graph = region_graph(fragments, affinities[:3], check_offsets(offsets)[:3])
        edges, costs = problem(graph, self.bias, self.size_weight)
        parts = self.solver(int(fragments.max(initial=0)) + 1, edges, costs)
        return clean(objects_of(parts, fragments), affinities, self.min_size, self.max_enclosed)


def problem(graph: RegionGraph, bias: float, size_weight: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Edges (E, 2) and costs (E,) of a region graph whose sums are affinities."""
    edges = np.stack([graph.u, graph.v], axis=1)
    costs = cut_costs(1.0 - graph.means, bias)
    if len(costs):
        costs = costs * (graph.counts / graph.counts.max()) ** size_weight
        require_edges(int(edges.max()) + 1, edges, costs)
    return edges, costs


def cut_costs(boundary: NDArray[np.float64], bias: float = 0.5) -> NDArray[np.float64]:
    """log((1 − p) / p) + log(bias / (1 − bias)): positive where an edge should hold, 0 at p = bias, negative where it should be cut.

    boundary: probabilities p of the edges, kept within [0.001, 0.999].
    """
    p = np.clip(boundary, _CERTAIN, 1.0 - _CERTAIN)
    return np.asarray(np.log((1.0 - p) / p) + np.log(bias / (1.0 - bias)))


def objects_of(parts: NDArray[np.int64], fragments: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Objects (Z, Y, X) numbered above 0 from the part of each fragment; fragment 0 stays 0."""
    number = (parts + 1).astype(np.uint32)
    number[0] = 0
    return number[fragments]


def check_bias(bias: float, size_weight: float) -> None:
    """Raise CellmlError for a bias outside (0, 1) or a negative size weight."""
    if not 0.0 < bias < 1.0 or size_weight < 0.0:
        raise CellmlError(f"A multicut needs a bias in (0, 1) and a size_weight of at least 0, got {bias} and {size_weight}.")
