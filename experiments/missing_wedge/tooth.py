"""Real projections: X-ray tomography of a tooth, of which only ±60° or ±45° are used; the tilts left out judge the reconstruction."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from classical import run
from numpy.typing import NDArray

from cellml.io.tilts import read_tilts
from cellml.metrics.psnr import psnr
from cellml.metrics.reprojection import reprojection_error
from cellml.metrics.wedge_correlation import in_wedge_correlation
from cellml.report.rows import append_row, read_rows
from cellml.types import TiltSeries, Volume

TABLE = Path(__file__).parent / "tooth.csv"
BINNING = 2  # pixels along u: 640 become 320
CHOICES = {
    "wbp": (0,),
    "wbp_exact": (0,),
    "wbp_sirt_like": (0,),
    "sirt": (10, 40, 160),
    "cg": (6, 12, 24),
    "tv": (0.0003, 0.001, 0.003, 0.01),
    "wiener": (0,),
}


def tooth() -> TiltSeries:
    """All 181 projections of the first row, the axis in the middle, tilts from −90° to 90°; pixels have no unit in the file, so 1 µm."""
    series = read_tilts(Path(os.environ["CELLML_DATA"]) / "tomopy_tooth.h5", pixel=1000.0)
    data = series.data[:, :1]
    shift = _off_centre(data)
    data = np.roll(data, -round(2 * shift) // 2, axis=2)
    data = data.reshape(len(data), 1, -1, BINNING).mean(axis=3)
    return TiltSeries(np.asarray(data, np.float32), series.angles - 90, 1000.0 * BINNING, name="tooth")


def _off_centre(data: NDArray[Any]) -> float:
    """Pixels by which the axis lies right of the middle: half the shift between the first projection and the last one's mirror image."""
    first, last = data[0, 0] - data[0, 0].mean(), data[-1, 0, ::-1] - data[-1, 0].mean()
    correlation = np.fft.irfft(np.fft.rfft(first) * np.conj(np.fft.rfft(last)), n=first.size)
    peak = int(correlation.argmax())
    return (peak - first.size if peak > first.size // 2 else peak) / 2


def subset(series: TiltSeries, chosen: NDArray[np.bool_]) -> TiltSeries:
    """Some of the projections."""
    return replace(series, data=series.data[chosen], angles=series.angles[chosen], doses=series.doses[:0])


def main() -> None:
    """A row for each range and method; the numbers of each are chosen by every tenth of the used tilts, left out for that."""
    if not (Path(os.environ.get("CELLML_DATA", "")) / "tomopy_tooth.h5").is_file():
        print("no tooth: tomopy_tooth.h5 is not in the folder that CELLML_DATA names")
        return
    done = {(r["half_range"], r["method"]) for r in read_rows(TABLE)}
    series = tooth()
    depth = series.data.shape[2]
    reference = run("cg", series, depth, 12)
    for half in (60, 45):
        used = np.abs(series.angles) <= half
        spared = used & (np.arange(len(used)) % 10 == 5)
        for method, choices in CHOICES.items():
            if (str(half), method) in done:
                continue
            errors = {c: _error(run(method, subset(series, used & ~spared), depth, c), subset(series, spared)) for c in choices}
            choice = min(errors, key=lambda c: errors[c])
            volume = run(method, subset(series, used), depth, choice)
            tilts = series.angles[used]
            row = {
                "half_range": half, "method": method, "choice": choice, "spared_error": round(errors[choice], 4),
                "held_out_error": round(_error(volume, subset(series, ~used)), 4),
                "psnr_to_full_range": round(psnr(reference, volume), 3),
                "in_wedge_to_full_range": round(in_wedge_correlation(reference, volume, tilts), 4),
            }  # fmt: skip
            append_row(TABLE, row)


def _error(volume: NDArray[np.float32], held_out: TiltSeries) -> float:
    return reprojection_error(Volume(volume, (held_out.pixel,) * 3), held_out).relative


if __name__ == "__main__":
    main()
