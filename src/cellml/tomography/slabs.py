"""From a tilt file to a volume file, slab of rows by slab of rows: memory is bounded, whatever the size."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from cellml.io import create_array
from cellml.io.tilts import TiltSource
from cellml.tomography.axis import axis_along_y
from cellml.tomography.reconstruction import Method, check_thickness, rows_at_a_time, sections, slabs, unit_of
from cellml.types import TiltSeries


class Turned:
    """A series in memory, read as a TiltSource is: for images that had to be turned as wholes, because their axis was not along Y."""

    def __init__(self, source: TiltSource) -> None:
        whole = axis_along_y(source.read())
        self._data = whole.data
        empty = np.broadcast_to(np.float32(0), whole.data.shape)
        self.series = TiltSeries(empty, whole.angles, whole.pixel, 0.0, whole.pretilt, whole.doses, whole.name)
        self.shape: tuple[int, int, int] = self.series.data.shape

    def read(self, rows: slice) -> TiltSeries:
        """Rows of all projections."""
        frame = self.series
        return TiltSeries(self._data[:, rows], frame.angles, frame.pixel, 0.0, frame.pretilt, frame.doses, frame.name)


def reconstruct_slabs(
    source: TiltSource | Turned,
    output: str | os.PathLike[str],
    thickness: int,
    method: Method,
    *,
    rows: int | None = None,
    device: str = "cpu",
    progress: Any = None,
) -> tuple[int, int, int]:
    """Reconstruct an open series whose axis runs along Y into a file, and return its shape (Z, Y, X).

    The series is read twice: once for its values' variance, which also finds bad values before any time was spent, once to reconstruct.
    output: its suffix chooses the format; it appears when complete. thickness: voxels; rows: as in `reconstruct`; progress: called with the
    rows that are done and all rows. Raises CellmlError as `reconstruct`, and FileError as `create_array`.
    """
    frame = source.series
    check_thickness(thickness, frame)
    _, height, breadth = source.shape
    pieces = slabs(height, rows_at_a_time(thickness, breadth, rows), method.halo)
    unit = unit_of(_variance(source, [kept for kept, _, _ in pieces]), thickness)
    sink = create_array(output, shape=(thickness, height, breadth), dtype=np.float32, spacing=(frame.pixel,) * 3, name=frame.name)
    with sink:
        for kept, reach, inner in pieces:
            data = source.read(reach).data
            slab = sections(data, frame.tilts, thickness, method, unit=unit, device=device)[:, inner]
            sink.write((slice(None), kept, slice(None)), slab)
            if progress is not None:
                progress(kept.stop, height)
    return (thickness, height, breadth)


def preview(source: TiltSource | Turned, size: int = 256) -> TiltSeries:
    """The series averaged over square bins, so that its images have at most about `size` pixels along each axis."""
    count, height, width = source.shape
    bin_ = max(1, round(max(height, width) / size))
    rows = []
    for start in range(0, max(1, height - bin_ + 1), bin_):
        part = source.read(slice(start, min(start + bin_, height))).data.mean(axis=1)
        rows.append(part[:, : width // bin_ * bin_].reshape(count, -1, bin_).mean(axis=2))
    frame = source.series
    return TiltSeries(np.stack(rows, 1), frame.angles, frame.pixel * bin_, frame.axis_angle, frame.pretilt, frame.doses, frame.name)


def _variance(source: TiltSource | Turned, pieces: list[slice]) -> float:
    """Variance within projections, averaged over them; piece by piece, merged as by Chan, Golub and LeVeque (1983)."""
    count, mean, squares = 0, np.zeros(source.shape[0]), np.zeros(source.shape[0])
    for piece in pieces:
        values = source.read(piece).data.reshape(source.shape[0], -1)
        more, average = values.shape[1], values.mean(axis=1, dtype=np.float64)
        change = average - mean
        squares += values.var(axis=1, dtype=np.float64) * more + change**2 * count * more / (count + more)
        mean += change * more / (count + more)
        count += more
    return float((squares / count).mean())
