"""The verb `models`: the reference checkpoints of a checkout, what each is for, and how to use it."""

from __future__ import annotations

import json as json_format
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.sharing.data_facts import data_facts
from cellml.sharing.purposes import answers_by_chance, command_of, purpose_of

# The score that tells most, the first that a checkpoint has; lower is better where the arrow points down.
_SCORES = (
    ("val/adapted_rand_error", "adapted Rand error ↓"),
    ("val/dice", "Dice ↑"),
    ("val/iou", "IoU ↑"),
    ("val/pearson", "Pearson r ↑"),
    ("val/psnr", "PSNR ↑"),
    ("val/assd", "ASSD ↓"),
    ("val/balanced_accuracy", "balanced accuracy ↑"),
    ("val/surface_nm", "surface error, nm ↓"),
    ("val/loss", "validation loss ↓"),
)


@dataclass(frozen=True)
class ModelRow:
    """One checkpoint. spacing_nm: (z, y, x), None for models of shapes and tables, which have no voxels of their own; metric: name of its
    validation score, "" where none was logged; megabytes: of the file.
    """

    checkpoint: str
    purpose: str
    task: str
    data: list[str]
    spacing_nm: list[float] | None
    metric: str
    value: float | None
    megabytes: float
    command: str


def list_models(folder: str | Path = "experiments", *, json: bool = False) -> list[dict[str, Any]]:
    """Print what checkpoints lie below a folder, as a table or as JSON; returns the rows.

    The folder is the checkout's experiments, where the reference checkpoints of the studies are, or any of yours. A file that is no
    checkpoint of cellml is named and left out. Raises FileError where the folder is not there or holds no checkpoint.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileError(f"There is no folder {root}; run it in the checkout of cellml, or name a folder with folder=…")
    paths = sorted(root.rglob("*.ckpt"))
    rows, refused = [], []
    for path in paths:
        try:
            rows.append(row_of(path))
        except FileError as error:
            refused.append(str(error))
    if not rows:
        raise FileError(f"{root} holds no checkpoint of cellml ({len(paths)} files end in .ckpt). {' '.join(refused[:3])}".rstrip())
    plain = [asdict(row) for row in rows]
    if json:
        print(json_format.dumps(plain, indent=2))
    else:
        _print_table(rows, root)
        for text in refused:
            print(f"Left out: {text}")
    return plain


def row_of(path: Path) -> ModelRow:
    """The row of one checkpoint, from its record alone. Raises FileError for other files."""
    from cellml.checkpoint import read

    record = read(path)["cellml"]
    metrics = record.get("metrics") or {}
    metric, value = score_of({"val/loss": metrics["val/loss"]} if answers_by_chance(record) and "val/loss" in metrics else metrics)
    spacing = [float(s) for s in record["contract"]["spacing_nm"]]
    shapes = "shape" in str(record["task"]).rpartition(".")[2].lower() or spacing == [1.0, 1.0, 1.0]
    return ModelRow(
        checkpoint=str(path),
        purpose=purpose_of(record),
        task=str(record["task"]),
        data=[one.name for one in data_facts(record)],
        spacing_nm=None if shapes else spacing,
        metric=metric,
        value=value,
        megabytes=round(path.stat().st_size / 1e6, 2),
        command=command_of(record, str(path)),
    )


def score_of(metrics: Mapping[str, float]) -> tuple[str, float | None]:
    """Name and value of the validation score that tells most, ("", None) where there is none."""
    for key, name in _SCORES:
        if key in metrics:
            return name, float(metrics[key])
    other = sorted(key for key in metrics if key.startswith("val/") and "/sim/" not in key)
    return (other[0].removeprefix("val/"), float(metrics[other[0]])) if other else ("", None)


def _print_table(rows: list[ModelRow], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("checkpoint", "for", "data", "nm (z, y, x)", "validation", "MB"):
        table.add_column(title, justify="right" if title == "MB" else "left", overflow="fold")
    for row in rows:
        spacing = "–" if row.spacing_nm is None else " × ".join(f"{s:g}" for s in row.spacing_nm)
        score = "–" if row.value is None else f"{row.metric} {row.value:.3g}"
        name = Path(row.checkpoint).relative_to(folder).as_posix()
        table.add_row(name, row.purpose, ", ".join(row.data), spacing, score, f"{row.megabytes:.1f}")
    console = Console(width=max(140, Console().width))
    console.print(table)
    console.print(f"\nTo use one (CHECKPOINT: {folder}/ and its name):\n", highlight=False)
    for purpose, command in {row.purpose: row.command.replace(row.checkpoint, "CHECKPOINT") for row in rows}.items():
        console.print(f"  {command}  # {purpose[0].lower()}{purpose[1:]}", highlight=False, soft_wrap=True)
