"""The verb `score`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError
from cellml.metrics.confusion import ConfusionCounts
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("auto", "instance", "semantic")
PROTOCOL = {
    "instance": "over voxels with truth > 0; prediction 0 counts as one ordinary segment",
    "semantic": "over all voxels; class 0 is background",
}
LARGEST_CLASS = 255


def score_files(
    prediction: str | Path,
    truth: str | Path,
    *,
    mask: str | Path | None = None,
    spacing_nm: Sequence[float] | None = None,
    kind: str = "auto",
    region: Sequence[Sequence[int] | None] | None = None,
    output: str | Path | None = None,
) -> dict[str, Any]:
    """Score a predicted label file against a true one, whole volumes at once from slabs of bounded memory.

    prediction, truth: label files of one shape and voxel size; mask: a file of the same shape, voxels that are not 0 are scored;
    spacing_nm: voxel size (z, y, x) where the files do not say; kind: "instance" (adapted Rand error, variation of information), "semantic"
    (Dice, IoU, precision, recall of each class) or "auto": what a file says, else semantic if the truth holds a single label > 0, else
    instance; region: [[z0, z1], [y0, y1], [x0, x1]], null for all of an axis; output: a JSON file for the result.

    Prints a table that states the protocol and returns the scores with it as plain containers; a ratio that is not defined is None.
    Raises CellmlError for files of other shape or voxel size, fractional labels, and truth without any labelled voxel.
    """
    if output is not None and Path(output).suffix != ".json":
        raise CellmlError(f"output={output}: scores are written as JSON; give a name that ends in .json.")
    from cellml.io import write_json

    if kind not in KINDS:
        raise CellmlError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}.")
    table, frame = _counted(prediction, truth, mask, spacing_nm, region)
    labelled = table.labelled().voxels
    if labelled == 0:
        raise CellmlError(
            f"{truth} has no labelled voxel (truth > 0) among the {table.voxels} voxels counted, so there is nothing to score; check the "
            "array, the region and the mask."
        )
    names, said = frame.pop("names"), frame.pop("kinds")
    kind = _decided(said, table) if kind == "auto" else kind
    result = {"kind": kind, "protocol": PROTOCOL[kind], "prediction": str(prediction), "truth": str(truth), **frame, "voxels": table.voxels}
    result |= asdict(partition_scores(table)) if kind == "instance" else _class_scores(table, names, truth)
    result = _without_nan(result)
    if output is not None:
        write_json(output, result)
    _print(result, output)
    return result


def _counted(
    prediction: str | Path, truth: str | Path, mask: str | Path | None, spacing_nm: Sequence[float] | None, region: Any
) -> tuple[ContingencyTable, dict[str, Any]]:
    """The contingency table of the files, counted slab by slab, and their common frame."""
    from cellml.metrics.streams import common_frame, label_slabs, open_labels

    with ExitStack() as stack:
        specs = [prediction, truth] if mask is None else [prediction, truth, mask]
        sources = [stack.enter_context(open_labels(spec, spacing_nm)) for spec in specs]
        part = common_frame(specs, sources, region)
        table = ContingencyTable()
        for predicted, true, *kept in label_slabs(specs, sources, part):
            table = table.update(true, predicted, kept[0] if kept else None)
        frame = {
            "mask": None if mask is None else str(mask),
            "region": [[axis.start, axis.stop] for axis in part],
            "spacing_nm": [float(step) for step in sources[1].spacing],
            "names": sources[1].names or sources[0].names,
            "kinds": (sources[1].kind, sources[0].kind),
        }
    return table, frame


def _decided(said: Sequence[str | None], table: ContingencyTable) -> str:
    stated = next((kind for kind in said if kind is not None), None)
    if stated is not None:
        return stated
    return "semantic" if table.labelled().truth_sizes[0].size == 1 else "instance"


def _class_scores(table: ContingencyTable, names: Mapping[int, str], truth: str | Path) -> dict[str, Any]:
    largest = int(max(table.truth.max(), table.prediction.max()))
    if largest > LARGEST_CLASS:
        raise CellmlError(
            f"There is a label {largest}, but classes are numbered up to {LARGEST_CLASS}; if {truth} holds objects, pass kind=instance."
        )
    counts = ConfusionCounts.from_table(table)
    classes = [{"label": label, "name": names.get(label, str(label)), **asdict(score)} for label, score in enumerate(counts.scores())]
    present = [entry for entry in classes if entry["truth_voxels"] or entry["prediction_voxels"]]
    return {"voxels_scored": table.voxels, "mean_dice": counts.mean_dice(), "mean_iou": counts.mean_iou(), "classes": present}


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _print(result: Mapping[str, Any], output: str | Path | None) -> None:
    from rich.console import Console

    from cellml.metrics.tables import class_table, partition_table

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{result['prediction']} against {result['truth']}", markup=False)
    console.print(partition_table(result) if result["kind"] == "instance" else class_table(result))
    console.print(f"Scored {result['protocol']}.")
    if output is not None:
        console.print(f"Scores are in {output}", markup=False)
