"""The verbs `recipe` and `accept`: candidates by a classical recipe, and training labels from what a person accepted of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError


def recipe_file(
    recipe: str | Path,
    input: str | Path,
    output: str | Path,
    *,
    changes: Mapping[str, Any] | None = None,
    decisions: str | Path | None = None,
    spacing_nm: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Segment candidate objects by a recipe, and write a table in which each can be accepted or rejected.

    recipe: a YAML file of named steps, or the name of a shipped one; input: an image; output: a label file of the candidates; changes:
    other values of parameters, {step.parameter: value}; decisions: the table, None for the output's name with .csv; spacing_nm: (z, y, x)
    where the image does not say it. A table that exists is not replaced. Raises CellmlError where the recipe finds no object.
    """
    from cellml.annotation.candidates import candidate_table, decision_table
    from cellml.annotation.recipe import read_recipe, run_recipe
    from cellml.data.references import resolve
    from cellml.io import read_volume, write_labels, write_text

    steps = read_recipe(recipe, changes)
    table = Path(decisions) if decisions is not None else decision_table(output)
    if table.exists():
        raise CellmlError(f"{table} exists; decisions in it would be lost. Move it, or give decisions=FILE.")
    volume = read_volume(resolve(str(input), "image")[0], spacing_nm=spacing_nm)
    found = run_recipe(steps, volume)
    count = int(found.data.max())
    if not count:
        raise CellmlError(
            f"The recipe {recipe} found no object in {input}; look at its thresholds, as in changes={{STEP.PARAMETER: VALUE}}."
        )
    write_labels(found, output)
    write_text(table, candidate_table(found, volume))
    share = float((found.data > 0).mean())
    print(f"{output}: {count} candidates, {share:.1%} of the voxels. Write accept or reject into the column decision of {table}, then")
    print(f"  cellml accept candidates={output} decisions={table} output=training.tif")
    return {"output": str(output), "decisions": str(table), "candidates": count, "share": share}


def accept_file(
    candidates: str | Path,
    output: str | Path,
    *,
    decisions: str | Path | None = None,
    ignore: int = 255,
    rejected: str = "background",
    shell_nm: float = 0.0,
    onto: str | Path | None = None,
    spacing_nm: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Turn accepted candidates into training labels.

    candidates: their label file; output: the labels to train on; decisions: the table, None for the candidates' name with .csv; ignore: the
    mark of voxels about which nothing was decided; rejected: "background", or "ignore" to leave rejected candidates out; shell_nm:
    voxels within this distance of accepted objects are background; onto: earlier training labels to add to; spacing_nm: (z, y, x)
    where the files do not say it. Raises CellmlError as `training_labels` does.
    """
    from cellml.annotation.candidates import decision_table, read_decisions, training_labels
    from cellml.io import read_labels, write_labels

    if rejected not in ("background", "ignore"):
        raise CellmlError(f"rejected={rejected}: write background or ignore.")
    table = decisions if decisions is not None else decision_table(candidates)
    made = read_decisions(table)
    if not made:
        raise CellmlError(
            f"{table} decides nothing: its column decision is empty in every row, so that there is nothing to train on. "
            "Write accept or reject there for some candidates, in any spreadsheet program or in the window of cellml annotate."
        )
    labels = training_labels(
        read_labels(candidates, spacing_nm=spacing_nm),
        made,
        ignore=ignore,
        rejected_is_background=rejected == "background",
        shell_nm=shell_nm,
        onto=read_labels(onto, spacing_nm=spacing_nm) if onto is not None else None,
    )
    write_labels(labels, output)
    verdicts = [decision.verdict for decision in made.values()]
    numbers, counts = np.unique(labels.data, return_counts=True)
    voxels = {int(n): int(c) for n, c in zip(numbers, counts, strict=True) if n != ignore}
    print(f"{output}: {verdicts.count('accept')} accepted, {verdicts.count('reject')} rejected; voxels of each class: {voxels}.")
    print(f"  cellml train experiment=EXPERIMENT data.path=IMAGE data.labels={output} data.ignore={ignore}")
    return {"output": str(output), "accepted": verdicts.count("accept"), "rejected": verdicts.count("reject"), "voxels": voxels}
