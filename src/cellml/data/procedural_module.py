"""Procedural cells as training data: images, distances, labels, points on the surfaces and the genus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cellml.data.block_module import BlockDataModule
from cellml.data.procedural_cells import CellKind, VoxelCell, draw_cell, three_numbers, voxelise
from cellml.data.procedural_images import MicroscopeLook, exact_surface, render, surface_points
from cellml.data.symmetry import Symmetry
from cellml.errors import CellmlError
from cellml.types import Surface, Triple

Answers = Callable[[VoxelCell], Tensor]

_POOL = 4  # times as many points are kept of each surface as a sample shows


class ProceduralBlock:
    """One cell with its image, made when first asked for and kept. kind, shape, spacing: as `draw_cell`; seeds: of cell and image."""

    channels, warning = 1, ""
    origin: Triple = (0.0, 0.0, 0.0)

    def __init__(
        self,
        kind: CellKind,
        shape: Sequence[int],
        spacing: Triple,
        seeds: Sequence[int],
        look: MicroscopeLook,
        points: int,
        answers: Answers | None = None,
    ) -> None:
        self.kind, self.shape, self.spacing, self.seeds = kind, shape, spacing, list(seeds)
        self.look, self.points, self.answers = look, points, answers
        self.name = f"{type(kind).__name__.lower()} {'-'.join(map(str, self.seeds))}"
        self._made: tuple[VoxelCell, list[Surface], dict[str, Tensor]] | None = None

    def content(self) -> tuple[VoxelCell, list[Surface], dict[str, Tensor]]:
        """The cell on its grid, its surfaces, and tensors: image (1, Z, Y, X), labels (Z, Y, X), distances (K, Z, Y, X) nm, points and
        normals (K, 4 · points, 3), genus (K,) and, where they are asked for, answers (O,).
        """
        if self._made is None:
            made = voxelise(draw_cell(self.kind, self.shape, self.spacing, seed=self.seeds), self.shape, self.spacing)
            rng = np.random.default_rng([*self.seeds, 1])
            image = render(made, rng, self.look)
            surfaces = [exact_surface(made, number) for number in range(len(made.distances))]
            clouds = [
                surface_points(surface, part.field, _POOL * self.points, rng)
                for surface, part in zip(surfaces, made.cell.compartments, strict=True)
            ]
            tensors = {
                "image": torch.from_numpy(image)[None],
                "labels": torch.from_numpy(made.labels.data.astype(np.int64)),
                "distances": torch.from_numpy(made.distances),
                "points": torch.from_numpy(np.stack([points for points, _ in clouds])).float(),
                "normals": torch.from_numpy(np.stack([normals for _, normals in clouds])).float(),
                "genus": torch.tensor(made.cell.genus),
            }
            if self.answers is not None:
                tensors["answers"] = self.answers(made)
            self._made = (made, surfaces, tensors)
        return self._made


class ProceduralSamples(Dataset[dict[str, Tensor]]):
    """Number `epoch * length + index` → a cell and `points` of its surface points, mirrored and turned where `turn` says so, all of it
    functions of the seed and that number.
    """

    def __init__(self, blocks: Sequence[ProceduralBlock], length: int, points: int, seed: int, turn: bool) -> None:
        self.blocks, self.length, self.points, self.seed, self.turn = list(blocks), length, points, seed, turn

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rounds, index = divmod(int(number), len(self.blocks))  # every cell once before any comes again
        order = np.random.default_rng([self.seed, 3, rounds]).permutation(len(self.blocks))
        block = self.blocks[int(order[index])]
        _, _, tensors = block.content()
        rng = np.random.default_rng([self.seed, 4, int(number)])
        rows = torch.from_numpy(rng.permutation(_POOL * self.points)[: self.points])
        sample = {**tensors, "points": tensors["points"][:, rows], "normals": tensors["normals"][:, rows]}
        if not self.turn:
            return sample
        as_seen = Symmetry.draw(rng, block.shape, block.spacing)
        volumes = {name: as_seen.apply(sample[name]) for name in ("image", "labels", "distances")}
        points = as_seen.of_points(sample["points"], block.shape, block.spacing)
        return {**sample, **volumes, "points": points, "normals": as_seen.of_vectors(sample["normals"])}


class ProceduralDataModule(BlockDataModule):
    """Cells made by formulas; training and validation cells stem from different seeds, so that no shape is in both.

    kinds: of `cellml.data.procedural_kinds`, all with the same compartments, taken in turn; shape: (Z, Y, X) voxels; spacing_nm: (z, y, x);
    train_cells, val_cells: how many; points: on each surface in a sample; look: of the images; val_kinds: of the validation cells, where
    they are others, as objects of another block are; turn: show training cells in all orientations that keep the grid; answers: what is
    simulated of each cell once, such as `cellml.data.procedural_answers`, which no orientation changes. A sample holds
    what `ProceduralBlock.content` says, with `points` points and normals; a validation block holds all of them, and "surfaces": vertices
    (V, 3) nm and faces (F, 3) of each compartment. Raises CellmlError for kinds that do not go together.
    """

    def __init__(
        self,
        kinds: Sequence[CellKind],
        shape: Sequence[int] = (48, 48, 48),
        spacing_nm: Sequence[float] = (12.0, 12.0, 12.0),
        train_cells: int = 32,
        val_cells: int = 4,
        points: int = 1000,
        look: MicroscopeLook | None = None,
        batch_size: int = 1,
        patches_per_epoch: int = 32,
        num_workers: int = 0,
        seed: int = 0,
        val_kinds: Sequence[CellKind] | None = None,
        turn: bool = True,
        answers: Answers | None = None,
    ) -> None:
        super().__init__(shape, batch_size, patches_per_epoch, "volume", num_workers, seed)
        if not kinds or train_cells < 1 or val_cells < 0 or points < 1:
            raise CellmlError(
                f"Procedural data need kinds, cells and points, got {len(kinds)} kinds, {train_cells} training and {val_cells} validation "
                f"cells and {points} points."
            )
        three_numbers(shape, "data.shape", "[48,48,48]")
        self.spacing = three_numbers(spacing_nm, "data.spacing_nm", "[12,12,12]")
        self.kinds, self.val_kinds = list(kinds), list(val_kinds or kinds)
        self.train_cells, self.val_cells = train_cells, val_cells
        self.points, self.look, self.turn, self.answers = points, look or MicroscopeLook(), turn, answers

    def setup(self, stage: str | None = None) -> None:
        """Number the cells; each is made when first asked for."""
        if self._train:
            return
        every = [*self.kinds, *self.val_kinds]
        found = {type(kind).__name__: draw_cell(kind, self.patch, self.spacing, seed=0).names for kind in every}
        if len(set(found.values())) > 1:
            raise CellmlError(f"The kinds of one data set must have the same compartments, got {found}; train one task for each.")
        self.names = next(iter(found.values()))
        self._train = [self._block(self.kinds, 1, number) for number in range(self.train_cells)]
        self._val = [self._block(self.val_kinds, 2, number) for number in range(self.val_cells)]

    def _block(self, kinds: Sequence[CellKind], split: int, number: int) -> ProceduralBlock:
        kind = kinds[number % len(kinds)]
        return ProceduralBlock(kind, self.patch, self.spacing, [self.seed, split, number], self.look, self.points, self.answers)

    @property
    def contract(self) -> dict[str, Any]:
        """As for labels, and the names of the compartments."""
        return {**super().contract, "compartments": list(self.names)}

    def patches(self) -> Dataset[Any]:
        """The samples of an epoch."""
        return ProceduralSamples(self._train, self.patches_per_epoch, self.points, self.seed, self.turn)

    def whole(self, block: ProceduralBlock) -> dict[str, Any]:
        """A validation cell."""
        _, surfaces, tensors = block.content()
        return {**tensors, "surfaces": [(torch.from_numpy(s.vertices), torch.from_numpy(s.faces)) for s in surfaces]}
