"""The tilt series that a repair starts from, or returns to: read, checked against the checkpoint, its axis turned along Y."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellml.errors import CellmlError, ContractError
from cellml.types import TiltSeries

log = logging.getLogger(__name__)


def recorded_series(
    reference: str,
    contract: Mapping[str, Any],
    *,
    angles: Any = None,
    spacing_nm: Sequence[float] | None = None,
    wedge: Sequence[float] | None = None,
) -> TiltSeries:
    """Read a whole tilt series: float32 (N, Y, W), axis along Y, `levelled` (each projection's mean taken off).

    angles: numbers or an angle file where none stands beside it; spacing_nm: whose last number is the pixel size where the file does not
    know it; wedge: first and last tilt and step to be held against the checkpoint, the series' own where None. Raises ContractError where
    pixel size or tilts are not what the checkpoint learned, CellmlError as `cellml.io.open_tilts` and for values that are not finite.
    """
    from cellml.infer.repair import known_tilts
    from cellml.io import open_tilts
    from cellml.tomography.axis import axis_along_y
    from cellml.tomography.doubts import doubts
    from cellml.tomography.tilt_return import levelled

    with open_tilts(reference, angles=angles, pixel=None if spacing_nm is None else float(spacing_nm[-1])) as source:
        try:
            series = source.read()
        except CellmlError as error:  # infer has no such keys of its own
            raise CellmlError(f"{error} Such keys belong to cellml align, whose output can be repaired.") from error
    trained = float(contract["spacing_nm"][-1])
    if abs(series.pixel - trained) > 0.02 * trained:
        raise ContractError(
            f"{reference} has pixels of {series.pixel:g} nm, but the checkpoint was trained at {trained:g} nm. Bin the series, correct its "
            "pixel size (spacing_nm=[z,y,x]), or train at this size."
        )
    known_tilts(contract["wedge"], wedge or range_of(series), reference)
    for doubt in doubts(series):
        log.warning(doubt)
    if not np.ptp(series.data, axis=(1, 2)).any():
        raise CellmlError(f"Every projection of {reference} has one value throughout; there is nothing to repair. Choose another file.")
    return levelled(axis_along_y(series) if series.axis_angle else series)


def range_of(series: TiltSeries) -> list[float]:
    """First and last tilt and the usual step between tilts, in degrees."""
    tilts = np.sort(series.tilts)
    return [float(tilts[0]), float(tilts[-1]), float(np.median(np.diff(tilts)))]


def given_series(
    files: Sequence[str], tilts: str | None, contract: Mapping[str, Any], name: str, *, angles: Any = None, **known: Any
) -> tuple[TiltSeries | None, bool]:
    """The series among what was given to `cellml infer`, None without one, and whether it is all that was given: no volume beside it.

    files: inputs; tilts: a series named apart. An input is a series where it is named as `tilts` too, and, where no other series is, by
    having angles given or beside it; of sinogram networks always. known: as in `recorded_series`. Raises CellmlError for a series where the
    checkpoint repairs none, and where a volume is expected.
    """
    from cellml.io.tilt_kind import is_tilt_series, require_volume_file

    if contract.get("axes") == "TILTS" and len(files) > 1:
        raise CellmlError(
            f"The checkpoint fills the sinograms of one tilt series, but {name} are {len(files)} files. Give the series alone."
        )
    named = tilts == files[0] if tilts is not None else angles is not None or is_tilt_series(files[0])
    alone = len(files) == 1 and (named or contract.get("axes") == "TILTS")
    if tilts is not None and alone and not named:
        raise CellmlError(f"The checkpoint takes a tilt series and no volume: give input={tilts} alone, and leave tilts= out.")
    if not alone:
        for file in files:
            require_volume_file(file)
    if not alone and tilts is None and angles is None:
        return None, False
    if "wedge" not in contract:
        raise CellmlError(
            f"{tilts or name} is taken for a tilt series (by its suffix, by angles= or tilts=, or by the angle file or mdoc beside it), "
            f"but the checkpoint predicts from volumes. Reconstruct it first (cellml reconstruct input={tilts or name} "
            "output=volume.mrc); if it is a volume, move it away from that file, and leave angles= and tilts= out."
        )
    if tilts is None and not alone:
        raise CellmlError(f"angles= belong to a tilt series, and {name} are volumes; name the series that they were made of as tilts=.")
    return recorded_series(tilts or files[0], contract, angles=angles, **known), alone


def depth_of(series: TiltSeries, thickness: int | None) -> int:
    """Voxels along z: as asked, or as many as projections are wide. Raises CellmlError for none, or more than that."""
    width = series.data.shape[2]
    if thickness is not None and not 1 <= thickness <= width:
        raise CellmlError(f"thickness={thickness} must be 1 to {width} voxels, the width of {series.name}.")
    return width if thickness is None else thickness


def require_same_grid(shape: Sequence[int], spacing: Sequence[float], series: TiltSeries, name: str) -> None:
    """Raise ContractError unless a volume of shape (Z, Y, X) and spacing (z, y, x) in nm has the rows, columns and pixels of a series."""
    _, rows, width = series.data.shape
    if tuple(shape[1:]) != (rows, width):
        raise ContractError(
            f"{name} has {shape[1]} × {shape[2]} voxels (y, x), but {series.name} {rows} × {width} pixels: its projections show what the "
            "volume does not. Reconstruct the whole field of view from this series, or leave tilts= out."
        )
    if any(abs(size - series.pixel) > 0.02 * series.pixel for size in spacing):
        raise ContractError(
            f"{name} has voxels of {tuple(round(float(s), 4) for s in spacing)} nm (z, y, x), but {series.name} pixels of {series.pixel:g} "
            "nm; they must agree. Correct the one that is wrong, or reconstruct the volume at the pixel size of the series."
        )
