"""cellml's reconstruction beside scikit-image's (and ASTRA's, where it is installed): `python experiments/tomography_speed/run.py`.

parts=speed,quality,memory chooses what is measured; rows of the rest are kept. slices=8 of scikit-image, turns=2, threads=2.
"""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.transform import iradon, iradon_sart

from cellml.report.results import write_study_results
from cellml.tomography.ellipses import ellipse_series
from cellml.tomography.projector import ParallelProjector
from cellml.tomography.sirt import sirt
from cellml.tomography.wbp import wbp

HERE = Path(__file__).parent
WIDTH, HEIGHT, DEPTH, TILTS = 512, 512, 256, np.arange(-60, 61, 2.0)
PASSES = 2


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """(seconds, seconds of the processor over all threads)."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def speed(slices: int, turns: int, threads: int) -> list[dict[str, Any]]:
    """Programs take turns. Times are for 512 slices, and one pass of iterative methods; all but cellml's are scaled up from `slices`."""
    torch.set_num_threads(threads)
    series = ellipse_series(TILTS, WIDTH, rows=HEIGHT)
    sinogram = np.ascontiguousarray(series.data[:, 0].T.astype(np.float64))
    warm = ellipse_series(TILTS, 32, rows=2)
    wbp(warm, 16), sirt(warm, 16, 1)  # compiled or read from the cache before the clock starts
    calls: dict[tuple[str, str], tuple[Callable[[], Any], float]] = {
        ("cellml", "wbp"): (lambda: wbp(series, DEPTH), 1.0),
        ("scikit-image", "wbp"): (lambda: [iradon(sinogram, theta=-TILTS) for _ in range(slices)], HEIGHT / slices),
        ("cellml", "sirt"): (lambda: sirt(series, DEPTH, PASSES), 1.0 / PASSES),
        ("scikit-image", "sirt"): (lambda: [iradon_sart(sinogram, theta=-TILTS) for _ in range(slices)], HEIGHT / slices),
        **astra_calls(sinogram, slices),
    }
    found = []
    for turn in range(turns):
        for (program, method), (call, scale) in calls.items():
            wall, processor = timed(call)
            row = {"program": program, "method": method, "turn": turn, "wall_s": wall * scale, "processor_s": processor * scale}
            print(row, flush=True)
            found.append(row)
    return found


def astra_calls(sinogram: np.ndarray, slices: int) -> dict[tuple[str, str], tuple[Callable[[], Any], float]]:
    """ASTRA's FBP and SIRT on the processor, slice by slice of 256 × 512 voxels; nothing where ASTRA is not installed."""
    try:
        import astra
    except ImportError:
        return {}
    volume, detector = astra.create_vol_geom(DEPTH, WIDTH), astra.create_proj_geom("parallel", 1.0, WIDTH, np.deg2rad(TILTS))
    projector = astra.create_projector("linear", detector, volume)
    lines = astra.data2d.create("-sino", detector, np.ascontiguousarray(sinogram.T.astype(np.float32)))
    target = astra.data2d.create("-vol", volume)

    def run(name: str, passes: int) -> None:
        options = {"type": name, "ProjectorId": projector, "ProjectionDataId": lines, "ReconstructionDataId": target}
        for _ in range(slices):
            algorithm = astra.algorithm.create(options)
            astra.algorithm.run(algorithm, passes)
            astra.algorithm.delete(algorithm)

    scale = HEIGHT / slices
    return {("ASTRA", "wbp"): (lambda: run("FBP", 1), scale), ("ASTRA", "sirt"): (lambda: run("SIRT", PASSES), scale / PASSES)}


def adjoint_mismatch() -> float:
    """|⟨A x, y⟩ - ⟨x, Aᵀ y⟩| / ⟨A x, y⟩ in float32 at the size of the speed test, 16 rows, with shifts along both axes."""
    random = torch.Generator().manual_seed(0)
    shifts = torch.randn(len(TILTS), 2, generator=random)
    projector = ParallelProjector(TILTS, (DEPTH, 16, WIDTH), shifts=shifts)
    volume, lines = torch.rand(DEPTH, 16, WIDTH, generator=random), torch.rand(*projector.projection_shape, generator=random)
    forward = (projector.forward(volume).double() * lines.double()).sum()
    back = (volume.double() * projector.adjoint(lines).double()).sum()
    return float((forward - back).abs() / forward.abs())


def memory() -> list[dict[str, Any]]:
    """Two heights, of which one makes a volume four times as large: the peak should stay."""
    found = []
    for method in ("wbp", "sirt"):
        for height in (256, 1024):
            words = [sys.executable, str(HERE / "memory.py"), str(height), "512", "256", method]
            line = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
            print(line, flush=True)
            found.append(json.loads(line))
    return found


def ratio(rows: list[dict[str, str]], program: str, method: str, column: str) -> float | None:
    """Median time of a program over that of cellml. scikit-image is charged for the voxels asked for, half of what it computes."""
    times = {p: [float(r[column]) for r in rows if r["program"] == p and r["method"] == method] for p in (program, "cellml")}
    if not times[program] or not times["cellml"]:
        return None
    share = DEPTH / WIDTH if program == "scikit-image" else 1.0
    return share * statistics.median(times[program]) / statistics.median(times["cellml"])


def kept(name: str, measured: list[dict[str, Any]] | None) -> list[dict[str, str]]:
    """Write rows where they were measured, and return what NAME.csv holds."""
    path = HERE / f"{name}.csv"
    if measured is not None:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(measured[0]))
            writer.writeheader()
            writer.writerows({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()} for row in measured)
    return list(csv.DictReader(path.open())) if path.exists() else []


def main(words: list[str]) -> None:
    """Measure, and write results.json from all rows there are."""
    options = {"parts": "speed,quality,memory", "slices": "8", "turns": "2", "threads": "2"} | dict(w.split("=", 1) for w in words)
    parts = options["parts"].split(",")
    from quality import rows as quality

    timings = kept("speed", speed(int(options["slices"]), int(options["turns"]), int(options["threads"])) if "speed" in parts else None)
    scored = kept("quality", quality() if "quality" in parts else None)
    peaks = kept("memory", memory() if "memory" in parts else None)
    values: dict[str, tuple[float | None, str]] = {"adjoint_mismatch": (adjoint_mismatch(), "1")}
    for method in ("wbp", "sirt"):
        values[f"{method}_vs_skimage"] = (ratio(timings, "scikit-image", method, "processor_s"), "1")
        values[f"{method}_vs_skimage_wall"] = (ratio(timings, "scikit-image", method, "wall_s"), "1")
        values[f"{method}_vs_astra"] = (ratio(timings, "ASTRA", method, "processor_s"), "1")
    for row in peaks:
        values[f"peak_memory_{row['method']}_{row['height']}"] = (float(row["peak_mb"]), "MB")
    for row in scored:
        print(row)
    for key, (value, unit) in values.items():
        print(f"{key:28} {'–' if value is None else f'{value:.4g}'} {unit}")
    measured = {key: (float(f"{value:.4g}"), unit) for key, (value, unit) in values.items() if value is not None}
    write_study_results(HERE, measured, seed=0, threads=int(options["threads"]), slices_of_scikit_image=int(options["slices"]))


if __name__ == "__main__":
    main(sys.argv[1:])
