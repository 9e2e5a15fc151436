"""Mutex watershed on fragments instead of voxels, with mwatershed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.clean import clean
from cellml.segmentation.fragments import DistanceFragments, FragmentDecoder, Fragments
from cellml.segmentation.neighbourhood import check_offsets
from cellml.segmentation.region_graph import RegionGraph, region_graph


@dataclass(frozen=True)
class FragmentMutexWatershed(FragmentDecoder):
    """Fragments attract by the affinity of their contact and repel by that of their long-range pairs, strongest first.

    Two edges join each pair of fragments: their mean nearest-neighbour affinity minus near_bias, and their mean affinity over the longer
    offsets minus far_bias; positive edges attract, negative ones exclude (Wolf et al. 2020, doi:10.1109/TPAMI.2020.2980827, on a region
    graph). Larger biases (0 to 1) make more and smaller objects. fragments: what is clustered; stride: take every n-th long-range pair
    along each axis; min_contact: leave out long-range edges backed by fewer sampled pairs; min_size: smaller objects (voxels) are
    absorbed by their strongest neighbour; max_enclosed: holes (of the mask too) and islands up to this size go to the one object that
    encloses them.
    """

    near_bias: float = 0.3
    far_bias: float = 0.6
    fragments: Fragments = field(default_factory=DistanceFragments)
    stride: int = 2
    min_contact: int = 5
    min_size: int = 100
    max_enclosed: int = 0

    def cluster(self, affinities: NDArray[Any], fragments: NDArray[np.uint32], offsets: Sequence[Sequence[int]]) -> NDArray[np.uint32]:
        """Objects from given fragments."""
        import mwatershed

        checked = check_offsets(offsets, affinities.shape[0])
        if len(checked) == 3:
            raise CellmlError("The mutex watershed on fragments needs long-range offsets beside the three nearest neighbours.")
        near = region_graph(fragments, affinities[:3], checked[:3])
        far = region_graph(fragments, affinities[3:], checked[3:], stride=self.stride)
        edges = _edges(near, self.near_bias, 1) + _edges(far, self.far_bias, self.min_contact)
        number = np.arange(int(fragments.max()) + 1, dtype=np.uint32)
        for fragment, cluster in mwatershed.cluster_edges(edges):
            number[fragment] = cluster
        return clean(number[fragments], affinities, self.min_size, self.max_enclosed)


def _edges(graph: RegionGraph, bias: float, min_contact: int) -> list[tuple[float, int, int]]:
    keep = graph.counts >= min_contact
    return list(zip((graph.means[keep] - bias).tolist(), graph.u[keep].tolist(), graph.v[keep].tolist(), strict=True))
