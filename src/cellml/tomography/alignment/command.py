"""The verb `align`: a raw tilt series in, one whose projections fit together and whose axis runs along Y out."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellml.tomography.alignment.centring import Centring

log = logging.getLogger(__name__)


def align_file(
    input: str,
    output: str,
    angles: Any = None,
    axis_angle: float | None = None,
    pretilt: float = 0.0,
    pixel: float | None = None,
    exclude: Sequence[int] = (),
    fill: bool = False,
    thickness: int | None = None,
    iterations: int = 6,
    finest: int = 2,
    coarse: bool = True,
    search_axis: float = 0.0,
    centre: bool = True,
    check_axis: bool = True,
    shifts: str | None = None,
) -> dict[str, Any]:
    """Align a tilt series without fiducials and write the aligned one with its angles.

    input, angles, axis_angle, pretilt, pixel, exclude, fill: see `cellml.io.open_tilts`; output: .ali, .mrc or another stack; thickness:
    of the specimen in pixels; iterations, finest: see ProjectionMatching; coarse, search_axis, centre: see `align_tilts`; check_axis:
    refuse a series whose projections say that its axis is off by 90°; shifts: a .json for what was found. Angles in another order than the
    projections are said, and so is what the place of the axis rests on, or that nothing tells it. Returns these and the residuals before
    and after, in pixels. Raises CellmlError as reading does, and for such an axis.
    """
    from cellml.io import open_tilts, write_json, write_tilts
    from cellml.io.overlap import require_apart
    from cellml.tomography.alignment.align import align_tilts
    from cellml.tomography.alignment.matching import ProjectionMatching
    from cellml.tomography.axis_check import require_axis
    from cellml.tomography.order_check import order_warning
    from cellml.tomography.slabs import preview

    begin = time.perf_counter()
    require_apart(output, input)
    with open_tilts(input, angles=angles, axis_angle=axis_angle, pretilt=pretilt, pixel=pixel, exclude=exclude, fill=fill) as tilts:
        series, doubt = tilts.read(), order_warning(preview(tilts))
    if check_axis:
        require_axis(series)
    if doubt:
        log.warning(doubt)
    how = ProjectionMatching(thickness, iterations, finest)
    found = align_tilts(series, how, coarse=coarse, search_axis=search_axis, centre=centre)
    write_tilts(replace(found.applied(series), name=Path(output).name), output)
    seconds = time.perf_counter() - begin
    numbers: dict[str, Any] = {"axis_angle_deg": found.axis_angle, "residual_before_px": found.before, "residual_after_px": found.after}
    if found.centring is not None:
        _say(found.centring)
        numbers |= {"axis_by": found.centring.way, "axis_error_px": found.centring.error if isfinite(found.centring.error) else None}
    if shifts is not None:
        write_json(shifts, {**numbers, "angles_deg": series.angles.tolist(), "shifts_vu_px": found.shifts.tolist()})
    log.info(
        "%s: %d projections, residual %.2f px before and %.2f px after alignment, tilt axis at %.2f°, %.1f s",
        output,
        len(series.data),
        found.before,
        found.after,
        found.axis_angle,
        seconds,
    )
    return {"output": output, **numbers, "seconds": seconds}


def _say(centring: Centring) -> None:
    """What the place of the axis rests on."""
    if centring.way == "undetermined":
        log.warning(
            "The offset of the tilt axis cannot be determined: %s. Look for arcs in the reconstruction; a thickness= nearer to the "
            "specimen's, more tilts, or fiducials may tell.",
            centring.reason,
        )
    elif centring.way == "consistency":
        log.info("The tilt axis is known to ± %.2f px, by what a reconstruction explains", centring.error)
    else:
        log.info("Centres of mass moved the projections by %.2f px rms, known to ± %.2f px", centring.moved, centring.error)
