"""Labelled meshes as training data, split so that no group (image stack, seed) is on both sides."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from cellml.data.block_module import BlockDataModule
from cellml.data.labelled_mesh import LabelledMesh, collate_meshes, folds_by_group, mesh_sample, prepared
from cellml.data.procedural_cells import draw_cell, voxelise
from cellml.data.procedural_kinds import Spine
from cellml.data.spine_meshes import read_spines
from cellml.errors import CellmlError
from cellml.surfaces.extraction import marching_tetrahedra
from cellml.types import Surface, Triple

log = logging.getLogger(__name__)

_EVERY_S = 10.0  # between two lines on how far the preparation is


@dataclass(frozen=True)
class SpineToolSpines:
    """The SpineTool spines with expert classes. classes: names, in the order of the labels."""

    classes: Sequence[str] = ("Mushroom", "Thin", "Stubby")

    def __call__(self) -> list[LabelledMesh]:
        """Read them from $CELLML_DATA."""
        return read_spines(self.classes)


@dataclass(frozen=True)
class ProceduralSpines:
    """Spines made by formulas, each a group of its own, whose parts are known: 0 base, 1 neck, 2 head.

    count: how many; seed; voxels: along each side of the grid that the surface is taken from.
    """

    count: int = 40
    seed: int = 0
    voxels: int = 40

    def __call__(self) -> list[LabelledMesh]:
        """Make them, in a box of 1000 nm."""
        return [self._one(number) for number in range(self.count)]

    def _one(self, number: int) -> LabelledMesh:
        shape, spacing = (self.voxels,) * 3, (1000 / self.voxels,) * 3
        cell = draw_cell(Spine(), shape, spacing, seed=[self.seed, number])
        made = voxelise(cell, shape, spacing)
        vertices, faces = marching_tetrahedra(made.distances.min(axis=0).astype(float), spacing, (0.0, 0.0, 0.0))

        def parts(points: Any) -> Any:
            return cell.distances(points).argmin(axis=0)

        return LabelledMesh(Surface(vertices, faces, "spine"), 0, str(number), f"spine {self.seed}-{number}", parts)


@dataclass(frozen=True, eq=False)
class _MeshBlock:
    """A mesh where the loaders expect a block."""

    mesh: LabelledMesh
    channels: int = 6
    warning: str = ""
    spacing: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)

    @property
    def name(self) -> str:
        return self.mesh.name


class MeshSamples(Dataset[dict[str, Tensor]]):
    """Number `epoch * length + index` → a mesh, each label as often as the others, turned and sampled by random numbers of its own.

    form: `align` and `sized` of `mesh_sample`.
    """

    def __init__(self, blocks: Sequence[Any], length: int, points: int, seed: int, **form: bool) -> None:
        self.form = form
        self.blocks, self.length, self.points, self.seed = list(blocks), length, points, seed
        labels = np.array([block.mesh.label for block in blocks])
        self.by_label = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, int(number)])
        among = self.by_label[int(number) % len(self.by_label)]
        return mesh_sample(self.blocks[int(rng.choice(among))].mesh, rng, self.points, turn=True, **self.form)


class MeshDataModule(BlockDataModule):
    """Meshes of a source, cross-validated by group.

    source: gives the labelled meshes, such as `SpineToolSpines`; fold, folds: fold `fold` of `folds` is for validation, by
    `folds_by_group`; faces: of the simplified meshes; points: of the clouds; align: principal axes become x, y and z, which
    replaces random turns by half turns; sized: clouds have the logarithm of the size as a seventh channel. Raises CellmlError for a fold
    that there is not.
    """

    def __init__(
        self,
        source: Callable[[], list[LabelledMesh]],
        fold: int = 0,
        folds: int = 5,
        faces: int = 500,
        points: int = 512,
        align: bool = False,
        sized: bool = False,
        batch_size: int = 12,
        patches_per_epoch: int = 240,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__((1, 1, 1), batch_size, patches_per_epoch, "unit size", num_workers, seed)
        if not 0 <= fold < folds or faces < 20 or points < 1:
            raise CellmlError(
                f"data.fold must be one of 0 to {folds - 1}, with 20 faces or more and points, not {fold}, {faces}, {points}."
            )
        self.source, self.fold, self.folds, self.faces, self.points = source, fold, folds, faces, points
        self.align, self.form = align, {"align": align, "sized": sized}

    def setup(self, stage: str | None = None) -> None:
        """Read, repair and simplify the meshes, and split them."""
        if self._train:
            return
        log.info("Reading the meshes of %s", type(self.source).__name__)
        meshes = self.source()
        chosen = folds_by_group([mesh.group for mesh in meshes], self.folds)
        blocks = [_MeshBlock(mesh, 6 + self.form["sized"]) for mesh in self._prepared(meshes)]
        self._train = [block for block, fold in zip(blocks, chosen, strict=True) if fold != self.fold]
        self._val = [block for block, fold in zip(blocks, chosen, strict=True) if fold == self.fold]

    def _prepared(self, meshes: Sequence[LabelledMesh]) -> list[LabelledMesh]:
        """Meshes as `prepared`, with a line in the log from time to time."""
        log.info("Repairing %d meshes where they need it, and simplifying them to about %d faces", len(meshes), self.faces)
        done, told = [], time.monotonic()
        for mesh in meshes:
            done.append(prepared(mesh, self.faces, align=self.align))
            if time.monotonic() - told >= _EVERY_S:
                told = time.monotonic()
                log.info("%d of %d meshes are ready", len(done), len(meshes))
        log.info("All %d meshes are ready", len(meshes))
        return done

    def patches(self) -> Dataset[Any]:
        """The samples of an epoch."""
        return MeshSamples(self._train, self.patches_per_epoch, self.points, self.seed, **self.form)

    @staticmethod
    def collate(samples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch of meshes, which have different numbers of vertices."""
        return collate_meshes(samples)

    def whole(self, block: _MeshBlock) -> dict[str, Any]:
        """A validation mesh as it lies, its cloud the same at each validation."""
        return dict(
            mesh_sample(block.mesh, np.random.default_rng([self.seed, 5, self._val.index(block)]), self.points, turn=False, **self.form)
        )
