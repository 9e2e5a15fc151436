"""What is looked up in the data before anything is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cellml.data.image_survey import survey_image
from cellml.data.label_survey import LabelSurvey, survey_labels
from cellml.data.slabs import slabs
from cellml.errors import CellmlError
from cellml.types import Triple

Kind = Literal["instance", "semantic", "membrane", "image"]

_CLASSES = 16  # more labels than this are objects, whatever their shape
_THIN = (0.3, 0.5)  # share of labelled voxels beside background, and of the largest component, from which labels look like membranes


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
    each position of the axes z, y, x.
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


def label_facts(source: Any, reference: str, spacing: Triple) -> LabelFacts:
    """Facts of an opened label volume (or of an image to be predicted, whose values are no labels); two passes over its voxels."""
    if source.dtype.kind == "f":
        plain = survey_labels(slabs(source), objects=False)
        if plain.bad:
            why = "its values are no whole numbers ≥ 0, so it is an image to be predicted and not a label volume"
            return LabelFacts(reference, "image", why, {}, plain.voxels)
    survey = survey_labels(slabs(source))
    if not survey.sizes:
        raise CellmlError(
            f"{reference} holds no label: all {survey.voxels} voxels are 0. Choose the array or file with the labels (data.labels=…), or "
            "label some sections first."
        )
    kind, why = _kind(survey, source.kind)
    sizes = [size for label, pieces in survey.piece_sizes.items() if label != 0 for size in pieces if size >= 8]
    if kind == "instance":
        sizes = list(survey.sizes.values())
    diameters = _diameters(np.asarray(sorted(sizes) or [0.0], float), float(np.prod(spacing)))
    return LabelFacts(
        reference=reference,
        kind=kind,
        why=why,
        counts={0: survey.voxels - survey.labelled, **dict(sorted(survey.sizes.items()))},
        voxels=survey.voxels,
        names=dict(source.names),
        labelled_sections=tuple(np.flatnonzero(survey.per_section).tolist()),
        diameters_nm=diameters,
        smallest_voxels=int(np.quantile(sizes or [0], 0.02)),
        touching=survey.contacts > 0,
        projections=_projections(source, max(survey.sizes, default=1) + 1 if kind != "instance" else 2, kind == "instance"),
    )


def _diameters(sizes: NDArray[np.float64], voxel: float) -> Triple:
    """Equivalent diameters in nm at 10, 50 and 90 % of the labelled volume. sizes: sorted, in voxels; voxel: in nm³."""
    share = np.cumsum(sizes) / max(sizes.sum(), 1.0)
    low, middle, high = (float(sizes[min(int(np.searchsorted(share, q)), len(sizes) - 1)]) for q in (0.1, 0.5, 0.9))
    return (_sphere(low * voxel), _sphere(middle * voxel), _sphere(high * voxel))


def _sphere(volume: float) -> float:
    """Diameter of a sphere of a volume."""
    return float((6 / np.pi * volume) ** (1 / 3))


def _kind(survey: LabelSurvey, said: str | None) -> tuple[Kind, str]:
    """What the labels are, in words why: the file's own word, else number, pieces and shape of the labels."""
    count, pieces = len(survey.sizes), sum(survey.pieces.values())
    if said == "instance":
        return "instance", "the file says that each number is an object"
    if count == 1:
        thin = survey.thin / max(1, survey.labelled)
        (label,) = survey.sizes
        largest = survey.piece_sizes[label][-1] / survey.labelled
        if thin > _THIN[0] and largest > _THIN[1] and survey.labelled > 0.05 * survey.voxels:
            return "membrane", (
                f"there is one label, a thin connected network ({thin:.0%} of it lies beside background, {largest:.0%} hangs together): "
                "membranes, with cells between them"
            )
        return "semantic", f"there is one label, in {pieces} pieces: a class against background"
    if said == "semantic" or (count <= _CLASSES and max(survey.sizes) <= 2 * _CLASSES and pieces > 1.5 * count):
        stated = "the file says so" if said == "semantic" else f"there are only {count} labels, in {pieces} pieces"
        return "semantic", f"{stated}: classes"
    return "instance", f"there are {count} labels in {pieces} pieces: each number is an object"


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
