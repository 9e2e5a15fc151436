"""Shapes as training data: splits by group, samples as functions of their number, messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.shape_arrays import GridRepresentation, ShapeArrays
from cellml.data.shape_module import ShapeDataModule
from cellml.errors import CellmlError
from cellml.nets.mesh_template import icosphere
from cellml.types import Surface


@dataclass(frozen=True, eq=False)
class Bodies:
    """A population, as far as the data module asks."""

    names: tuple[str, ...]
    surfaces: tuple[Surface, ...]
    groups: tuple[str, ...]
    classes: tuple[str, ...]
    excluded: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def select(self, indices: Any) -> Bodies:
        parts = ([getattr(self, name)[i] for i in indices] for name in ("names", "surfaces", "groups", "classes"))
        return Bodies(*(tuple(part) for part in parts))


def bodies(count: int = 8, groups: int = 4) -> Bodies:
    sphere = icosphere(2)
    unit, faces = 100 * sphere.vertices.double().numpy(), sphere.faces.numpy()
    surfaces = tuple(Surface(unit * [1, 1, 0.5 + 0.1 * n], faces, f"body {n}") for n in range(count))
    kinds = tuple("flat" if n < count // 2 else "round" for n in range(count))
    return Bodies(tuple(s.name for s in surfaces), surfaces, tuple(str(n % groups) for n in range(count)), kinds, (("torn", "it is open"),))


def module(**more: Any) -> ShapeDataModule:
    settings = {"source": bodies, "representation": GridRepresentation((12, 12, 12)), "folds": 4, "batch_size": 4, "patches_per_epoch": 8}
    return ShapeDataModule(**{**settings, **more})  # type: ignore[arg-type]


def test_no_group_is_on_both_sides_and_all_shapes_are_somewhere() -> None:
    seen = []
    for fold in range(4):
        data = module(fold=fold)
        data.setup()
        train, held = ({block.name for block in blocks} for blocks in (data.training_blocks, data.validation_blocks))
        assert len(train) == 6
        assert not train & held
        seen += sorted(held)
    assert sorted(seen) == sorted(bodies().names)


def test_left_out_groups_and_counts() -> None:
    data = module(left_out=["0"], folds=3, count=3)
    data.setup()
    names = [block.name for block in [*data.training_blocks, *data.validation_blocks]]
    assert len(data.training_blocks) == 3
    assert not {"body 0", "body 4"} & set(names)
    whole = module(fold=None)
    whole.setup()
    assert (len(whole.training_blocks), len(whole.validation_blocks)) == (8, 0)


def test_batches_hold_grids_units_and_labels() -> None:
    data = module(classes=["round"])
    data.setup()
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (4, 1, 12, 12, 12)
    assert batch["image"].dtype == torch.float32
    assert set(batch["label"].tolist()) <= {-1, 0}
    assert all(min(abs(unit - long / 5) for long in (200, 220, 240)) < 1e-3 for unit in batch["unit"].tolist())
    one = next(iter(data.val_dataloader()))
    assert one["image"].shape == (1, 12, 12, 12)
    assert one["name"].startswith("body")
    assert data.warnings == ["torn was left out: it is open"]
    assert data.contract["channels"] == 1


def test_a_sample_is_a_function_of_its_number() -> None:
    def noise(values: Any, rng: np.random.Generator) -> Any:
        return values + rng.normal(size=values.shape)

    first, second = module(augmentations=[noise]), module(augmentations=[noise])
    for data in (first, second):
        data.setup()
    torch.testing.assert_close(first.patches()[5]["image"], second.patches()[5]["image"], rtol=0, atol=0)
    assert not torch.equal(first.patches()[5]["image"], first.patches()[13]["image"])


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(CellmlError, match=r"0 to 3.*it is 4"):
        module(fold=4)
    with pytest.raises(CellmlError, match="cannot be split into 4 folds; set data.folds"):
        module(source=lambda: bodies(3, 3)).setup()
    with pytest.raises(CellmlError, match=r"count is 9.*6 training"):
        module(count=9).setup()
    with pytest.raises(CellmlError, match="1 shapes are left"):
        module(source=lambda: bodies(1), fold=None).setup()
    with pytest.raises(CellmlError, match="not finite"):
        ShapeArrays(np.full((2, 1), np.nan, np.float32), np.ones(2), np.zeros((2, 0)))


def test_classes_are_those_of_the_task_and_lonely_ones_are_told() -> None:
    data = module(classes=["flat", "round"], source=lambda: bodies(8, 8), folds=8, fold=7, left_out=["4", "5"])
    with pytest.raises(CellmlError, match="8 folds"):
        data.setup()
    data = module(classes=["flat", "round"], fold=None, left_out=["1", "2", "3"], source=lambda: bodies(8, 8))
    data.left_out |= {"5", "6", "7"}
    data.setup()
    assert [warning.split(";")[0] for warning in data.warnings[:2]] == [
        f"Of class {name!r} there is 1 shape to train on" for name in ("flat", "round")
    ]
    data.require_classes(["flat", "round"])
    with pytest.raises(CellmlError, match="set data.classes"):
        data.require_classes(["flat"])
    spiny = module(classes=["spiny"])
    spiny.setup()
    with pytest.raises(CellmlError, match="No training shape is of class spiny"):
        spiny.require_classes(["spiny"])


def test_held_out_groups_stay_where_they_are_whatever_else_is_read() -> None:
    data = module(held_out=["1", "2"], fold=None)
    data.setup()
    assert [block.name for block in data.validation_blocks] == ["body 1", "body 2", "body 5", "body 6"]
    assert {block.group for block in data.training_blocks} == {"0", "3"}
    fewer = module(held_out=["1", "2"], fold=None, source=lambda: bodies().select([1, 2, 3, 4, 7]))
    fewer.setup()
    assert [block.name for block in fewer.validation_blocks] == ["body 1", "body 2"]
    with pytest.raises(CellmlError, match=r"held_out names \['9'\].*'0', '1', '2', '3'"):
        module(held_out=["9"]).setup()
