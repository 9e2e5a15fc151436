"""The verb `fuse`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from cellml.annotation.agreement import Agreement
    from cellml.annotation.decisions import Decisions
    from cellml.annotation.label_files import Annotations
    from cellml.annotation.staple import Consensus

_MOST_CLASSES = 64


def fuse_files(
    inputs: Sequence[str],
    output: str | Path,
    *,
    method: Any = None,
    classes: Sequence[int] | None = None,
    ignore: int | None = None,
    spacing_nm: Sequence[float] | None = None,
    report: str | Path | None = None,
) -> dict[str, Any]:
    """Fuse the labels of several annotators, and say how well they agree.

    inputs: label files of one shape and voxel size, whose numbers are classes; output: the consensus; method: what fuses decisions, STAPLE
    where None (as a configuration with `_target_`, or built); classes: the labels that mean the same in every file, needed where not
    all files use the same; ignore: the label of voxels that an annotator left out, and of ties in the output (else the more frequent of
    the tied classes is written); spacing_nm: (z, y, x) where the files do not say it; report: a JSON file, None for the output's name
    with .json. Streams slab by slab. Prints and returns sensitivity and specificity of each annotator, their overlaps, and the ceiling.

    Raises CellmlError for fewer than two files, files of other shape or voxel size, and label sets that differ or hold objects.
    """
    from cellml.annotation.agreement import agreement
    from cellml.annotation.decisions import Decisions
    from cellml.annotation.label_files import open_annotations
    from cellml.io import write_json

    fuse = _built(method)
    _require_several(inputs)
    with ExitStack() as stack:
        files = open_annotations(stack, inputs, spacing_nm)
        numbers = _classes(inputs, files.slabs(), classes, ignore)
        decisions = Decisions.none(numbers, len(inputs))
        for _, slab in files.slabs():
            decisions = decisions.update(slab, ignore)
        consensus = fuse(decisions)
        found = agreement(decisions, fuse)
        _write(output, consensus, files, ignore)
        names = files.names
    result = _result(inputs, output, consensus, found, names, type(fuse).__name__)
    write_json(report or Path(output).with_suffix(".json"), result)
    _print(result)
    return result


def _built(method: Any) -> Any:
    from cellml.annotation.staple import Staple

    if method is None:
        return Staple()
    if isinstance(method, dict):
        from hydra.utils import instantiate

        return instantiate(method, _convert_="all")
    return method


def _require_several(inputs: Sequence[str]) -> None:
    if len(inputs) < 2:
        raise CellmlError(f"Give at least two label files, as in inputs=[a.tif,b.tif,c.tif]; got {list(inputs)}.")
    if len({str(Path(spec).resolve()) for spec in inputs}) < len(inputs):
        raise CellmlError(f"A file stands twice among {list(inputs)}; an annotator must not be counted twice.")


def _classes(inputs: Sequence[str], slabs: Any, given: Sequence[int] | None, ignore: int | None) -> list[int]:
    """The classes, once all files are known to use the same."""
    used: list[set[int]] = [set() for _ in inputs]
    for _, slab in slabs:
        for own, labels in zip(used, slab, strict=True):
            own.update(np.unique(labels).tolist())
    used = [own - {ignore} for own in used]
    for spec, own in zip(inputs, used, strict=True):
        if len(own) > _MOST_CLASSES:
            raise CellmlError(
                f"{spec} holds {len(own)} labels; fusion compares classes (at most {_MOST_CLASSES}), and numbers of objects mean nothing "
                "across annotators. Turn objects into classes first."
            )
        if given is not None and own - set(given):
            raise CellmlError(f"{spec} uses the labels {sorted(own - set(given))}, which are not among classes={list(given)}.")
    if given is None and any(own != used[0] for own in used):
        sets = "; ".join(f"{spec}: {sorted(own)}" for spec, own in zip(inputs, used, strict=True))
        raise CellmlError(
            f"The annotators used different labels ({sets}). If equal numbers mean the same, list all of them: "
            f"classes={sorted(set().union(*used))}. Else renumber the files, or name unlabelled voxels with ignore=NUMBER."
        )
    numbers = sorted(set(given) if given is not None else used[0])
    if len(numbers) < 2 or len(set().union(*used)) < 2:
        raise CellmlError(f"All files hold only the label {sorted(set().union(*used))}; there is nothing to fuse.")
    return numbers


def _write(output: str | Path, consensus: Consensus, files: Annotations, ignore: int | None) -> None:
    from cellml.io import create_array

    label = _label_of_each_code(consensus, ignore)
    with create_array(output, dtype=np.min_scalar_type(int(label.max())), kind="semantic", names=files.names, **files.frame) as sink:
        for region, slab in files.slabs():
            codes = consensus.decisions.encoded(slab, ignore)
            sink.write(region, label[np.searchsorted(consensus.decisions.codes, codes)].astype(sink.dtype))


def _label_of_each_code(consensus: Consensus, ignore: int | None) -> NDArray[np.int64]:
    """The label to write for each combination of decisions; the most frequent of the tied where ties must be decided."""
    from cellml.annotation.decisions import UNKNOWN

    classes, chosen = consensus.decisions.classes, consensus.chosen
    frequency = consensus.decisions.counts @ consensus.weights
    weights = consensus.weights * (1 + 1e-9 * frequency / max(frequency.sum(), 1.0))
    label = classes[np.where(chosen == UNKNOWN, weights.argmax(axis=1), chosen)]
    return label if ignore is None else np.where(chosen == UNKNOWN, ignore, label)


def _result(
    inputs: Sequence[str], output: str | Path, consensus: Consensus, found: Agreement, names: dict[int, str], method: str
) -> dict[str, Any]:
    decisions: Decisions = consensus.decisions
    undecided = int(decisions.counts[consensus.chosen < 0].sum())
    sensitivity, specificity = consensus.sensitivity, consensus.specificity
    annotators = [
        {
            "input": str(spec),
            "classes": {
                str(label): {"sensitivity": _number(sensitivity[j, s]), "specificity": _number(specificity[j, s])}
                for s, label in enumerate(decisions.classes.tolist())
            },
            "against_others": _plain(found.left_out[j]),
        }
        for j, spec in enumerate(inputs)
    ]
    pairs = [{"inputs": [str(inputs[a]), str(inputs[b])], **_plain(overlap)} for (a, b), overlap in found.pairs.items()]
    return {
        "output": str(output),
        "method": method,
        "iterations": consensus.iterations,
        "names": {str(label): names.get(label, str(label)) for label in decisions.classes.tolist()},
        "voxels": int(decisions.counts.sum()),
        "undecided_voxels": undecided,
        "annotators": annotators,
        "pairs": pairs,
        "ceiling": {key: _number(value) for key, value in found.ceiling.items()},
    }


def _plain(overlap: Any) -> dict[str, Any]:
    classes = {str(label): {k: _number(v) for k, v in asdict(score).items()} for label, score in overlap.classes.items()}
    return {"dice": _number(overlap.dice), "iou": _number(overlap.iou), "classes": classes}


def _number(value: float) -> float | int | None:
    if isinstance(value, int):
        return value
    return float(value) if isfinite(value) else None


def _print(result: dict[str, Any]) -> None:
    from rich.console import Console

    from cellml.annotation.fuse_tables import annotator_table, pair_table, ratio

    console = Console(highlight=False, soft_wrap=True)
    console.print(annotator_table(result))
    console.print(pair_table(result))
    dice, iou, pair_dice, pair_iou = (ratio(result["ceiling"][key]) for key in ("dice", "iou", "pair_dice", "pair_iou"))
    console.print(
        f"Inter-annotator ceiling: each annotator against the consensus of the others Dice {dice}, IoU {iou}; "
        f"pairs Dice {pair_dice}, IoU {pair_iou}."
    )
    console.print(
        f"{result['output']}: {result['method']}, {result['voxels']:,} voxels, {result['undecided_voxels']:,} of them undecided.",
        markup=False,
    )
