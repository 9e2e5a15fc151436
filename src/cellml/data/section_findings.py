"""What is wrong with the order and likeness of sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cellml.data.decorrelation import Decorrelation
from cellml.data.finding import Finding, listed
from cellml.data.section_survey import SectionSurvey
from cellml.data.slabs import Opened

_SHIFT = 3.0  # pixels; less than that no network notices
_GAIN = 0.1  # correlation that undoing a shift must gain before it is believed
_ALIKE = 0.5  # correlation after alignment from which two sections show the same place
_BLUR = 0.4  # share of the median sharpness below which a section is out of focus
_DUPLICATE = 0.995  # correlation of sections that differ by noise of compression only
_DISAGREES = 3.0  # stated over seen anisotropy


def section_findings(image: Opened, survey: SectionSurvey, change: Decorrelation | None) -> Iterator[Finding]:
    """Misaligned, blurred and repeated sections; a voxel size or an order of axes that the image itself contradicts."""
    yield from _shifts(survey)
    yield from _blur(survey)
    yield from _near_copies(survey)
    if change is not None:
        yield from _axes(image, change)
        yield from _anisotropy(image, change)


def _shifts(survey: SectionSurvey) -> Iterator[Finding]:
    steps, likeness, aligned = np.asarray(survey.shifts).reshape(-1, 2), np.asarray(survey.likeness), np.asarray(survey.aligned)
    if not len(steps):
        return
    size = np.hypot(steps[:, 0], steps[:, 1])
    with np.errstate(invalid="ignore"):
        moved = (size >= _SHIFT) & (aligned - likeness > _GAIN) & (aligned > _ALIKE)
    if moved.any():
        said = [f"{z + 1} ({steps[z, 0]:+.0f}, {steps[z, 1]:+.0f})" for z in np.flatnonzero(moved)]
        worst = size[moved].max()
        what = f"{int(moved.sum())} sections have moved by up to {worst:.0f} pixels against the one before"
        remedy = (
            "Align the stack (for example with TrakEM2, SWiFT-IR or IMOD) before training; 3D kernels mix what does not belong together."
        )
        yield Finding("warning", what, f"z (y, x) = {listed(said)}", remedy, harm=0.8)


def _blur(survey: SectionSurvey) -> Iterator[Finding]:
    sharpness = np.asarray(survey.sharpness)
    if np.isfinite(sharpness).sum() < 5:
        return
    limit = _BLUR * np.nanmedian(sharpness)
    with np.errstate(invalid="ignore"):
        blurred = np.flatnonzero(sharpness < limit)
    if len(blurred):
        what = f"{len(blurred)} sections are blurred: less than {_BLUR:.0%} of the usual fine detail"
        yield Finding("warning", what, f"z = {listed(blurred.tolist())}", "Image them again, or leave them out of training.", harm=0.5)


def _near_copies(survey: SectionSurvey) -> Iterator[Finding]:
    likeness = np.asarray(survey.likeness)
    if len(likeness) < 4:
        return
    with np.errstate(invalid="ignore"):
        copies = np.flatnonzero((likeness > _DUPLICATE) & (likeness < 1 - 1e-12))
        usual = np.nanmedian(likeness)
    if 0 < len(copies) < 0.2 * len(likeness) and usual < _DUPLICATE - 0.05:
        what = f"{len(copies)} sections are almost copies of the one before (correlation above {_DUPLICATE:g}, usually {usual:.2f})"
        remedy = "A lost section was probably filled by its neighbour and compressed: treat it as missing."
        yield Finding("warning", what, f"z = {listed((copies + 1).tolist())}", remedy, harm=0.6)


def _axes(image: Opened, change: Decorrelation) -> Iterator[Finding]:
    depth, height, width = image.shape
    if depth > 2 * max(height, width):
        what = f"There are more sections ({depth}) than rows ({height}) or columns ({width})"
        yield Finding("warning", what, "", "Is the file stored with another order of axes? Say it with axes=…, as in axes=YXZ.", harm=0.4)
    if np.isfinite(change.y[0]) and np.isfinite(change.x[0]):
        fine, coarse = sorted((float(change.y[0]), float(change.x[0])))
        axis = "y" if change.y[0] > change.x[0] else "x"
        if coarse > _DISAGREES * max(fine, 1e-9) and change.z < 0.7 * coarse and coarse > 0.05:
            what = f"The image changes fastest along {axis}: {coarse / max(fine, 1e-9):.0f} times as much as along the other"
            remedy = f"The sections probably lie along {axis}: give axes and data.spacing_nm in the true order (z, y, x)."
            yield Finding("warning", what, "", remedy, harm=0.9)


def _anisotropy(image: Opened, change: Decorrelation) -> Iterator[Finding]:
    stated, seen = image.spacing[0] / max(min(image.spacing[1:]), 1e-9), change.pixels_per_section
    if seen > _DISAGREES * stated and change.z > 0.02:
        more = "more than 32" if seen > 32 else f"{seen:.1f}"
        what = (
            f"From one section to the next the image changes as over {more} pixels, but sections are stated to be {stated:.1f} pixels thick"
        )
        remedy = "Either the section thickness is wrong (data.spacing_nm), sections are missing, or they are not aligned."
        yield Finding("warning" if stated < 2 else "note", what, "", remedy, harm=0.7)
    elif seen < stated / _DISAGREES:
        what = f"From one section to the next the image changes as over {seen:.1f} pixels, but sections are stated to be {stated:.1f} thick"
        yield Finding("warning", what, "", "The voxel size is probably wrong: check data.spacing_nm and the order of axes.", harm=0.85)


def contrast_jumps(stds: Sequence[float]) -> list[int]:
    """Sections whose standard deviation is more than 1.5 times, or less than 1/1.5 of, both that before and the median."""
    values = np.asarray(stds, float)
    kept = np.flatnonzero(values > 0)
    if len(kept) < 5:
        return []
    logs = np.abs(np.diff(np.log(values[kept])))
    away = np.abs(np.log(values[kept] / np.median(values[kept])))[1:]
    return [int(z) for z in kept[1:][(logs > np.log(1.5)) & (away > np.log(1.5))]]
