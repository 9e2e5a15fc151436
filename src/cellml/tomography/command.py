"""The verb `reconstruct`: a tilt series in, a volume out, however large."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from cellml.types import TiltSeries

log = logging.getLogger(__name__)


def reconstruct_file(
    input: str,
    output: str,
    method: Mapping[str, Any] | None = None,
    thickness: int | None = None,
    thickness_nm: float | None = None,
    angles: Any = None,
    axis_angle: float | None = None,
    pretilt: float = 0.0,
    pixel: float | None = None,
    exclude: Sequence[int] = (),
    half: str | None = None,
    fill: bool = False,
    rows: int | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> dict[str, Any]:
    """Reconstruct a tilt series slab by slab and write the volume.

    input: .st, .ali, .mrc, Data Exchange HDF5 or a TIFF stack; output: the suffix chooses the format; method: as `_target_` and arguments;
    thickness, thickness_nm: of the volume along z, one of both (neither: half the width of the images); angles, axis_angle, pretilt, pixel,
    exclude, fill: as in `cellml.io.tilts.open_tilts`; half: "even" or "odd" for every second tilt alone, as `cellml.tomography.halves` has
    them, whose noise is independent of the others'; rows: of the images held at a time; device: auto, cpu or cuda; threads: None for all
    cores. An axis that seems to be off by 90°, and angles in
    another order than the projections, are said. Returns output, shape, thickness, voxels and seconds. Raises CellmlError where no
    method was chosen and for what reading and reconstruction refuse.
    """
    from hydra.utils import instantiate

    from cellml.help import choices
    from cellml.infer.device import choose_device, set_threads
    from cellml.io.overlap import require_apart
    from cellml.io.tilts import open_tilts
    from cellml.tomography.doubts import doubts
    from cellml.tomography.slabs import Turned, preview, reconstruct_slabs

    if method is None:
        raise CellmlError(f"Choose a method: method={' or '.join(choices('reconstruction'))}.")
    require_apart(output, input)
    how, place, begin = instantiate(dict(method), _convert_="all"), choose_device(device), time.perf_counter()
    set_threads(threads)
    reading = {"angles": angles, "axis_angle": axis_angle, "pretilt": pretilt, "pixel": pixel, "fill": fill}
    with open_tilts(input, **reading, exclude=_left_out(input, half, exclude, reading)) as tilts:
        source = Turned(tilts) if tilts.series.axis_angle else tilts
        small = preview(tilts)  # as recorded: the remedy is an axis_angle of the images, not of those that were turned already
        for doubt in doubts(small):
            log.warning(doubt)
        depth = chosen_thickness(source.series, thickness, thickness_nm)
        shape = reconstruct_slabs(source, output, depth, how, rows=rows, device=place, progress=_progress)
    seconds = time.perf_counter() - begin
    log.info("%s: %d × %d × %d voxels (z, y, x) in %.1f s", output, *shape, seconds)
    return {"output": output, "shape": list(shape), "thickness": depth, "voxels": shape[0] * shape[1] * shape[2], "seconds": seconds}


def _left_out(input: str, half: str | None, exclude: Sequence[int], reading: Mapping[str, Any]) -> Sequence[int]:
    """Projections to leave out, counted from 0: those that are excluded and, of the others, those of the other half."""
    from cellml.io.tilts import open_tilts
    from cellml.tomography.halves import other_half

    if half is None:
        return exclude
    with open_tilts(input, **reading, exclude=exclude) as tilts:
        others = other_half(tilts.series.tilts, half)
        kept = [n for n in range(len(tilts.series.angles) + len(set(exclude))) if n not in set(exclude)]
    return [*exclude, *(kept[n] for n in others)]


def chosen_thickness(series: TiltSeries, voxels: int | None, nm: float | None) -> int:
    """Voxels along z: as given in one of two ways, or half the width of the images, which is said. Raises CellmlError for both, or none."""
    if voxels is not None and nm is not None:
        raise CellmlError(f"Give the thickness in voxels or in nm, not both: thickness={voxels}, thickness_nm={nm:g}.")
    if voxels is not None:
        return voxels
    if nm is None:
        half = max(1, series.data.shape[2] // 2)
        log.warning("No thickness was given: %d voxels (%.4g nm), half the width of the images.", half, half * series.pixel)
        return half
    depth = round(nm / series.pixel) if 0 < nm < float("inf") else 0
    if depth < 1:
        raise CellmlError(f"thickness_nm={nm:g} is less than one voxel of {series.pixel:g} nm; give the thickness of the specimen in nm.")
    return depth


def _progress(done: int, rows: int) -> None:
    log.info("%d of %d rows", done, rows)
