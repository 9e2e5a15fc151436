"""The data set doctor: what is wrong with an image and its labels, in order of harm, with a remedy each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from cellml.data.decorrelation import decorrelation
from cellml.data.finding import Finding, in_order_of_harm, listed
from cellml.data.image_survey import ImageSurvey, survey_image
from cellml.data.label_findings import label_findings, value_findings
from cellml.data.label_survey import survey_labels
from cellml.data.labelled import ignored_numbers
from cellml.data.registration import registration, registration_findings
from cellml.data.section_findings import contrast_jumps, section_findings
from cellml.data.section_survey import survey_sections
from cellml.data.slabs import Opened, opened, slabs
from cellml.data.stray_labels import located, without
from cellml.errors import CellmlError
from cellml.types import Labels, Volume

_ANISOTROPY = 20.0  # coarser than any serial-section series that is resolved at all
_PLAUSIBLE_NM = (0.01, 20_000.0)  # cryo-ET at 0.1 Å to light microscopy at 20 µm
_SATURATED = 0.01
_FEW_VALUES = 16
_JUMP = (8.0, 0.5)  # a step in mean brightness: in typical steps, and in standard deviations within a section


def findings(
    volume: Volume | Opened,
    labels: Labels | Opened | None = None,
    classes: Sequence[str] | None = None,
    ignore: int | Sequence[int] | None = None,
) -> list[Finding]:
    """Examine an image, and labels of it, voxel by voxel in slabs; most harmful first.

    volume: a Volume or what `cellml.io.open_image` returns, labels likewise or None; classes: names of the classes that labels 0, 1, …
    should be, where they are known; ignore: numbers of voxels that nobody labelled, which are not looked at. "fatal" findings make
    training, inference and simulation impossible or meaningless. Memory is bounded by a slab; the work is two passes over the image and
    one or two over the labels.
    """
    image = opened(volume)
    survey = survey_image(slabs(image))
    found = [*_of_spacing(image), *image_findings(image, survey)]
    if not survey.non_finite and survey.low < survey.high:
        found += section_findings(image, survey_sections(slabs(image)), decorrelation(image))
    if labels is not None:
        truth = opened(labels)
        frame = list(_of_frame(image, truth))
        known = without(survey_labels(slabs(truth)), located(truth, ignored_numbers(ignore)))
        found += [*frame, *label_findings(truth, known, classes)]
        if image.shape == truth.shape:
            found += registration_findings(registration(image, truth))
    return in_order_of_harm(found)


def require_usable(volume: Volume | Opened, labels: Labels | Opened | None = None) -> None:
    """The fast part of `findings`: raise CellmlError with every fatal finding, if there is one."""
    image = opened(volume)
    found = [*image_findings(image, survey_image(slabs(image)))]
    if labels is not None:
        truth = opened(labels)
        found += [*_of_frame(image, truth), *value_findings(survey_labels(slabs(truth), objects=False))]
    refuse_fatal(image.name, found)


def refuse_fatal(name: str, found: Iterable[Finding]) -> None:
    """Raise CellmlError, naming the data, if any finding is fatal."""
    fatal = [finding for finding in found if finding.severity == "fatal"]
    if fatal:
        raise CellmlError(f"{name} cannot be used: " + " ".join(map(str, fatal)))


def _of_spacing(image: Opened) -> Iterator[Finding]:
    sizes = ", ".join(f"{size:g}" for size in image.spacing)
    low, high = min(image.spacing), max(image.spacing)
    if high / low > _ANISOTROPY:
        remedy = "Check the order (z, y, x) and the units, and pass data.spacing_nm if the file is wrong."
        yield Finding("warning", f"The voxels are {high / low:.0f} times longer than wide: {sizes} nm (z, y, x)", "", remedy, harm=0.9)
    if low < _PLAUSIBLE_NM[0] or high > _PLAUSIBLE_NM[1]:
        remedy = "Was the unit Å, µm or pixels? Pass data.spacing_nm=[z,y,x] in nm."
        yield Finding("warning", f"The voxel size is implausible for microscopy: {sizes} nm (z, y, x)", "", remedy, harm=1.0)


def image_findings(image: Opened, survey: ImageSurvey) -> Iterator[Finding]:
    """What the voxels of an image show by themselves: NaN, constant and saturated values, unlikely types, bad sections."""
    if survey.non_finite:
        what = f"{survey.non_finite} of {survey.voxels} voxels are NaN or infinite"
        remedy = "Replace them, for example by the median of their section, or cut the region away."
        yield Finding("fatal", what, f"first at z, y, x = {survey.first_bad}", remedy)
    if survey.low >= survey.high:
        what = f"The image is constant: every voxel is {survey.low:g}" if np.isfinite(survey.low) else "No voxel of the image is finite"
        yield Finding("fatal", what, "", "There is nothing to see in it: was the right file or array named, and was it copied whole?")
        return
    yield from _of_channels(image, survey)
    yield from _of_grey_values(image, survey)
    yield from _of_sections(survey)


def _of_channels(image: Opened, survey: ImageSurvey) -> Iterator[Finding]:
    if not survey.twins:
        return
    names, numbers = getattr(image, "channels", ()), {n for pair in survey.twins for n in pair}
    called = {n: f"{n} ({names[n]})" if n < len(names) else str(n) for n in numbers}
    first = {n: min(earlier for one, earlier in survey.twins if one == n) for n, _ in survey.twins}
    what = f"{len(first)} channel{'s are copies' if len(first) > 1 else ' is a copy'} of another"
    where = listed([f"channel {called[n]} = {called[earlier]}" for n, earlier in sorted(first.items())])
    remedy = "It adds nothing but memory: was grey saved as RGB, or a channel exported twice? Keep one of each."
    yield Finding("warning", what, where, remedy, harm=0.5)


def _of_grey_values(image: Opened, survey: ImageSurvey) -> Iterator[Finding]:
    distinct = len(survey.values)
    if distinct <= 2:
        remedy = "It looks like a mask: give the image as data.path and this file as data.labels."
        yield Finding("warning", f"The image has only {distinct} grey values", "", remedy)
    elif distinct < _FEW_VALUES:
        remedy = "It looks like labels, or an image scaled down to too few steps: use the original."
        yield Finding("warning", f"The image has only {distinct} grey values", "", remedy)
    if image.dtype.kind in "iu" and image.dtype.itemsize >= 4:
        remedy = "Microscopes give at most 16 bits: are these labels? If they are grey values, store them as uint16 or float32."
        yield Finding("warning", f"The image is stored as {image.dtype}", "", remedy)
    if image.dtype.kind in "iu" and image.dtype.itemsize == 2 and survey.low >= 0 and survey.high < 256:
        remedy = "Nothing is lost by storing it as uint8, in half the space."
        yield Finding("note", f"The image is stored as {image.dtype} but uses {survey.low:g}–{survey.high:g} only", "", remedy)
    for value, count, end in ((survey.low, survey.at_low, "darkest"), (survey.high, survey.at_high, "brightest")):
        if count > _SATURATED * survey.voxels and distinct >= _FEW_VALUES:
            what = f"{100 * count / survey.voxels:.1f} % of the voxels have the {end} value, {value:g}"
            remedy = "They are saturated or padded: export with a wider range, or crop or mask the padding."
            yield Finding("warning", what, "", remedy)


def _of_sections(survey: ImageSurvey) -> Iterator[Finding]:
    blank = survey.blank()
    if blank:
        remedy = "Crop them, or fill them from their neighbours, and keep them out of training."
        yield Finding("warning", f"{len(blank)} sections are blank", f"z = {listed(blank)}", remedy, harm=0.75)
    if survey.repeats:
        pairs = listed([f"{z} (as {earlier})" for z, earlier in survey.repeats])
        remedy = "A lost section was probably filled by a copy: treat it as missing, and correct the section thickness."
        yield Finding("warning", f"{len(survey.repeats)} sections are copies of others", f"z = {pairs}", remedy, harm=0.7)
    jumps = brightness_jumps(survey)
    if jumps:
        remedy = "Match the brightness of the sections (imaging: flat field, section-wise normalisation) before training."
        yield Finding("warning", f"The brightness jumps at {len(jumps)} sections", f"z = {listed(jumps)}", remedy, harm=0.6)
    contrast = contrast_jumps(survey.stds)
    if contrast:
        remedy = "Match mean and spread of the sections (imaging: section-wise normalisation) before training."
        what = f"The contrast jumps at {len(contrast)} sections: more than 1.5 times, or less than 1/1.5 of, the usual spread"
        yield Finding("warning", what, f"z = {listed(contrast)}", remedy, harm=0.55)


def brightness_jumps(survey: ImageSurvey) -> list[int]:
    """Sections whose mean differs from the one before by more than 8 typical steps and half a standard deviation within sections."""
    means, stds = np.asarray(survey.means), np.asarray(survey.stds)
    kept = np.flatnonzero(stds > 0)
    if len(kept) < 3:
        return []
    steps = np.abs(np.diff(means[kept]))
    limit = max(_JUMP[0] * float(np.median(steps)), _JUMP[1] * float(np.median(stds[kept])))
    return [int(z) for z in kept[1:][steps > limit]]


def _of_frame(image: Opened, truth: Opened) -> Iterator[Finding]:
    if image.shape != truth.shape:
        what = f"The labels have shape {truth.shape} but the image {image.shape} (z, y, x)"
        yield Finding(
            "fatal", what, "", "Give labels of the same block, resampled with nearest neighbours if they were made at another size."
        )
    if not np.allclose(image.spacing, truth.spacing, rtol=0.01):
        what = f"The labels have voxels of {truth.spacing} nm but the image {image.spacing} nm (z, y, x)"
        yield Finding("fatal", what, "", "One of the two files is wrong about it: correct it, or pass data.spacing_nm for both.")
