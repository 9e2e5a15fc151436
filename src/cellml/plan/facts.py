"""What is looked up in the data before anything is planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.image_survey import survey_image
from cellml.data.label_kind import Kind, label_kind
from cellml.data.label_survey import LabelSurvey, survey_labels
from cellml.data.labelled import ignored_numbers
from cellml.data.slabs import slabs
from cellml.data.stray_labels import Stray, located, suspects, without
from cellml.errors import CellmlError
from cellml.types import Triple

_MARK = 255  # of unlabelled voxels, as `cellml annotate` and `cellml accept` write it
_SPARSE = 32  # classes beside the mark have smaller numbers than this


@dataclass(frozen=True)
class ImageFacts:
    """shape: (Z, Y, X); spacing: (z, y, x) nm; jumps: sections whose brightness or contrast jumps; pixels_per_section: see
    `cellml.data.decorrelation`, None where it cannot be told.
    """

    reference: str
    shape: tuple[int, int, int]
    spacing: Triple
    channels: int
    dtype: str
    jumps: int
    pixels_per_section: float | None

    @property
    def anisotropy(self) -> float:
        """Coarsest over finest voxel edge."""
        return max(self.spacing) / min(self.spacing)

    @property
    def extent_nm(self) -> Triple:
        """Edges of the volume, (z, y, x)."""
        z, y, x = (n * s for n, s in zip(self.shape, self.spacing, strict=True))
        return (z, y, x)


@dataclass(frozen=True)
class LabelFacts:
    """What label volumes are planned by.

    kind: what the labels are, and `why` it was decided so; counts: voxels of each label, 0 included; names: where the file knows them;
    labelled_sections: sections that hold a label; diameters_nm: of the ball as large as the object (or component) that 10, 50 and 90 % of
    the labelled voxels belong to at most, so that slivers at the border of a block count for little; smallest_voxels: 2 % of their sizes;
    touching: whether different labels meet; projections: voxels of each class (rows: 0, 1, …, for objects background and foreground) at
    each position of the axes z, y, x; ignored: numbers of unlabelled voxels, which the user named; strays: numbers that nearly no voxel
    has and that are left out. Neither counts in anything else.
    """

    reference: str
    kind: Kind
    why: str
    counts: Mapping[int, int]
    voxels: int
    names: Mapping[int, str] = field(default_factory=dict)
    labelled_sections: tuple[int, ...] = ()
    diameters_nm: Triple = (0.0, 0.0, 0.0)
    smallest_voxels: int = 0
    touching: bool = False
    projections: tuple[NDArray[np.int64], ...] = ()
    ignored: tuple[int, ...] = ()
    strays: tuple[Stray, ...] = ()

    @property
    def left_out(self) -> list[int]:
        """Numbers in the file that the loss must leave out."""
        return sorted({*self.ignored, *(stray.label for stray in self.strays)})

    @property
    def background(self) -> float:
        """Share of voxels with label 0."""
        return self.counts.get(0, 0) / max(1, self.voxels)


def image_facts(source: Any, reference: str) -> ImageFacts:
    """Facts of an opened image; one pass over its voxels."""
    from cellml.data.decorrelation import decorrelation
    from cellml.data.doctor import brightness_jumps, image_findings, refuse_fatal

    survey = survey_image(slabs(source))
    refuse_fatal(reference, image_findings(source, survey))
    change = decorrelation(source)
    return ImageFacts(
        reference,
        tuple(source.shape),
        tuple(source.spacing),
        len(source.channels) or 1,
        str(source.dtype),
        len(brightness_jumps(survey)),
        None if change is None else change.pixels_per_section,
    )


def label_facts(source: Any, reference: str, spacing: Triple, ignore: int | Sequence[int] | None = None) -> LabelFacts:
    """Facts of an opened label volume (or of an image to be predicted, whose values are no labels); two or three passes over its voxels.

    ignore: numbers of unlabelled voxels, as in training. Raises CellmlError where no label is left, and where 255 looks like the mark of
    unlabelled voxels and nobody said whether it is.
    """
    if source.dtype.kind == "f":
        plain = survey_labels(slabs(source), objects=False)
        if plain.bad:
            why = "its values are no whole numbers ≥ 0, so it is an image to be predicted and not a label volume"
            return LabelFacts(reference, "image", why, {}, plain.voxels)
    whole, ignored = survey_labels(slabs(source)), ignored_numbers(ignore)
    _require_labels(whole, reference, ignored)
    if ignore is None and source.kind is None:
        _ask_about_mark(whole, reference, source.names)
    survey = without(whole, unknown := located(source, ignored))
    strays = located(source, suspects(survey, source.names))
    kind, why = label_kind(without(survey, strays), source.kind)
    strays = [] if kind == "instance" else strays
    survey = without(survey, strays)
    known = survey.voxels - sum(one.voxels for one in [*unknown, *strays])
    sizes = [size for label, pieces in survey.piece_sizes.items() if label != 0 for size in pieces if size >= 8]
    if kind == "instance":
        sizes = list(survey.sizes.values())
    diameters = _diameters(np.asarray(sorted(sizes) or [0.0], float), float(np.prod(spacing)))
    return LabelFacts(
        reference=reference,
        kind=kind,
        why=why,
        counts={0: 0 if 0 in ignored else known - survey.labelled, **dict(sorted(survey.sizes.items()))},
        voxels=known,
        names=dict(source.names),
        labelled_sections=tuple(np.flatnonzero(survey.per_section).tolist()),
        diameters_nm=diameters,
        smallest_voxels=int(np.quantile(sizes or [0], 0.02)),
        touching=survey.contacts > 0,
        projections=_projections(source, max(survey.sizes, default=1) + 1 if kind != "instance" else 2, kind == "instance"),
        ignored=ignored,
        strays=tuple(strays),
    )


def _require_labels(survey: LabelSurvey, reference: str, ignored: Sequence[int]) -> None:
    if set(survey.sizes) <= set(ignored):
        besides = f" or {', '.join(map(str, ignored))}, which data.ignore leaves out" if ignored else ""
        raise CellmlError(
            f"{reference} holds no label: all {survey.voxels} voxels are 0{besides}. Choose the array or file with the labels "
            "(data.labels=…), or label some sections first."
        )


def _ask_about_mark(survey: LabelSurvey, reference: str, names: Mapping[int, str]) -> None:
    """Scribbles hold 255 nearly everywhere, and would otherwise be planned as if that were one more class."""
    others = [label for label in survey.sizes if label != _MARK]
    count = survey.sizes.get(_MARK, 0)
    if _MARK in suspects(survey, names) or not count or not others or max(others) > _SPARSE or _MARK in names:
        return
    raise CellmlError(
        f"{reference} holds 255 in {count} of {survey.voxels} voxels ({count / survey.voxels:.0%}), beside the numbers 0 to {max(others)}: "
        "that is how cellml annotate and cellml accept mark unlabelled voxels. Say data.ignore=255 if it is, or data.ignore=[] if 255 is a "
        "class."
    )


def _diameters(sizes: NDArray[np.float64], voxel: float) -> Triple:
    """Equivalent diameters in nm at 10, 50 and 90 % of the labelled volume. sizes: sorted, in voxels; voxel: in nm³."""
    share = np.cumsum(sizes) / max(sizes.sum(), 1.0)
    low, middle, high = (float(sizes[min(int(np.searchsorted(share, q)), len(sizes) - 1)]) for q in (0.1, 0.5, 0.9))
    return (_sphere(low * voxel), _sphere(middle * voxel), _sphere(high * voxel))


def _sphere(volume: float) -> float:
    """Diameter of a sphere of a volume."""
    return float((6 / np.pi * volume) ** (1 / 3))


def _projections(source: Any, classes: int, objects: bool) -> tuple[NDArray[np.int64], ...]:
    """Voxels of each class at each position along z, y and x, (classes, n) each."""
    found = tuple(np.zeros((classes, n), np.int64) for n in source.shape)
    for start, whole in slabs(source):
        block = whole[0]
        for number in range(classes):
            here = ((block > 0) == bool(number)) if objects else block == number
            found[0][number, start : start + len(block)] += here.sum(axis=(1, 2))
            found[1][number] += here.sum(axis=(0, 2))
            found[2][number] += here.sum(axis=(0, 1))
    return found
