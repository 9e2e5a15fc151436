"""What a label volume is, told from its numbers, their pieces and their shape."""

from __future__ import annotations

from typing import Literal

from cellml.data.label_survey import LabelSurvey

Kind = Literal["instance", "semantic", "membrane", "image"]

_CLASSES = 16  # more labels than this are objects, whatever their shape
# From what share of labelled voxels beside background, and of the largest component, and pieces of background in a section, labels look
# like membranes: those of ISBI 2012 have 0.26, 1.00 and 114, of the VNC stack 0.20, 1.00 and 154, its mitochondria 0.05, 0.12 and 1.
_THIN = (0.15, 0.5, 4)


def label_kind(survey: LabelSurvey, said: str | None) -> tuple[Kind, str]:
    """What the labels are, in words why: the file's own word, else number, pieces and shape of the labels."""
    count, pieces = len(survey.sizes), sum(survey.pieces.values())
    if said == "instance":
        return "instance", "the file says that each number is an object"
    if count == 1:
        thin = survey.thin / max(1, survey.labelled)
        (label,) = survey.sizes
        largest = survey.piece_sizes[label][-1] / survey.labelled
        enclosing = survey.cells >= _THIN[2] * len(survey.per_section)
        if thin > _THIN[0] and largest > _THIN[1] and enclosing and survey.labelled > 0.05 * survey.voxels:
            return "membrane", (
                f"there is one label, a thin connected network ({thin:.0%} of it lies beside background, {largest:.0%} hangs together): "
                "membranes, with cells between them"
            )
        return "semantic", f"there is one label, in {pieces} pieces: a class against background"
    if said == "semantic" or (count <= _CLASSES and max(survey.sizes) <= 2 * _CLASSES and pieces > 1.5 * count):
        stated = "the file says so" if said == "semantic" else f"there are only {count} labels, in {pieces} pieces"
        return "semantic", f"{stated}: classes"
    return "instance", f"there are {count} labels in {pieces} pieces: each number is an object"
