"""Candidate objects, each accepted or rejected by a person, become training labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.annotation.morphology import dilated
from cellml.errors import CellmlError
from cellml.io.csv_table import read_csv
from cellml.types import Labels, Volume

ACCEPT, REJECT = "accept", "reject"
_WORDS = {"accept": ACCEPT, "a": ACCEPT, "yes": ACCEPT, "y": ACCEPT, "reject": REJECT, "r": REJECT, "no": REJECT, "n": REJECT}
_COLUMNS = ("label", "decision", "class", "voxels", "um3", "z", "y", "x", "z0", "z1", "y0", "y1", "x0", "x1", "mean_grey")


@dataclass(frozen=True)
class Decision:
    """What a person said about one candidate: verdict "accept" or "reject"; number: the class of an accepted one."""

    verdict: str
    number: int = 1


def candidate_table(candidates: Labels, image: Volume | None = None, decisions: Mapping[int, Decision] | None = None) -> str:
    """A CSV table with one row for each candidate, largest first, to be filled in under "decision" (accept, reject, or empty).

    decisions: what was decided already, which is filled in.

    z, y, x: a voxel of the object near its middle; z0, z1, …: its box, the end not included; um3: volume in µm³.
    """
    from scipy.ndimage import find_objects

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    volume = float(np.prod(candidates.spacing)) * 1e-9
    rows: list[list[Any]] = []
    for number, box in enumerate(find_objects(candidates.data), 1):
        if box is None:
            continue
        inside = candidates.data[box] == number
        bounds = [value for part in box for value in (part.start, part.stop)]
        middle = [int(m) + part.start for m, part in zip(_inner_voxel(inside), box, strict=True)]
        grey = f"{image.data[box][inside].mean():.1f}" if image is not None else ""
        made = (decisions or {}).get(number)
        said = [made.verdict, made.number] if made is not None else ["", ""]
        rows.append([number, *said, int(inside.sum()), f"{inside.sum() * volume:.4g}", *middle, *bounds, grey])
    rows.sort(key=lambda row: (-row[3], row[0]))
    writer.writerows(rows)
    return text.getvalue()


def decision_table(labels_file: str | Path) -> Path:
    """The table of decisions beside a label file: same name, .csv."""
    name = Path(labels_file).name.split(".")[0]
    return Path(labels_file).with_name(f"{name}.csv")


def _inner_voxel(inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The voxel of an object that lies nearest to its centroid: the centroid itself may lie outside."""
    voxels = np.argwhere(inside)
    return np.asarray(voxels[((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1).argmin()])


def read_decisions(path: str | Path) -> dict[int, Decision]:
    """The decisions of a table, by label; rows without one are left out.

    Needs the columns label and decision; "class" is 1 where it is empty or missing. Raises FileError for a missing file, CellmlError, with
    the line, for another word, a label or class that is no whole number above 0, and a label that stands twice.
    """
    columns, rows = read_csv(path, what="table of decisions", remedy="`cellml recipe` writes one beside its candidates.")
    if not {"label", "decision"} <= set(columns):
        raise CellmlError(f"{path} has the columns {list(columns)}; label and decision are needed.")
    found: dict[int, Decision] = {}
    for line, row in enumerate(rows, 2):
        word = row["decision"].strip().lower()
        if not word:
            continue
        where = f"{path}, line {line}"
        if word not in _WORDS:
            raise CellmlError(f"{where}: the decision {word!r} is unknown; write accept, reject, or nothing.")
        label = _whole(row["label"], f"{where}: label")
        if label in found:
            raise CellmlError(f"{where}: there is a second decision about label {label}; leave one.")
        found[label] = Decision(_WORDS[word], _whole(row.get("class") or "1", f"{where}: class"))
    return found


def _whole(text: str | None, what: str) -> int:
    try:
        number = int(str(text).strip())
    except ValueError:
        number = 0
    if number < 1:
        raise CellmlError(f"{what} is {text!r}; it must be a whole number above 0.")
    return number


def training_labels(
    candidates: Labels,
    decisions: Mapping[int, Decision],
    *,
    ignore: int = 255,
    rejected_is_background: bool = True,
    shell_nm: float = 0.0,
    onto: Labels | None = None,
) -> Labels:
    """Semantic labels of what was decided: accepted candidates their class, rejected ones 0, all else `ignore`.

    shell_nm: voxels within this distance of an accepted object that belong to no candidate become 0 too, for whoever accepts an outline
    says that the object ends there; rejected_is_background: else rejected ones stay `ignore`; onto: earlier labels of the same frame,
    which remain where nothing new was decided. Raises CellmlError for decisions about labels that are not there, a class equal to
    `ignore`, earlier labels of another frame, and where background or every class would be missing.
    """
    _check(candidates, decisions, ignore, onto)
    data = np.full(candidates.shape, ignore, np.int64) if onto is None else onto.data.astype(np.int64)
    accepted, rejected = (_lookup(candidates, decisions, verdict) for verdict in (ACCEPT, REJECT))
    if shell_nm > 0:
        near = dilated(accepted > 0, shell_nm, candidates.spacing)
        data[near & (candidates.data == 0) & (data == ignore)] = 0
    if rejected_is_background:
        data[rejected > 0] = 0
    data[accepted > 0] = accepted[accepted > 0]
    present = set(np.unique(data).tolist()) - {ignore}
    if 0 not in present or len(present) < 2:
        missing = "no background: reject some candidates, or give shell_nm" if 0 not in present else "no object: accept some candidates"
        raise CellmlError(
            f"The labels would hold only {sorted(present)} besides {ignore} (unlabelled), {missing}; nothing can learn from them."
        )
    stored = data.astype(np.min_scalar_type(int(data.max())))
    return Labels(stored, candidates.spacing, candidates.origin, kind="semantic", name="training labels")


def _lookup(candidates: Labels, decisions: Mapping[int, Decision], verdict: str) -> NDArray[Any]:
    """The class of each voxel whose candidate got this verdict, 0 elsewhere."""
    table = np.zeros(int(candidates.data.max()) + 1, np.int64)
    for label, decision in decisions.items():
        table[label] = decision.number if decision.verdict == verdict else 0
    return np.asarray(table[candidates.data])


def _check(candidates: Labels, decisions: Mapping[int, Decision], ignore: int, onto: Labels | None) -> None:
    unknown = sorted(set(decisions) - set(np.unique(candidates.data).tolist()))
    if unknown:
        raise CellmlError(
            f"There are decisions about the labels {unknown[:5]}, which {candidates.name!r} does not have; they belong to other candidates."
        )
    if any(decision.number == ignore for decision in decisions.values()):
        raise CellmlError(f"Class {ignore} is the mark of unlabelled voxels; choose another class, or another ignore.")
    if onto is not None and (onto.shape != candidates.shape or not np.allclose(onto.spacing, candidates.spacing, rtol=1e-3)):
        raise CellmlError(
            f"The earlier labels have {onto.shape} voxels of {onto.spacing} nm (z, y, x), the candidates {candidates.shape} of "
            f"{candidates.spacing} nm; they must be one grid."
        )
