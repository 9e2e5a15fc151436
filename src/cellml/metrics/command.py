"""The verb `score`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError
from cellml.metrics.blocks import block_tables, whole_table
from cellml.metrics.confusion import ConfusionCounts
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cellml.metrics.streams import Comparison

KINDS = ("auto", "instance", "semantic", "membrane")
PROTOCOL = {
    "instance": "over voxels with truth > 0; prediction 0 counts as one ordinary segment",
    "semantic": "over all voxels; class 0 is background",
    "membrane": "section by section over pixels inside in the truth, predicted borders thinned (ISBI 2012)",
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
    ignore: int | None = None,
    threshold: float | Sequence[float] | None = None,
    output: str | Path | None = None,
) -> dict[str, Any]:
    """Score a prediction against the truth, whole volumes at once from slabs of bounded memory. Formulas: `docs/evaluation.md`.

    prediction, truth: label files of one shape and voxel size; mask: a file of the same shape, voxels that are not 0 are scored;
    spacing_nm: voxel size (z, y, x) where the files do not say; kind: "instance" (adapted Rand error, variation of information), "semantic"
    (Dice, IoU, precision, recall of each class), "membrane" (a probability of membrane in 0 … 1 against true membranes: V_rand, V_info) or
    "auto": what a file says, else semantic if the truth holds a single label > 0 or there is a threshold, else instance; region: [[z0, z1],
    [y0, y1], [x0, x1]], null for all of an axis; ignore: label of the truth that is not scored; threshold: the prediction is a probability,
    and voxels of at least this much are class 1 (or membrane); a list scores each, to choose one on validation data; output: a JSON file.

    Prints a table that states the protocol and returns the scores with it as plain containers; a ratio that is not defined is None.
    Raises CellmlError for files of other shape or voxel size, fractional labels, and truth without any labelled voxel.
    """
    if output is not None and Path(output).suffix != ".json":
        raise CellmlError(f"output={output}: scores are written as JSON; give a name that ends in .json.")
    from cellml.io import write_json
    from cellml.metrics.streams import open_comparison

    if kind not in KINDS:
        raise CellmlError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}.")
    with ExitStack() as stack:
        comparison = open_comparison(stack, prediction, truth, mask, spacing_nm=spacing_nm, region=region, ignore=ignore)
        result = _scored(comparison, kind, _thresholds(threshold, kind))
    result = _without_nan(result)
    if output is not None:
        write_json(output, result)
    _print(result, output)
    return result


def _thresholds(threshold: float | Sequence[float] | None, kind: str) -> Sequence[float | None]:
    """The thresholds to score at; [None] where the prediction holds labels."""
    if threshold is None and kind == "membrane":
        raise CellmlError(
            "A membrane map is scored at a threshold that was chosen on validation data: give it, as in threshold=0.5, or a list to choose "
            "from, as in threshold=[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9]."
        )
    if threshold is not None and kind == "instance":
        raise CellmlError("threshold makes one class of a probability; objects (kind=instance) are labels, so leave it out.")
    if isinstance(threshold, int | float):
        return [float(threshold)]
    if threshold is not None and not len(threshold):
        raise CellmlError("threshold=[] holds no threshold; give one number or several.")
    return [None] if threshold is None else [float(one) for one in threshold]


def _scored(comparison: Comparison, kind: str, thresholds: Sequence[float | None]) -> dict[str, Any]:
    """The result of one threshold (or none), with a list of all under `sweep` where there are several."""
    from cellml.metrics.membrane_stack import membrane_results

    if kind == "membrane":
        results = membrane_results(comparison, [one for one in thresholds if one is not None])
        key = "v_rand"
    else:
        results = [_overlaps(comparison, kind, threshold) for threshold in thresholds]
        key, kind = "mean_iou", str(results[0].pop("kind"))
    best = max(range(len(results)), key=lambda index: results[index][key]) if len(results) > 1 else 0
    frame = {
        "kind": kind,
        "protocol": PROTOCOL[kind],
        "prediction": comparison.specs[0],
        "truth": comparison.specs[1],
        "mask": comparison.specs[2] if len(comparison.specs) > 2 else None,
        "region": [[axis.start, axis.stop] for axis in comparison.part],
        "spacing_nm": [float(step) for step in comparison.spacing],
    }
    sweep = {"sweep": results, "chosen_by": f"largest {key}; for validation data only"} if len(results) > 1 else {}
    return {**frame, **results[best], **sweep}


def _overlaps(comparison: Comparison, kind: str, threshold: float | None) -> dict[str, Any]:
    table = whole_table(block_tables(comparison, threshold=threshold))
    _require_labelled(table, comparison.specs[1])
    said = [source.kind for source in comparison.sources[1::-1]]
    if kind == "auto":
        kind = "semantic" if threshold is not None else _decided(said, table)
    scores = asdict(partition_scores(table)) if kind == "instance" else _class_scores(table, comparison)
    return {"kind": kind, "threshold": threshold, "voxels": table.voxels, **scores}


def _require_labelled(table: ContingencyTable, truth: str) -> None:
    if table.labelled().voxels == 0:
        raise CellmlError(
            f"{truth} has no labelled voxel (truth > 0) among the {table.voxels} voxels counted, so there is nothing to score; check the "
            "array, the region and the mask."
        )


def _decided(said: Sequence[str | None], table: ContingencyTable) -> str:
    stated = next((kind for kind in said if kind is not None), None)
    if stated is not None:
        return stated
    return "semantic" if table.labelled().truth_sizes[0].size == 1 else "instance"


def _class_scores(table: ContingencyTable, comparison: Comparison) -> dict[str, Any]:
    largest = int(max(table.truth.max(), table.prediction.max()))
    if largest > LARGEST_CLASS:
        raise CellmlError(
            f"There is a label {largest}, but classes are numbered up to {LARGEST_CLASS}; if {comparison.specs[1]} holds objects, "
            "pass kind=instance."
        )
    names = comparison.sources[1].names or comparison.sources[0].names
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

    from cellml.metrics.tables import score_tables

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{result['prediction']} against {result['truth']}", markup=False)
    for table in score_tables(result):
        console.print(table)
    console.print(f"Scored {result['protocol']}.")
    if output is not None:
        console.print(f"Scores are in {output}", markup=False)
