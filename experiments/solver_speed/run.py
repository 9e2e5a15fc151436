"""cellml against dolfinx on meshes of real objects: `CELLML_DATA=… python experiments/solver_speed/run.py` (the machine should be idle).

Each measurement is a process of its own with one thread; the two programs take turns, and ratios are medians over the turns of times of the
processor. sizes=50k,200k,1M chooses meshes; turns=3; steps=100. Without dolfinx (Debian: apt-get install python3-dolfinx) only cellml runs.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

import numpy as np
from meshes import SPECIMENS, mesh_file

from cellml.report.results import write_study_results

HERE = Path(__file__).parent
ROWS = HERE / "rows.csv"
SYSTEM_PYTHON = "/usr/bin/python3"
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
# How dolfinx solves: PETSc's own direct solver, and what of its iterative ones was fastest at these sizes.
THEIR_SOLVERS = {"50k": ("lu", "icc"), "200k": ("gamg",), "1M": ("gamg",)}
TOLERANCE = 1e-10
COLUMNS = (
    *("size", "program", "solver", "turn", "tets", "unknowns", "assembly_s", "prepare_s", "stepping_s", "steps", "peak_mb"),
    *("drift", "difference"),
)
Row = dict[str, float | int | str]


def dolfinx_version() -> str:
    """The version that the system's Python has; empty if none."""
    words = [SYSTEM_PYTHON, "-c", "import dolfinx; print(dolfinx.__version__)"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def measured(program: str, mesh: Path, task: dict[str, object]) -> Row:
    """One process, to its line of JSON."""
    child = HERE / f"{program}_child.py"
    python = SYSTEM_PYTHON if program == "dolfinx" else sys.executable
    words = [python, str(child), str(mesh), json.dumps(task)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, **ONE_THREAD}, timeout=3600)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def step_of(mesh: Path) -> float:
    """A thousandth of L²/D, the step of the shipped diffusion model, in s."""
    with np.load(mesh) as archive:
        points = archive["points"]
    centred = points - points.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return float(f"{np.ptp(centred @ axes[:, -1]) ** 2 / 1000:.3g}")


def rows_of(size: str, mesh: Path, turns: int, steps: int, with_dolfinx: bool) -> list[Row]:
    """Both programs in turn, with every solver."""
    found: list[Row] = []
    into = Path(gettempdir()) / "cellml_solver_speed" / "final.npy"
    programs = [("cellml", "auto"), *(("dolfinx", solver) for solver in THEIR_SOLVERS[size] if with_dolfinx)]
    for turn in range(turns):
        reference = None
        for program, solver in programs:
            task = {"assemblies": 3, "steps": steps, "step": step_of(mesh), "solver": solver, "tolerance": TOLERANCE, "into": str(into)}
            row = measured(program, mesh, task)
            final = np.load(into)
            reference = final if reference is None else reference
            difference = float(np.linalg.norm(final - reference) / np.linalg.norm(reference))
            found.append(
                {"size": size, "program": program, "solver": solver, "turn": turn, "steps": steps, "difference": difference, **row}
            )
            print({key: found[-1].get(key, "") for key in COLUMNS}, flush=True)
    return found


def ratios(rows: list[Row]) -> dict[str, float]:
    """Medians over turns, for one size: assembly, peak memory, and steps per time against the fastest solver of dolfinx."""
    ours = sorted((r for r in rows if r["program"] == "cellml"), key=lambda r: r["turn"])
    solvers = {str(r["solver"]) for r in rows if r["program"] == "dolfinx"}

    def theirs(solver: str) -> list[Row]:
        return sorted((r for r in rows if r["solver"] == solver and r["program"] == "dolfinx"), key=lambda r: r["turn"])

    def whole(row: Row) -> float:
        return float(row["prepare_s"]) + float(row["stepping_s"])

    best = min(solvers, key=lambda solver: statistics.median(whole(r) for r in theirs(solver)))
    pairs = list(zip(ours, theirs(best), strict=True))
    return {
        "assembly": statistics.median(float(a["assembly_s"]) / float(b["assembly_s"]) for a, b in pairs),
        "stepping": statistics.median(whole(b) / whole(a) for a, b in pairs),
        "memory": statistics.median(float(a["peak_mb"]) / float(b["peak_mb"]) for a, b in pairs),
    }


def main(words: list[str]) -> None:
    options = {"sizes": "50k,200k,1M", "turns": "3", "steps": "100"} | dict(word.split("=", 1) for word in words)
    version = dolfinx_version()
    if not version:
        print(f"{SYSTEM_PYTHON} has no dolfinx (Debian: apt-get install python3-dolfinx): only cellml is measured, without ratios.")
    chosen = options["sizes"].split(",")
    kept = [dict(row) for row in csv.DictReader(ROWS.open(encoding="utf-8", newline=""))] if ROWS.is_file() else []
    for specimen in (s for s in SPECIMENS if s.name in chosen):
        rows = rows_of(specimen.name, mesh_file(specimen), int(options["turns"]), int(options["steps"]), bool(version))
        kept = [row for row in kept if row["size"] != specimen.name] + rows
        with ROWS.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
            table.writeheader()
            table.writerows(kept)
    summarise(kept, version)


def summarise(rows: list[Row], version: str) -> None:
    """Print the ratios and write results.json: the worst size answers for each target."""
    sizes = [s.name for s in SPECIMENS if any(row["size"] == s.name and row["program"] == "dolfinx" for row in rows)]
    by_size = {size: ratios([row for row in rows if row["size"] == size]) for size in sizes}
    print(f"{'':8}{'assembly (≤ 2)':>18}{'stepping (≥ 1)':>18}{'memory (≤ 1.5)':>18}")
    for size, found in by_size.items():
        print(f"{size:8}{found['assembly']:18.2f}{found['stepping']:18.2f}{found['memory']:18.2f}")
    if not by_size:
        return
    values = {
        "assembly_vs_dolfinx": (max(found["assembly"] for found in by_size.values()), "1"),
        "stepping_vs_dolfinx": (min(found["stepping"] for found in by_size.values()), "1"),
        "memory_vs_dolfinx": (max(found["memory"] for found in by_size.values()), "1"),
    }
    more = {f"{key}_{size}": (value, "1") for size, found in by_size.items() for key, value in found.items()}
    write_study_results(HERE, {key: (round(value, 4), unit) for key, (value, unit) in (values | more).items()}, seed=0, dolfinx=version)


if __name__ == "__main__":
    main(sys.argv[1:])
