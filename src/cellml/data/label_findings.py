"""What is wrong with a label volume: values, pieces, holes, debris, missing sections, names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cellml.data.finding import Finding, listed
from cellml.data.label_survey import LabelSurvey
from cellml.data.slabs import Opened
from cellml.data.stray_labels import located, stray_findings

_TINY = 64  # voxels of a 4³ cube
_CONFETTI = 16.0  # mean voxels an object below which the file is probably no label volume
_CLASSES = 16
_FLAT = 0.8  # share of objects in one section only from which sections were labelled one by one


def value_findings(survey: LabelSurvey) -> Iterator[Finding]:
    """Voxels that hold no label, and volumes without any."""
    if survey.bad and survey.first_bad is not None:
        place, value = survey.first_bad
        what = f"{survey.bad} of {survey.voxels} voxels of the labels hold no label (fractional, negative, NaN or infinite)"
        remedy = "Labels are whole numbers ≥ 0: was a probability map given, or were the labels resampled with interpolation?"
        yield Finding("fatal", what, f"first at z, y, x = {place}: {value:g}", remedy)
    if not survey.labelled:
        yield Finding("fatal", "No voxel is labelled: all labels are 0", "", "Give a label volume of this image, or name the right array.")


def label_findings(truth: Opened, survey: LabelSurvey, classes: Sequence[str] | None = None) -> Iterator[Finding]:
    """Everything about the labels themselves. classes: names that numbers 0, 1, … should stand for, where the user said them."""
    yield from value_findings(survey)
    if not survey.sizes:
        return
    count, unlabelled = len(survey.sizes), int(survey.piece_sizes.get(0, np.zeros(1)).sum()) / survey.voxels
    if survey.labelled / count < _CONFETTI:
        what = f"{count} labels have only {survey.labelled / count:.1f} voxels each on average"
        remedy = "This looks like an image and not like labels: name the right file or array."
        yield Finding("warning", what, "", remedy, harm=1.0)
    yield from _classes(truth, survey, classes, getattr(truth, "kind", None))
    if classes is None:
        yield from stray_findings(truth, survey, getattr(truth, "names", {}))
    yield from _names(survey, getattr(truth, "names", {}))
    yield from _storage(truth, survey)
    yield from _sections(truth, survey)
    yield from _pieces(survey, getattr(truth, "kind", None))
    yield from _holes(survey)
    yield from _small(survey)
    if survey.contacts:
        what = f"Different labels touch without background between them ({survey.contacts} voxel faces)"
        yield Finding("note", what, "", "A mask of labels > 0 would fuse them: make boundaries or affinities from label changes.")
    if unlabelled:
        remedy = "If 0 means unknown and not background, say so (data.ignore=0), to have it masked from loss and score."
        yield Finding("note", f"{100 * unlabelled:.3g} % of the voxels have label 0", "", remedy, harm=0.6 if unlabelled > 0.95 else 0.3)


def _classes(truth: Opened, survey: LabelSurvey, classes: Sequence[str] | None, kind: str | None) -> Iterator[Finding]:
    largest = max(survey.sizes)
    if classes is not None:
        unknown = {label: size for label, size in sorted(survey.sizes.items()) if label >= len(classes)}
        if unknown:
            shown = list(unknown)[:6]
            more = f" and {len(unknown) - len(shown)} more" if len(unknown) > len(shown) else ""
            said = ", ".join(str(stray) for stray in located(truth, shown)) + more
            what = f"{len(unknown)} label values stand for none of the {len(classes)} classes {', '.join(classes)}"
            remedy = "Name the missing classes, translate numbers by data.values, or say that a number means unlabelled by data.ignore."
            yield Finding("fatal", what, said, remedy)
        absent = [f"{k} ({name})" for k, name in enumerate(classes) if k and k not in survey.sizes]
        if absent:
            what = f"{len(absent)} classes have no voxel"
            yield Finding(
                "warning", what, listed(absent), "A network cannot learn them from this volume: label some, or drop them.", harm=0.9
            )
    elif kind != "instance" and len(survey.sizes) <= _CLASSES and largest <= 2 * _CLASSES:
        gaps = sorted(set(range(1, largest)) - set(survey.sizes))
        if gaps and (kind == "semantic" or sum(survey.pieces.values()) > 1.5 * len(survey.sizes)):
            what = f"Labels run to {largest}, but {len(gaps)} of the numbers between have no voxel"
            remedy = "If they are classes, these were not labelled here: label some, or number the classes without gaps (data.values)."
            yield Finding("warning", what, f"absent: {listed(gaps)}", remedy, harm=0.5)


def _names(survey: LabelSurvey, names: Mapping[int, str]) -> Iterator[Finding]:
    numbers: dict[str, list[int]] = {}
    for label, name in names.items():
        numbers.setdefault(name.strip().lower(), []).append(int(label))
    shared = {name: found for name, found in numbers.items() if len(found) > 1}
    if shared:
        said = listed([f"{name!r}: {', '.join(map(str, found))}" for name, found in shared.items()])
        what = f"{len(shared)} names stand for several labels"
        remedy = "Give each its own name, or merge the labels: meshes and scores are told apart by name."
        yield Finding("warning", what, said, remedy, harm=0.4)
    nameless = [label for label in sorted(survey.sizes) if label not in names] if names else []
    if nameless:
        what = f"{len(nameless)} labels have no name although others have"
        yield Finding("note", what, f"labels {listed(nameless)}", "Name them, or check that they are meant to be there.")


def _storage(truth: Opened, survey: LabelSurvey) -> Iterator[Finding]:
    if truth.dtype.kind == "f":
        remedy = "All are whole numbers, so they are read as such; store them as integers, which no program interpolates."
        yield Finding("note", f"The labels are stored as {truth.dtype}", "", remedy)
    if truth.dtype.kind in "ui" and truth.dtype.itemsize <= 2:
        limit = int(np.iinfo(truth.dtype).max)
        if len(survey.sizes) >= 0.95 * limit:
            what = f"{len(survey.sizes)} labels are stored as {truth.dtype}, which has room for {limit}"
            remedy = "Numbers may have wrapped around, so that different objects share one: export them as uint32."
            yield Finding("warning", what, "", remedy, harm=0.9)


def _sections(truth: Opened, survey: LabelSurvey) -> Iterator[Finding]:
    filled = np.asarray(survey.per_section)
    if not (filled > 0).any():
        return
    first, last = (int(z) for z in np.flatnonzero(filled)[[0, -1]])
    inside = np.flatnonzero(filled[first : last + 1] == 0) + first
    if len(inside) and len(inside) < 0.5 * (last - first + 1):
        what = f"{len(inside)} sections between labelled ones have no label at all"
        remedy = "Nobody labelled them, or an export lost them: leave them out (data.labelled_sections), or they teach background."
        yield Finding("warning", what, f"z = {listed(inside.tolist())}", remedy, harm=0.8)
    share = (filled > 0).mean()
    if share < 0.5:
        what = f"Only {int((filled > 0).sum())} of {len(filled)} sections hold labels"
        remedy = "If the others were not labelled, list those that were: data.labelled_sections=[…]; else they teach background."
        yield Finding("warning", what, f"z = {listed(np.flatnonzero(filled).tolist())}", remedy, harm=0.85)
    spans = [last - first + 1 for label, (first, last) in survey.z_range.items() if label != 0]
    flat = float(np.mean(np.asarray(spans) == 1))
    if len(filled) > 4 and len(spans) > 2 * len(filled) and flat > _FLAT:
        what = f"{flat:.0%} of {len(spans)} objects lie in a single section"
        remedy = "The sections were labelled one by one and their objects never joined: link them in 3D before training or meshing."
        yield Finding("warning", what, "", remedy, harm=0.9)


def _pieces(survey: LabelSurvey, kind: str | None) -> Iterator[Finding]:
    split = {label: pieces for label, pieces in survey.pieces.items() if pieces > 1}
    if split:
        worst = sorted(split, key=lambda label: -split[label])
        what = f"{len(split)} of {len(survey.sizes)} labels consist of several components"
        where = f"label (components) {listed([f'{label} ({split[label]})' for label in worst])}"
        remedy = "Expected for classes, and for objects that leave the block and return; else separate them or remove the strays."
        classes = kind == "semantic" or (len(survey.sizes) <= _CLASSES and sum(survey.pieces.values()) > 3 * len(survey.sizes))
        yield Finding("note" if classes else "warning", what, where, remedy, harm=0.1 if classes else 0.4)


def _holes(survey: LabelSurvey) -> Iterator[Finding]:
    """Small pieces of label 0, apart from the large ones that are background."""
    background = survey.piece_sizes.get(0)
    if background is None:
        return
    small = background[background < _TINY]
    if len(small) and len(small) < len(background) + 1 and survey.labelled > 0:
        what = f"{len(small)} holes of fewer than {_TINY} voxels of label 0 lie inside objects or between them"
        where = f"{int(small.sum())} voxels, {int((small == 1).sum())} of them single"
        remedy = "They become bubbles in a mesh: fill them (decoder max_enclosed, or the segmentation program's fill)."
        yield Finding("note", what, where, remedy, harm=0.5)


def _small(survey: LabelSurvey) -> Iterator[Finding]:
    count = len(survey.sizes)
    single = [label for label, size in sorted(survey.sizes.items()) if size == 1]
    if single:
        what = f"{len(single)} of {count} objects are a single voxel"
        yield Finding(
            "warning", what, f"labels {listed(single)}", "Clicks or leftovers: remove them, or they count as objects in scores.", harm=0.3
        )
    tiny = [label for label, size in sorted(survey.sizes.items()) if size < _TINY]
    if tiny:
        what = f"{len(tiny)} of {count} objects have fewer than {_TINY} voxels"
        yield Finding("note", what, f"labels {listed(tiny)}", "Leave them out of meshing, and of scores by object.")
    debris: dict[int, Any] = {}
    for label, sizes in survey.piece_sizes.items():
        strays = sizes[:-1][sizes[:-1] < _TINY]
        if label != 0 and len(strays) and sizes[-1] >= _TINY:
            debris[label] = len(strays)
    if debris:
        worst = sorted(debris, key=lambda label: -debris[label])
        what = f"{sum(debris.values())} stray pieces of fewer than {_TINY} voxels lie apart from the rest of their {len(debris)} labels"
        where = f"label (pieces) {listed([f'{label} ({debris[label]})' for label in worst])}"
        yield Finding("note", what, where, "Debris of the segmentation: drop pieces below a size before meshing.", harm=0.45)
