"""The verb `explain`: what each subsystem of a visible network is worth."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from rich.table import Table

    from cellml.interpret.scores import SubsystemScore

COLUMNS = ("subsystem", "output", "rlipp", "power", "power_of_parts", "ablation", "partial")


def explain_file(
    checkpoint: str | Path, table: str | Path, output: str | Path, *, folds: int = 5, repeats: int = 5, seed: int = 0
) -> list[SubsystemScore]:
    """Score the subsystems of a trained visible network on a table, print them and write a CSV with a row for each subsystem and output.

    checkpoint: of a `VisibleTask`; table: CSV with the columns of its descriptors and outputs; output: a name that ends in .csv; folds,
    repeats, seed: see `cellml.interpret.scores`. Raises CellmlError for a model of another kind and fewer than three rows a fold, FileError
    for files that cannot be read.
    """
    if Path(output).suffix != ".csv":
        raise CellmlError(f"output={output}: scores are written as a table; give a name that ends in .csv.")
    if folds < 2 or repeats < 1:
        raise CellmlError(f"folds={folds} must be at least 2 and repeats={repeats} at least 1.")
    from rich.console import Console

    from cellml.checkpoint import load
    from cellml.data.table import read_columns
    from cellml.interpret.scores import score_subsystems
    from cellml.io.atomic import write_text
    from cellml.tasks.visible import VisibleTask

    task = load(checkpoint).task
    if not isinstance(task, VisibleTask):
        raise CellmlError(f"{checkpoint} is a {type(task).__name__}; a visible network has subsystems to explain (experiment=interpret/…).")
    named = (task.net.hierarchy.descriptors, task.target.outputs)
    descriptors, outputs = (read_columns(table, names).astype("float64") for names in named)
    task.net.require_values(descriptors, str(table))
    scores = score_subsystems(task.net, descriptors, outputs, task.target.outputs, folds=folds, repeats=repeats, seed=seed)
    write_text(output, _csv(scores))
    console = Console(highlight=False, soft_wrap=True)
    console.print(scores_table(scores))
    console.print(
        f"Means over {len(task.target.outputs)} outputs on {len(descriptors)} rows. Rows that the network was trained on flatter power and "
        f"RLIPP. All numbers are in {output}",
        markup=False,
    )
    return scores


def scores_table(scores: Sequence[SubsystemScore]) -> Table:
    """Means over the outputs, the subsystem that the answer needs most first."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("subsystem", "RLIPP", "power", "of its parts", "ablation", "partial", box=SIMPLE_HEAD, pad_edge=False)
    names = dict.fromkeys(score.subsystem for score in scores)
    means = {
        name: [
            sum(getattr(score, key) for score in scores if score.subsystem == name) / sum(score.subsystem == name for score in scores)
            for key in ("rlipp", "power", "power_of_parts", "ablation", "partial")
        ]
        for name in names
    }
    for name in sorted(names, key=lambda name: -means[name][3]):
        table.add_row(name, *(f"{value:.3f}" for value in means[name]))
    return table


def _csv(scores: Sequence[SubsystemScore]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for score in scores:
        writer.writerow([score.subsystem, score.output, *(f"{getattr(score, key):.6g}" for key in COLUMNS[2:])])
    return stream.getvalue()
