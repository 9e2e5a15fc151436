"""Lifted multicut: the multicut of the region graph, informed by pairs of fragments that do not touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.clean import clean
from cellml.segmentation.fragments import DistanceFragments, FragmentDecoder, Fragments
from cellml.segmentation.multicut import check_bias, objects_of, problem
from cellml.segmentation.multicut_solvers import connected_within
from cellml.segmentation.neighbourhood import check_offsets
from cellml.segmentation.region_graph import region_graph


@dataclass(frozen=True)
class LiftedMulticut(FragmentDecoder):
    """As Multicut, with the long-range affinities as lifted edges: they say that two fragments belong together or not, but join nothing.

    Objects stay connected through contacts, while far pairs add log((1 − p) / p) to the energy if their fragments end up apart (Keuper et
    al. 2015, arXiv:1505.06973), solved greedily with Kernighan–Lin moves by bioimage-cpp. far_bias, far_weight: bias of the far pairs and
    their weight against the contacts; stride: take every n-th far pair along each axis; min_contact: leave out far pairs of fragments
    backed by fewer sampled pairs; iterations: most rounds of moves; the rest as in Multicut.
    """

    choose_along: ClassVar[str] = "bias"

    bias: float = 0.5
    size_weight: float = 0.5
    far_bias: float = 0.5
    far_weight: float = 1.0
    stride: int = 2
    min_contact: int = 5
    iterations: int = 20
    fragments: Fragments = field(default_factory=DistanceFragments)
    min_size: int = 100
    max_enclosed: int = 0

    def __post_init__(self) -> None:
        check_bias(self.bias, self.size_weight)
        check_bias(self.far_bias, self.far_weight)

    def cluster(self, affinities: NDArray[Any], fragments: NDArray[np.uint32], offsets: Sequence[Sequence[int]]) -> NDArray[np.uint32]:
        """Objects from given fragments. Raises CellmlError without long-range offsets."""
        checked = check_offsets(offsets, affinities.shape[0])
        if len(checked) == 3:
            raise CellmlError(
                "The lifted multicut needs long-range offsets beside the three nearest neighbours; use Multicut without them."
            )
        near = region_graph(fragments, affinities[:3], checked[:3])
        far = region_graph(fragments, affinities[3:], checked[3:], stride=self.stride)
        edges, costs = problem(near, self.bias, self.size_weight)
        lifted, weights = problem(far, self.far_bias, self.size_weight)
        backed = far.counts >= self.min_contact
        parts = solve_lifted(
            int(fragments.max(initial=0)) + 1, edges, costs, lifted[backed], self.far_weight * weights[backed], self.iterations
        )
        return clean(objects_of(parts, fragments), affinities, self.min_size, self.max_enclosed)


def solve_lifted(
    nodes: int,
    edges: NDArray[np.int64],
    costs: NDArray[np.float64],
    lifted: NDArray[np.int64],
    weights: NDArray[np.float64],
    iterations: int = 20,
) -> NDArray[np.int64]:
    """Part of each node, (nodes,), connected over `edges` (E, 2); lifted pairs (L, 2) cost their weights where they end up apart.

    A lifted pair that is an edge too adds its weight to it. Greedy contraction, then at most `iterations` rounds of moves.
    """
    from bioimage_cpp.graph import UndirectedGraph
    from bioimage_cpp.graph import lifted_multicut as library

    if not len(edges):
        return np.arange(nodes)
    graph = UndirectedGraph.from_edges(nodes, edges.astype(np.uint64))
    objective = library.LiftedMulticutObjective(
        graph, costs, lifted_uvs=lifted.astype(np.uint64) if len(lifted) else None, lifted_costs=weights if len(lifted) else None
    )
    library.LiftedGreedyAdditiveMulticut().optimize(objective)
    if iterations:
        library.LiftedKernighanLinMulticut(number_of_outer_iterations=iterations).optimize(objective)
    return connected_within(nodes, edges, objective.labels)
