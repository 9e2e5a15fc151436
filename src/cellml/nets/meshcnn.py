"""Convolution and pooling on the edges of a triangle mesh (MeshCNN: Hanocka et al. 2019, doi:10.1145/3306346.3322959)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.meshops.batch import unpadded
from cellml.meshops.edge_collapse import EdgePooling, collapse_edges
from cellml.meshops.edge_features import EdgeMesh, edge_features, edge_mesh

_FEATURES = 5
# Mean and deviation of the five features over closed meshes of near-equilateral triangles bring them to the order of 1.
_SHIFT = (2.8, 0.9, 1.2, 0.9, 1.5)
_SCALE = (0.4, 0.35, 0.35, 0.5, 1.0)


class EdgeConvolution(nn.Module):
    """W · (e, |a − c|, a + c, |b − d|, b + d): the same whichever face of the edge comes first (section 3.1, eq. 2).

    in_channels, out_channels: features of an edge.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(5 * in_channels, out_channels)

    def forward(self, features: Tensor, neighbours: Tensor) -> Tensor:
        """features: (E, in_channels), neighbours: (E, 4) → (E, out_channels)."""
        a, b, c, d = features[neighbours].unbind(1)
        return self.linear(torch.cat([features, (a - c).abs(), a + c, (b - d).abs(), b + d], dim=1))  # type: ignore[no-any-return]


class MeshCNN(nn.Module):
    """Classify a closed mesh, or each of its edges.

    classes: K; widths: features after each convolution; targets: edges left after each convolution's pooling, one for each width; head:
    hidden features of the classifier; per_edge: K logits for each edge, with an unpooling for each pooling and the features of the same
    level beside what comes up; dropout: before the last layer. Which edges are collapsed follows from the features, without gradient.
    Raises CellmlError where targets do not fall.
    """

    inputs = ("vertices", "faces")
    shift: Tensor
    scale: Tensor

    @property
    def answers(self) -> str:
        """Which labels it is asked for: of the mesh, or of its edges."""
        return "edge_labels" if self.per_edge else "labels"

    def __init__(
        self,
        classes: int = 3,
        widths: Sequence[int] = (32, 64),
        targets: Sequence[int] = (450, 300),
        head: int = 64,
        per_edge: bool = False,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        if len(widths) != len(targets) or not widths or list(targets) != sorted(targets, reverse=True) or min(targets) < 6:
            raise CellmlError(
                f"MeshCNN needs a falling number of edges, at least 6, for each width, got {list(targets)} and {list(widths)}."
            )
        self.classes, self.targets, self.per_edge = classes, list(targets), per_edge
        sizes = [_FEATURES, *widths]
        self.down = nn.ModuleList(_Block(a, b) for a, b in itertools.pairwise(sizes))
        if per_edge:
            blocks, width = [], widths[-1]
            for level in reversed(range(len(widths))):
                blocks.append(_Block(width + widths[level], widths[max(level - 1, 0)]))
                width = widths[max(level - 1, 0)]
            self.up = nn.ModuleList(blocks)
        last = nn.Linear(widths[0] if per_edge else widths[-1], head)
        self.head = nn.Sequential(last, nn.ReLU(), nn.Dropout(dropout), nn.Linear(head, classes))
        self.register_buffer("shift", torch.tensor(_SHIFT), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE), persistent=False)

    def forward(self, vertices: Tensor, faces: Tensor) -> Tensor:
        """vertices: (B, V, 3), faces: (B, F, 3) with −1 behind those of a mesh → logits (B, K), or (ΣE, K) for the edges in the order of
        `Topology.edges`, mesh after mesh. Raises CellmlError for meshes that are not closed and manifold.
        """
        answers = [self._one(v, f) for v, f in zip(vertices, faces, strict=True)]
        return torch.cat(answers) if self.per_edge else torch.stack(answers)

    def _one(self, vertices: Tensor, faces: Tensor) -> Tensor:
        batch = unpadded(vertices[None], faces[None], [len(vertices)])
        mesh = edge_mesh(batch)
        features = (edge_features(batch, mesh) - self.shift) / self.scale
        kept: list[tuple[EdgeMesh, EdgePooling, Tensor]] = []
        for block, target in zip(self.down, self.targets, strict=True):
            features = block(features, mesh.neighbours)
            pooling = collapse_edges(mesh, torch.linalg.vector_norm(features, dim=1), target)
            kept.append((mesh, pooling, features))
            features, mesh = pooling.pooled(features), pooling.mesh
        if not self.per_edge:
            return self.head(features.mean(dim=0))  # type: ignore[no-any-return]
        for block, (finer, pooling, skip) in zip(self.up, reversed(kept), strict=True):
            features = block(torch.cat([pooling.unpooled(features), skip], dim=1), finer.neighbours)
        return self.head(features)  # type: ignore[no-any-return]


class _Block(nn.Module):
    """Two edge convolutions with a skip connection; width: features in."""

    def __init__(self, width: int, features: int) -> None:
        super().__init__()
        self.first, self.second = EdgeConvolution(width, features), EdgeConvolution(features, features)
        self.norms = nn.ModuleList(nn.LayerNorm(features) for _ in range(2))

    def forward(self, features: Tensor, neighbours: Tensor) -> Tensor:
        """features: (E, width) → (E, features)."""
        first = functional.relu(self.norms[0](self.first(features, neighbours)))
        return functional.relu(first + self.norms[1](self.second(first, neighbours)))
