"""A visible network trained from a table by the command, kept in one file, and explained."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cellml.checkpoint import load
from cellml.cli import main
from cellml.data.row_module import ShuffledRows
from cellml.data.table import read_columns, read_words
from cellml.data.table_module import TableDataModule
from cellml.errors import CellmlError
from cellml.tasks.visible import VisibleTask

HIERARCHY = "subsystems:\n  cell: [neck, pumps]\n  neck: [length, radius]\n  pumps: [density, turnover]\n"
NAMES = ["length", "radius", "density", "turnover"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 120 cells whose decay time is that of the neck, and noise: length / radius²; pumps have no say."""
    path = tmp_path_factory.mktemp("visible")
    rng = np.random.default_rng(0)
    x = np.exp(0.4 * rng.standard_normal((120, 4)))
    decay = np.log(x[:, 0] / x[:, 1] ** 2) + 0.1 * rng.standard_normal(120)
    with (path / "cells.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["animal", *NAMES, "decay"])
        writer.writerows([f"animal {n % 6}", *row, y] for n, (row, y) in enumerate(zip(x, decay, strict=True)))
    (path / "cells.yaml").write_text(HIERARCHY)
    words = ["trainer.enable_progress_bar=false", "training.max_steps=150", "task.net.outputs=1", f"hydra.run.dir={path}/run"]
    files = [f"table={path}/cells.csv", f"hierarchy={path}/cells.yaml", "outputs=[decay]", "data.group=animal"]
    assert main(["train", "experiment=interpret/spine_calcium", *files, *words]) == 0
    return path


def test_checkpoint_needs_no_hierarchy_file_and_predicts_held_out_animals(folder: Path) -> None:
    model = load(folder / "run" / "model.ckpt")
    assert isinstance(model.task, VisibleTask) and str(folder) not in str(model.record["config"]).split("task:")[1].split("trainer:")[0]
    assert model.task.net.hierarchy.children["neck"] == ("length", "radius")
    assert model.record["metrics"]["val/r2"] > 0.8
    x, y = read_columns(folder / "cells.csv", NAMES), read_columns(folder / "cells.csv", ["decay"])
    module = TableDataModule(folder / "cells.csv", str(folder / "cells.yaml"), ["decay"], group="animal")
    module.setup()
    told = model.task.validation_step(module.whole(module.validation_blocks[0]), 0)["outputs"]
    assert told.shape == (len(module.validation_blocks[0].outputs), 1) and x.shape == (120, 4) and y.shape == (120, 1)


def test_explain_finds_the_neck(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"checkpoint={folder}/run/model.ckpt", f"table={folder}/cells.csv", f"output={folder}/subsystems.csv"]
    assert main(["explain", *words]) == 0
    assert "neck" in capsys.readouterr().out
    with (folder / "subsystems.csv").open() as stream:
        rows = {row["subsystem"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["neck", "pumps", "cell"]
    assert float(rows["neck"]["ablation"]) > 0.5 > 10 * abs(float(rows["pumps"]["ablation"]))
    assert float(rows["neck"]["partial"]) > 0.5 and abs(float(rows["pumps"]["power"])) < 0.5


def test_explain_refuses_what_it_cannot_explain(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = [f"checkpoint={folder}/run/model.ckpt", f"table={folder}/cells.csv"]
    for words, said in (
        ([*good, "output=scores.txt"], "ends in .csv"),
        ([*good, "output=scores.csv", "folds=1"], "folds=1 must be at least 2"),
        ([good[0], f"table={folder}/cells.yaml", "output=scores.csv"], "no column 'length'"),
    ):
        assert main(["explain", *words]) == 2
        assert said in capsys.readouterr().err


def test_no_animal_is_on_both_sides_and_an_epoch_has_every_row_once(folder: Path) -> None:
    module = TableDataModule(folder / "cells.csv", str(folder / "cells.yaml"), ["decay"], group="animal", batch_size=20)
    module.setup()
    animals = read_words(folder / "cells.csv", "animal")
    x = read_columns(folder / "cells.csv", NAMES)
    held = {animals[int(np.flatnonzero((x == row).all(axis=1))[0])] for row in module.validation_blocks[0].inputs}
    learned = {animals[int(np.flatnonzero((x == row).all(axis=1))[0])] for row in module.training_blocks[0].inputs}
    assert held and not held & learned
    rows = ShuffledRows(module.training_blocks[0], seed=3)
    epochs = [{rows[e * len(rows) + n]["image"].numpy().tobytes() for n in range(len(rows))} for e in range(2)]
    assert len(epochs[0]) == len(rows) and epochs[0] == epochs[1]
    assert rows[0]["image"].tolist() != rows[len(rows)]["image"].tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n1,x\n", r"t\.csv:3: b is 'x', no finite number"),
        ("a,b\n1,2\n1\n", r"t\.csv:3: b is '', no finite number"),
        ("a,b\n1,nan\n", r"t\.csv:2: b is 'nan'"),
        ("a,bb\n1,2\n", r"no column 'b'; did you mean 'bb'"),
        ("a,b,b\n1,2,3\n", r"the column 'b' 2 times"),
        ("a,b\n", r"needs a header and at least one row"),
    ],
)
def test_bad_tables_are_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(CellmlError, match=said):
        read_columns(tmp_path / "t.csv", ["a", "b"])


def test_bad_splits_are_refused(folder: Path) -> None:
    for more, said in (
        ({"fold": 7}, "data.fold must be one of 0 to 4"),
        ({"batch_size": 500}, "96 rows of .* less than data.batch_size=500"),
    ):
        with pytest.raises(CellmlError, match=said):
            TableDataModule(folder / "cells.csv", str(folder / "cells.yaml"), ["decay"], **more).setup()
