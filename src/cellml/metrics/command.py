"""The verb `score`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError
from cellml.metrics.request import Request, thresholds_of

if TYPE_CHECKING:
    from cellml.metrics.streams import Comparison

PROTOCOL = {
    "instance": "over voxels with truth > 0; prediction 0 counts as one ordinary segment",
    "semantic": "over all voxels; class 0 is background",
    "membrane": "section by section over pixels inside in the truth, predicted borders thinned (ISBI 2012)",
}


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
    channel: int | str | None = None,
    border_nm: float | None = None,
    confidences: str | Path | None = None,
    surfaces: bool = False,
    tolerance_nm: float | None = None,
    topology: bool = False,
    clefts: bool = False,
    bootstrap: int = 0,
    block_nm: float | Sequence[float] = 500.0,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    allow_overlap: bool = False,
    output: str | Path | None = None,
) -> dict[str, Any]:
    """Score a prediction against the truth, whole volumes at once from slabs of bounded memory. Formulas: `docs/evaluation.md`.

    prediction, truth: label files of one shape and voxel size; mask: a file of the same shape, voxels that are not 0 are scored;
    spacing_nm: voxel size (z, y, x) where the files do not say; kind: "instance" (adapted Rand error, variation of information, objects
    found), "semantic" (Dice, IoU, precision, recall of each class), "membrane" (a probability of membrane in 0 … 1 against true membranes:
    V_rand, V_info) or "auto": what a file says, else semantic if the truth holds a single label > 0 or there is a threshold, else instance;
    region: [[z0, z1], [y0, y1], [x0, x1]], null for all of an axis; ignore: label of the truth that is not scored; threshold: the
    prediction is a probability, and voxels of at least this much are class 1 (or membrane); a list scores each, to choose one on validation
    data; channel: number or name of the prediction's channel; border_nm: leave out voxels this close to a true border in their section
    (CREMI); confidences: CSV file of label and confidence.

    surfaces: distances between surfaces, of classes or matched objects, with `tolerance_nm` for the surface Dice (None: the longest edge of
    a voxel); topology: Betti numbers; clefts: CREMI's cleft distances; bootstrap: number of resamples of blocks of `block_nm` (one length
    or three) for 95 % intervals of the overlap scores, drawn with `seed`; checkpoint: the model that predicted: scores on its training
    blocks are refused unless `allow_overlap`; output: a JSON file for the result.

    Prints tables that state the protocol and returns the scores with it as plain containers; a number that is not defined is None.
    Raises CellmlError for files of other shape or voxel size, fractional labels, and truth without any labelled voxel.
    """
    if output is not None and Path(output).suffix != ".json":
        raise CellmlError(f"output={output}: scores are written as JSON; give a name that ends in .json.")
    from cellml.io import write_json
    from cellml.metrics.bootstrap import Bootstrap
    from cellml.metrics.splits import check_split, require_held_out
    from cellml.metrics.streams import open_comparison

    request = Request(
        kind=kind,
        thresholds=thresholds_of(threshold),
        surfaces=surfaces,
        tolerance_nm=tolerance_nm,
        topology=topology,
        clefts=clefts,
        border_nm=border_nm,
        confidences=confidences,
        bootstrap=Bootstrap(bootstrap, seed) if bootstrap else None,
        block_nm=block_nm,
    )
    with ExitStack() as stack:
        comparison = open_comparison(stack, prediction, truth, mask, spacing_nm=spacing_nm, region=region, ignore=ignore, channel=channel)
        split = None if checkpoint is None else require_held_out(check_split(checkpoint, comparison), allow_overlap=allow_overlap)
        result = without_nan({**_scored(comparison, request), "split": split})
    if output is not None:
        write_json(output, result)
    print_scores(result, output)
    return result


def _scored(comparison: Comparison, request: Request) -> dict[str, Any]:
    """The result at the only threshold (or without one), or at the best of several, with all of these under `sweep`."""
    sweep: dict[str, Any] = {}
    if len(request.thresholds) > 1:
        cheap = replace(request, surfaces=False, topology=False, clefts=False, bootstrap=None)
        results = _at_thresholds(comparison, cheap)
        key = "v_rand" if request.kind == "membrane" else "mean_iou"
        best = max(range(len(results)), key=lambda index: results[index][key])
        request = replace(request, thresholds=(request.thresholds[best],))
        sweep = {"sweep": results, "chosen_by": f"largest {key}; for validation data only"}
    found = _at_thresholds(comparison, request)[0]
    return {**framed(comparison, found), **sweep}


def framed(comparison: Comparison, found: Mapping[str, Any]) -> dict[str, Any]:
    """Scores together with what was compared, and how."""
    return {
        "kind": found["kind"],
        "protocol": PROTOCOL[found["kind"]],
        "prediction": comparison.specs[0],
        "truth": comparison.specs[1],
        "mask": comparison.specs[2] if len(comparison.specs) > 2 else None,
        "region": [[axis.start, axis.stop] for axis in comparison.part],
        "spacing_nm": [float(step) for step in comparison.spacing],
        **found,
    }


def _at_thresholds(comparison: Comparison, request: Request) -> list[dict[str, Any]]:
    from cellml.metrics.membrane_stack import membrane_results
    from cellml.metrics.results import overlap_results

    if request.kind == "membrane":
        return membrane_results(comparison, request.thresholds, request.bootstrap)
    return [overlap_results(comparison, request, threshold) for threshold in request.thresholds or (None,)]


def without_nan(value: Any) -> Any:
    """Plain containers with None for numbers that are not finite, as JSON wants it."""
    if isinstance(value, dict):
        return {key: without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def print_scores(result: Mapping[str, Any], output: str | Path | None = None) -> None:
    """Tables of a result of `score_files`, and where it was written."""
    from rich.console import Console

    from cellml.metrics.shape_tables import shape_tables
    from cellml.metrics.tables import score_tables

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{result['prediction']} against {result['truth']}", markup=False)
    for table in [*score_tables(result), *shape_tables(result)]:
        console.print(table)
    console.print(f"Scored {result['protocol']}.")
    if result.get("split") is not None and result["split"]["warning"]:
        console.print(result["split"]["warning"], markup=False, style="bold red")
    if output is not None:
        console.print(f"Scores are in {output}", markup=False)
