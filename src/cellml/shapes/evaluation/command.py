"""The verb `compare`: generated shapes against a population of real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from rich.table import Table

    from cellml.types import Surface


def compare_files(
    generated: str | Path,
    real: str | Path,
    *,
    train: str | Path | None = None,
    unit: str | None = None,
    count: int = 100,
    condition: str = "",
    shells: int = 8,
    degree: int = 8,
    draws: int = 300,
    seed: int = 0,
    output: str | Path | None = None,
) -> dict[str, Any]:
    """Judge generated shapes beside real ones, print tables that state the protocol, and return the scores as plain containers.

    generated: a checkpoint of a shape model (.ckpt), of which `count` shapes are drawn under `condition`, or a population as
    `read_population` reads it (a folder of surfaces, labels, …); real: a population, best one that the model has not seen; train: what the
    model learned from, for the memoriser and to tell copies; unit: of the surface files; shells, degree: of the harmonic descriptors;
    draws: of the resampling; output: a JSON file for the scores. Raises CellmlError for fewer than ten shapes on either side.
    """
    if output is not None and Path(output).suffix != ".json":
        raise CellmlError(f"output={output}: scores are written as JSON; give a name that ends in .json.")
    from rich.console import Console

    from cellml.io import write_json
    from cellml.shapes.evaluation.judgement import Protocol, judge_shapes
    from cellml.shapes.reading import read_population

    known, learned = read_population(real, unit=unit), None if train is None else read_population(train, unit=unit)
    surfaces = _generated(generated, unit, count, condition, seed)
    if len(surfaces) < 10:
        raise CellmlError(f"{generated} gives {len(surfaces)} shapes; ten or more are needed to compare distributions.")
    result: dict[str, Any] = {"generated": str(generated), "real": str(real), "train": None if train is None else str(train)}
    result |= judge_shapes(surfaces, known, learned, Protocol(shells, degree, draws, seed=seed))
    if output is not None:
        write_json(output, result)
    console = Console(highlight=False, soft_wrap=True)
    console.print(_two_sample_table(result), _descriptor_table(result), f"Compared {result['protocol']}.", sep="\n")
    if "copied_share" in result:
        console.print(
            f"{100 * result['copied_share']:.0f} % of the generated shapes are nearer to a training shape than these are to each other."
        )
    if output is not None:
        console.print(f"Scores are in {output}", markup=False)
    return result


def _generated(generated: str | Path, unit: str | None, count: int, condition: str, seed: int) -> Sequence[Surface]:
    if Path(generated).suffix != ".ckpt":
        from cellml.shapes.reading import read_population

        return read_population(generated, unit=unit).surfaces
    from cellml.checkpoint import load
    from cellml.shapes.model import ShapeModel

    task = load(generated).task
    if not isinstance(task, ShapeModel):
        raise CellmlError(f"{generated} is no model of shapes ({type(task).__name__}): it cannot draw new ones.")
    return list(task.decode(task.sample(count, seed, condition)))


def _two_sample_table(result: dict[str, Any]) -> Table:
    from rich.table import Table

    table = Table("shapes", "descriptors", "1-NN accuracy", "p", "coverage", "matching distance", "kernel MMD²", title="told apart?")
    for name, scores in {"generated": result, **result.get("controls", {})}.items():
        for kind in ("harmonic", "geometric"):
            one, test = scores[kind], scores[kind]["one_nearest"]
            accuracy = f"{test['accuracy']:.3f} ({test['low']:.3f} to {test['high']:.3f})"
            numbers = (f"{one['coverage']:.3f}", f"{one['minimum_matching_distance']:.3f}", f"{one['kernel_mmd2']:.4f}")
            table.add_row(name, kind, accuracy, f"{test['p_value']:.3f}", *numbers)
    return table


def _descriptor_table(result: dict[str, Any]) -> Table:
    from rich.table import Table

    table = Table("descriptor", "distance, s.d.", "interval", "splits of real shapes, 95 %", "within", title="Wasserstein distances")
    for name, one in result["descriptors"].items():
        interval = f"{one['low']:.3f} to {one['high']:.3f}"
        table.add_row(name, f"{one['value']:.3f}", interval, f"{one['splits']:.3f}", "yes" if one["within"] else "no")
    return table
