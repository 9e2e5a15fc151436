"""Real images with labels as training data of the mesh heads: distances to the surfaces of compartments, and points on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cellml.data.augment import SeededTransforms
from cellml.data.blocks import Block, OpenBlock
from cellml.data.compartment_distances import compartment_distances, points_on_surfaces
from cellml.data.module import VolumeDataModule
from cellml.data.patches import PatchDataset, Sample
from cellml.errors import CellmlError
from cellml.types import Volume


class CompartmentPatches(Dataset[Sample]):
    """The patches of a `PatchDataset`, whose labels are distances (K, z, y, x) in nm by then, with `count` points on each surface.

    Item: {"image": (C, z, y, x), "distances": (K, z, y, x) nm, "points", "normals": (K, count, 3) nm from the patch's first voxel}.
    """

    def __init__(self, patches: PatchDataset, distances: Sequence[Tensor], transform: SeededTransforms, count: int) -> None:
        self.patches, self.distances, self.transform, self.count = patches, list(distances), transform, count
        self.blocks = patches.blocks

    def __len__(self) -> int:
        return len(self.patches)

    def __getitem__(self, number: int) -> Sample:
        epoch, index = divmod(int(number), len(self))
        rng = np.random.default_rng([self.patches.seed, epoch, index])
        chosen, start = self.patches.places.draw(rng)
        z, y, x = (slice(s, s + p) for s, p in zip(start, self.patches.patch, strict=True))
        block = self.blocks[chosen]
        sample = {"image": torch.from_numpy(block.read_image((z, y, x))), "labels": self.distances[chosen][:, z, y, x]}
        turned = self.transform(sample, int(rng.integers(0, 2**31)))
        points, normals = points_on_surfaces(turned["labels"], block.spacing, self.count, rng)
        return {"image": turned["image"], "distances": turned["labels"], "points": points, "normals": normals}


class CompartmentDataModule(VolumeDataModule):
    """Blocks of labelled images for `CertifiedMeshTask`.

    compartments: names; solids: the labels within each compartment's surface, its own and those nested in it (label k for the k-th where
    None); points: on each surface in a sample; smoothing: of the labels' distances, σ in voxels. The rest as in `VolumeDataModule`, but
    every voxel must be labelled, and the transforms see distances: they may turn and mirror them, and change grey values, not stretch them.
    A validation block also holds "distances", and for each compartment its surface ("surfaces": vertices and faces), "components" and
    "genus" (over all its pieces). Raises CellmlError for compartments and solids that do not fit, and a compartment that a validation
    block lacks.
    """

    def __init__(
        self,
        train: Sequence[Block | Mapping[str, Any]],
        val: Sequence[Block | Mapping[str, Any]],
        patch: Sequence[int],
        compartments: Sequence[str],
        solids: Sequence[Sequence[int]] | None = None,
        points: int = 1000,
        smoothing: float = 0.5,
        **others: Any,
    ) -> None:
        super().__init__(train, val, patch, **others)
        self.names = tuple(str(name) for name in compartments)
        self.solids = [[int(n) for n in solid] for solid in solids] if solids else [[n] for n in range(1, len(self.names) + 1)]
        if not self.names or len(self.solids) != len(self.names) or points < 1:
            raise CellmlError(
                f"data.compartments ({list(self.names)}) and data.solids ({self.solids}) must be of one length of at least 1, and "
                f"data.points ({points}) positive."
            )
        self.points, self.smoothing = points, smoothing
        self._distances: dict[int, Tensor] = {}

    @property
    def contract(self) -> dict[str, Any]:
        """As for labels, and the names of the compartments."""
        return {**super().contract, "compartments": list(self.names)}

    def distances(self, block: OpenBlock) -> Tensor:
        """Distances of a whole block, (K, Z, Y, X) float32 nm, computed once."""
        if id(block) not in self._distances:
            made = compartment_distances(block.read_labels(), block.spacing, self.solids, smoothing=self.smoothing, name=block.name)
            self._distances[id(block)] = torch.from_numpy(made)
        return self._distances[id(block)]

    def patches(self) -> Any:
        """Patches of image, distances and surface points."""
        patches = PatchDataset(self._train, self.patch, self.patches_per_epoch, self.seed, sampling=self.sampling)
        distances = [self.distances(block) for block in self._train]
        return CompartmentPatches(patches, distances, SeededTransforms(self.transforms), self.points)

    def whole(self, block: OpenBlock) -> dict[str, Any]:
        """A validation block."""
        from cellml.meshing.topology import surface_topology
        from cellml.surfaces.extraction import extract_surface

        distances = self.distances(block)
        absent = [name for name, distance in zip(self.names, distances, strict=True) if not (distance < 0).any()]
        if absent:
            raise CellmlError(f"{block.name} holds no {' and no '.join(absent)}; choose a validation block that holds all compartments.")
        frames = [
            Volume(distance.numpy(), block.spacing, block.origin, name=name) for name, distance in zip(self.names, distances, strict=True)
        ]
        surfaces = [extract_surface(frame) for frame in frames]
        found = [surface_topology(surface.faces) for surface in surfaces]
        return {
            **super().whole(block),
            "distances": distances,
            "surfaces": [(torch.from_numpy(s.vertices), torch.from_numpy(s.faces)) for s in surfaces],
            "components": torch.tensor([t.components for t in found]),
            "genus": torch.tensor([t.components - t.euler // 2 for t in found]),
        }
