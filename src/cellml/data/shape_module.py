"""Populations of shapes as training data, split so that no group (image stack, block, cell) is on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from cellml.data.block_module import BlockDataModule
from cellml.data.labelled_mesh import folds_by_group
from cellml.data.shape_arrays import ShapeArrays
from cellml.errors import CellmlError
from cellml.types import Triple

if TYPE_CHECKING:
    from cellml.shapes.population import Population

Augmentation = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class ShapeBlock:
    """One shape where the loaders expect a block. values: (C, …) float32; unit: nm of one; label: number of its class, −1 unknown; frame:
    (F,) numbers of the frame that it lies in; group: what it must not be split from; number: of the group, for losses over groups.
    """

    name: str
    values: NDArray[np.float32]
    unit: float
    label: int
    frame: NDArray[np.float64]
    warning: str = ""
    spacing: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)
    group: str = ""
    number: int = 0

    @property
    def channels(self) -> int:
        """C of the values."""
        return len(self.values)

    def sample(self) -> dict[str, Tensor]:
        """What a batch holds of it: "image": (C, …) float32, "unit": () float32 nm, "label" and "group": () int64, "frame": (F,)."""
        return {
            "image": torch.from_numpy(np.ascontiguousarray(self.values)),
            "unit": torch.tensor(self.unit, dtype=torch.float32),
            "label": torch.tensor(self.label),
            "group": torch.tensor(self.number),
            "frame": torch.from_numpy(np.asarray(self.frame, np.float32)),
        }


class ShapeSamples(Dataset[dict[str, Tensor]]):
    """Number `epoch * length + index` → a shape drawn and augmented by random numbers of its own."""

    def __init__(self, blocks: Sequence[ShapeBlock], length: int, seed: int, augmentations: Sequence[Augmentation]) -> None:
        self.blocks, self.length, self.seed, self.augmentations = list(blocks), length, seed, list(augmentations)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, int(number)])
        block = self.blocks[int(rng.integers(len(self.blocks)))]
        values = block.values
        for augmentation in self.augmentations:
            values = augmentation(values, rng)
        return {**block.sample(), "image": torch.from_numpy(np.ascontiguousarray(values, np.float32))}


class ShapeDataModule(BlockDataModule):
    """A population as arrays, cross-validated by group.

    source: what `cellml.shapes.reading.read_population` reads (a folder, a label volume, "spines", "urocell"), or a function that gives a
    Population; representation: such as `cellml.data.shape_arrays.GridRepresentation`; unit, group_pattern: as there, of surface files;
    fold, folds: fold `fold` of `folds` is for validation, by `folds_by_group`; None: all shapes train; held_out: groups that are for
    validation, by name, in the place of a fold: a fold depends on how many shapes each group has, so that one shape that is read or not
    moves whole groups across; left_out: groups that are neither trained on nor validated; count: train on so many shapes only, drawn by the
    seed; classes: names, in the order of the labels (shapes of other classes have the label −1); augmentations: functions (values, rng) →
    values. A batch is {"image": (B, C, …), "unit": (B,) nm, "label": (B,), "group": (B,), "frame": (B, F)}.
    Raises CellmlError for a fold or held-out group that there is not, and a population too small to split.
    """

    def __init__(
        self,
        source: str | Callable[[], Population],
        representation: Any,
        unit: str | None = None,
        group_pattern: str | None = None,
        fold: int | None = 0,
        folds: int = 5,
        held_out: Sequence[str] = (),
        left_out: Sequence[str] = (),
        count: int | None = None,
        classes: Sequence[str] = (),
        augmentations: Sequence[Augmentation] = (),
        batch_size: int = 16,
        patches_per_epoch: int = 240,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__((1, 1, 1), batch_size, patches_per_epoch, "none", num_workers, seed)
        if folds < 2 or (fold is not None and not 0 <= fold < folds):
            raise CellmlError(f"data.fold must be one of 0 to {folds - 1}, or null to train on all shapes; it is {fold}.")
        self.source, self.representation, self.fold, self.folds = source, representation, fold, folds
        self.unit, self.group_pattern = unit, group_pattern
        self.held_out = [str(name) for name in held_out]
        self.left_out, self.count, self.classes, self.augmentations = {str(name) for name in left_out}, count, list(classes), augmentations
        self._said: list[str] = []
        self._left_out: list[tuple[str, str]] = []
        self._numbers: dict[str, int] = {}

    def setup(self, stage: str | None = None) -> None:
        """Read the population, split it, and turn it into arrays."""
        if self._train:
            return
        whole = self._read()
        self._numbers = {group: n for n, group in enumerate(sorted(set(whole.groups)))}
        kept = [n for n, group in enumerate(whole.groups) if group not in self.left_out]
        population = whole.select(kept)
        held = self._held_out(population)
        train = np.flatnonzero(~held)
        if self.count is not None:
            train = self._drawn(train)
        if len(train) < 2:
            raise CellmlError(f"{len(train)} shapes are left to learn from, of {len(whole)}; a shape model needs two, better fifty.")
        self._train = self._blocks(population.select(train))
        if hasattr(self.representation, "onto"):  # shapes that come later get no say in what corresponds to what
            self.representation = self.representation.onto(np.mean([block.values for block in self._train], axis=0))
        self._val = self._blocks(population.select(np.flatnonzero(held))) if held.any() else []
        left_out = (*whole.excluded, *self._left_out)
        self._said = [*self._warnings_of(population.select(train)), *(f"{name} was left out: {why}" for name, why in left_out)]

    def _read(self) -> Population:
        if callable(self.source):
            return self.source()
        from cellml.shapes.reading import read_population

        return read_population(self.source, unit=self.unit, group_pattern=self.group_pattern)

    def _held_out(self, population: Population) -> NDArray[np.bool_]:
        if self.held_out:
            unknown = sorted(set(self.held_out) - set(population.groups))
            if unknown:
                raise CellmlError(f"data.held_out names {unknown}, and the population has the groups {sorted(set(population.groups))}.")
            return np.isin(population.groups, self.held_out)
        if self.fold is None:
            return np.zeros(len(population), bool)
        return np.asarray(folds_by_group(list(population.groups), self.folds) == self.fold)

    def _drawn(self, train: NDArray[np.int64]) -> NDArray[np.int64]:
        if not 2 <= (self.count or 0) <= len(train):
            raise CellmlError(f"data.count is {self.count}, and there are {len(train)} training shapes; take 2 to {len(train)}.")
        return np.sort(np.random.default_rng([self.seed, 7]).permutation(train)[: self.count])

    def _blocks(self, population: Population) -> list[ShapeBlock]:
        arrays: ShapeArrays = getattr(self.representation, "learnable", self.representation.of)(population)
        without = {name for name, _ in arrays.left_out}
        population = population.select([n for n, name in enumerate(population.names) if name not in without])
        self._left_out += arrays.left_out
        numbers = {name: n for n, name in enumerate(self.classes)}
        columns = zip(population.names, arrays.values, arrays.units, population.classes, arrays.frames, population.groups, strict=True)
        return [
            ShapeBlock(name, values, float(unit), numbers.get(kind, -1), frame, group=group, number=self._numbers[group])
            for name, values, unit, kind, frame, group in columns
        ]

    def _warnings_of(self, population: Population) -> list[str]:
        found = Counter(population.classes)
        return [
            f"Of class {name!r} there is {found[name]} shape to train on; what is learned of it is that shape."
            for name in self.classes
            if found[name] == 1
        ]

    def require_classes(self, classes: Sequence[str]) -> None:
        """Raise CellmlError where the task's classes are not the data's, or one of them has no training shape."""
        if list(classes) != self.classes:
            raise CellmlError(f"The task has the classes {list(classes)} and the data {self.classes}; set data.classes to the task's.")
        found = {block.label for block in self._train}
        missing = [name for n, name in enumerate(self.classes) if n not in found]
        if missing:
            raise CellmlError(f"No training shape is of class {', '.join(missing)}; leave it out of data.classes and task.target.classes.")

    @property
    def warnings(self) -> list[str]:
        """Shapes that were left out, with the reason, and classes with a single member."""
        return self._said

    @property
    def training_blocks(self) -> list[ShapeBlock]:
        """The shapes to learn from."""
        return self._train

    @property
    def validation_blocks(self) -> list[ShapeBlock]:
        """The shapes of the held-out groups."""
        return self._val

    def patches(self) -> Dataset[Any]:
        """The samples of an epoch."""
        return ShapeSamples(self._train, self.patches_per_epoch, self.seed, self.augmentations)

    def whole(self, block: ShapeBlock) -> dict[str, Any]:
        """A validation shape."""
        return dict(block.sample())
