"""Image in, mesh out: template spheres deformed by graph convolutions that read image features at their vertices.

Pixel2Mesh (Wang et al. 2018, doi:10.1007/978-3-030-01252-6_4), for volumes and for several structures at once, as in Voxel2Mesh
(Wickramasinghe et al. 2020). The topology is that of the template: every surface has genus 0, and nothing forbids that it
crosses itself; both are measured at validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.meshops.batch import MeshBatch
from cellml.meshops.feature_pooling import vert_align
from cellml.meshops.graph_convolution import GraphConvolution
from cellml.meshops.subdivision import Subdivision
from cellml.meshops.topology import Topology
from cellml.meshops.unpooling import LearnedUnpooling
from cellml.nets.image_features import ImageFeatures, box_coordinates
from cellml.nets.mesh_template import icosphere
from cellml.nets.unet import Triple


@dataclass(frozen=True, eq=False)
class Deformation:
    """One stage: the meshes that came in and the ones that went out, N = B · K, all structures of the first image first; lengths in half
    edges of the volume's shortest side, about its centre.
    """

    before: MeshBatch
    after: MeshBatch


class Pixel2Mesh(nn.Module):
    """(B, C, Z, Y, X) image → for each stage the meshes of `structures` surfaces.

    in_channels, widths, spacing, stem_stride, norm: of the U-Net (`ImageFeatures`); spacing also says how long the box's sides are;
    structures: K surfaces, which share all weights but an embedding of `embedding` numbers; level: splits of the template's icosphere;
    stages: deformations, with an unpooling (each face in four) between two; hidden: features of a vertex; depth: graph convolutions of a
    stage; radius: of the template spheres, as a share of half the shortest side. The template is a buffer, (K, V, 3): `set_template` puts
    a mean shape there, which then travels with the checkpoint. Raises CellmlError for sizes below 1.
    """

    template: Tensor
    faces: Tensor

    def __init__(
        self,
        in_channels: int = 1,
        structures: int = 1,
        widths: Sequence[int] = (16, 32, 64),
        spacing: Sequence[float] = (10.0, 10.0, 10.0),
        stem_stride: int = 2,
        norm: str = "batch",
        level: int = 2,
        stages: int = 3,
        hidden: int = 64,
        depth: int = 3,
        embedding: int = 8,
        radius: float = 0.5,
    ) -> None:
        super().__init__()
        if min(structures, stages, hidden, depth, embedding) < 1 or radius <= 0:
            raise CellmlError(
                f"Pixel2Mesh needs structures, stages, hidden, depth and embedding of at least 1 and a positive radius, got "
                f"{structures}, {stages}, {hidden}, {depth}, {embedding} and {radius}."
            )
        self.features = ImageFeatures(in_channels, widths, spacing, stem_stride, norm)
        self.in_channels, self.structures, self.level = in_channels, structures, level
        self.spacing = tuple(float(s) for s in spacing)
        self.embedding = nn.Embedding(structures, embedding)
        width = self.features.channels + 3 + embedding
        self.stages = nn.ModuleList(GraphStage(width + (hidden if n else 0), hidden, depth) for n in range(stages))
        self.unpoolings = nn.ModuleList(LearnedUnpooling(hidden) for _ in range(stages - 1))
        sphere = icosphere(level)
        self.register_buffer("faces", sphere.faces, persistent=False)
        self.register_buffer("template", radius * sphere.vertices.repeat(structures, 1, 1))

    @property
    def multiple(self) -> Triple:
        """Input sizes along (z, y, x) must be multiples of these."""
        return self.features.multiple

    def set_template(self, vertices: Tensor) -> None:
        """Another template, (K, V, 3), over the same faces. Raises CellmlError for another shape."""
        if vertices.shape != self.template.shape or not bool(torch.isfinite(vertices).all()):
            raise CellmlError(f"A template needs finite vertices {tuple(self.template.shape)}, got {tuple(vertices.shape)}.")
        with torch.no_grad():
            self.template.copy_(vertices)

    def forward(self, image: Tensor) -> list[Deformation]:
        """image: (B, C, Z, Y, X), normalised → one `Deformation` a stage, coarse to fine."""
        if image.ndim != 5:
            raise CellmlError(f"Pixel2Mesh takes images (B, C, Z, Y, X), got {tuple(image.shape)}.")
        sides = [n * s for n, s in zip(image.shape[2:], self.spacing, strict=True)]
        maps, count = self.features(image), len(image)
        meshes = self._templates(count)
        hidden: Tensor | None = None
        stages = []
        for number, stage in enumerate(self.stages):
            if number:
                step = Subdivision(meshes.topology)
                meshes, hidden = self.unpoolings[number - 1](meshes, hidden, step)
            read = self._read(maps, meshes, sides, count)
            moved, hidden = stage(read if hidden is None else torch.cat([read, hidden], dim=1), meshes)
            stages.append(Deformation(meshes, moved))
            meshes = moved
        return stages

    def _templates(self, count: int) -> MeshBatch:
        """The K templates for each of `count` images, packed."""
        total, (size, own) = count * self.structures, (self.template.shape[1], len(self.faces))
        starts = size * torch.arange(total, device=self.faces.device)
        faces = (self.faces + starts[:, None, None]).reshape(-1, 3)
        return MeshBatch(self.template.repeat(count, 1, 1).reshape(-1, 3), Topology(faces, (size,) * total, (own,) * total))

    def _read(self, maps: list[Tensor], meshes: MeshBatch, sides: Sequence[float], count: int) -> Tensor:
        """What each vertex knows: image features where it is, its place, and its structure; (V, width)."""
        places = box_coordinates(meshes.vertices, sides).reshape(count, -1, 3)
        seen = vert_align(maps, places.to(maps[0].dtype), padding="border", align_corners=False).flatten(0, 1)
        structure = torch.arange(self.structures, device=seen.device).repeat(count)[meshes.topology.vertex_mesh]
        return torch.cat([seen, meshes.vertices, self.embedding(structure)], dim=1)


class GraphStage(nn.Module):
    """Graph convolutions with skip connections, then a step of each vertex. width, hidden: features in and out; depth: convolutions."""

    def __init__(self, width: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.entry = nn.Linear(width, hidden)
        self.convolutions = nn.ModuleList(GraphConvolution(hidden, hidden) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(depth))
        self.step = nn.Linear(hidden, 3)
        nn.init.zeros_(self.step.weight)
        nn.init.zeros_(self.step.bias)

    def forward(self, features: Tensor, meshes: MeshBatch) -> tuple[MeshBatch, Tensor]:
        """features: (V, width) → the moved meshes and their features (V, hidden)."""
        hidden = functional.relu(self.entry(features))
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            hidden = hidden + functional.relu(convolution(norm(hidden), meshes.edges))
        return meshes.with_vertices(meshes.vertices + self.step(hidden).to(meshes.vertices.dtype)), hidden
