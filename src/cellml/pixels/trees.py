"""Decision trees as plain arrays, and their descent for millions of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.pixels.compiled import compiled
from cellml.pixels.threads import in_parallel

_PIXELS_AT_A_TIME = 64  # the features of so many pixels and one tree stay in the first-level cache


@dataclass(frozen=True, eq=False)
class Trees:
    """All nodes of all trees, the children of a node side by side and behind it.

    roots: (T,) int32 first node of each tree; left: (N,) int32 left child, the right one follows it, or the node itself for a leaf;
    feature: (N,) int32 and threshold: (N,) float32: a pixel goes right where its feature is larger; share: (N, K) float32 class shares of
    leaves. Raises CellmlError for arrays that are no trees: whoever follows them blindly would read foreign memory or never end.
    """

    roots: NDArray[np.int32]
    left: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    share: NDArray[np.float32]

    def __post_init__(self) -> None:
        for part in fields(self):
            kind = np.float32 if part.name in ("threshold", "share") else np.int32
            object.__setattr__(self, part.name, np.ascontiguousarray(getattr(self, part.name), kind))
        nodes = np.arange(len(self.left))
        leaf = self.left == nodes
        sizes = {len(self.left), len(self.feature), len(self.threshold), len(self.share)}
        sound = len(sizes) == 1 and len(self.roots) > 0 and self.share.ndim == 2
        sound = sound and bool(((self.left > nodes) & (self.left + 1 < len(nodes)) | leaf).all())
        if not (sound and (self.roots >= 0).all() and (self.roots < len(nodes)).all() and (self.feature >= 0).all()):
            raise CellmlError(f"{len(self.left)} nodes and {len(self.roots)} roots are no decision trees; the file is damaged.")

    @classmethod
    def of(cls, ensemble: Any, classes: int) -> Trees:
        """The trees of a fitted forest of scikit-learn, whose classes are numbers below `classes`.

        Thresholds are rounded down to float32, so that x ≤ t means the same for float32 features as in scikit-learn's float64.
        """
        parts = [_renumbered(estimator.tree_) for estimator in getattr(ensemble, "estimators_", [ensemble])]
        starts = np.cumsum([0, *(len(part[0]) for part in parts)])
        left, feature, threshold, share = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        left = left + np.repeat(starts[:-1], np.diff(starts))
        every = np.zeros((len(share), classes), np.float32)
        every[:, ensemble.classes_.astype(int)] = share
        return cls(starts[:-1], left, feature, threshold, every)

    @cached_property
    def depths(self) -> NDArray[np.int32]:
        """Steps from each root to its deepest leaf, (T,)."""
        depth = np.zeros(len(self.left), np.int32)
        for node in range(len(self.left) - 1, -1, -1):
            child = self.left[node]
            if child != node:
                depth[node] = 1 + max(depth[child], depth[child + 1])
        return np.asarray(depth[self.roots])

    def shares(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """features: (F, n) → mean class shares over the trees, (K, n). Raises CellmlError where a node asks for a feature beyond F."""
        if self.feature.max(initial=0) >= len(features):
            raise CellmlError(
                f"The trees ask for feature {self.feature.max()}, and there are {len(features)}; features and trees do not belong together."
            )
        count = features.shape[1]
        result, depths = np.zeros((self.share.shape[1], count), np.float32), self.depths
        step = -(-max(1, count // 64) // _PIXELS_AT_A_TIME) * _PIXELS_AT_A_TIME
        arrays = (self.roots, depths, self.left, self.feature, self.threshold, self.share)
        in_parallel(lambda start: _descend(features, start, min(start + step, count), *arrays, result), range(0, count, step))
        return result


def _renumbered(tree: Any) -> Sequence[NDArray[Any]]:
    """left, feature, threshold and share of one tree of scikit-learn, level by level, so that siblings are neighbours."""
    order, level = [], np.array([0])
    while len(level):
        order.append(level)
        inner = level[tree.children_left[level] >= 0]
        level = np.stack([tree.children_left[inner], tree.children_right[inner]], axis=1).ravel()
    nodes = np.concatenate(order)
    number = np.empty(len(nodes), np.int64)
    number[nodes] = np.arange(len(nodes))
    leaf = tree.children_left[nodes] < 0
    left = np.where(leaf, np.arange(len(nodes)), number[tree.children_left[nodes]])
    exact = np.where(leaf, np.inf, tree.threshold[nodes])
    threshold = exact.astype(np.float32)
    threshold = np.where(threshold > exact, np.nextafter(threshold, np.float32(-np.inf)), threshold)
    share = tree.value[nodes, 0, :]
    return left, np.where(leaf, 0, tree.feature[nodes]), threshold, share / share.sum(axis=1, keepdims=True)


@compiled
def _descend(
    features: Any, begin: int, end: int, roots: Any, depths: Any, left: Any, feature: Any, threshold: Any, share: Any, result: Any
) -> None:
    """Pixels begin … end − 1: every tree for a few pixels at a time. A leaf is its own left child, so that no step asks for leaves."""
    width = _PIXELS_AT_A_TIME
    near = np.empty((len(features), width), np.float32)
    at = np.empty(width, np.int32)
    scale = np.float32(1.0 / len(roots))
    for start in range(begin, end, width):
        count = min(width, end - start)
        for f in range(len(features)):
            for i in range(count):
                near[f, i] = features[f, start + i]
        for t in range(len(roots)):
            at[:] = roots[t]
            for _ in range(depths[t]):
                for i in range(count):
                    node = at[i]
                    at[i] = left[node] + (near[feature[node], i] > threshold[node])
            for k in range(share.shape[1]):
                for i in range(count):
                    result[k, start + i] += scale * share[at[i], k]
