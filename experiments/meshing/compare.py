"""Ten objects, four meshers, one table: `python experiments/meshing/compare.py python=ENVIRONMENT/bin/python` writes compare.csv.

ENVIRONMENT holds the other meshers (README.md says how to make it). Every mesh is made in a process of its own with a time limit, and
measured by the same code, which is none of the meshers'. Rows that are there already are skipped; tools=cgal,tetgen takes some of them.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from isolate import run_isolated
from measure import measure
from numpy.typing import NDArray
from reference import of_label
from sets import Source, load

from cellml.types import Labels

HERE = Path(__file__).parent
OBJECTS = (
    ("rough_spine", "labels"),
    ("rough_spine", "simple"),
    ("analytic", "three nested balls"),
    ("analytic", "two tangent balls, two labels"),
    ("analytic", "helical tube"),
    ("urocell", "fib1-0-0-0 mito 1"),
    ("urocell", "fib1-3-2-1 fv 1"),
    ("vnc", "mitochondrion 5"),
    ("neurite_mito", "neurite 152 mitochondrion 1"),
    ("hostile", "55"),
)
TOOLS = ("cellml", "ftetwild", "cgal", "tetgen")
LIMIT_S = 1500.0  # of wall-clock time: generous, because a machine on which studies run is busy
COLUMNS = (
    *("object", "tool", "outcome", "cpu_s", "peak_mb", "tets", "dihedral_min", "dihedral_p1", "tets_below_10", "surface_angle_min"),
    *(
        "surface_angle_max",
        "shared_too_often",
        "odd_edges",
        "volume_error_max",
        "distance_p99",
        "distance_back_p99",
        "regions_lost",
        "labels_kept",
    ),
)


@dataclass(frozen=True, eq=False)
class Tetrahedra:
    """A mesh as another mesher leaves it, flat and inverted tetrahedra included: points (P, 3) in nm, tets (T, 4), regions (T,)."""

    points: NDArray[np.float64]
    tets: NDArray[np.int64]
    regions: NDArray[np.int32]


def dense(source: Source, border: int) -> Labels:
    """The labels that are meshed, numbered 1, 2, …, with so many voxels of background around them.

    The other meshers know nothing of borders and need one voxel; cellml cuts by a plane what touches the border of its volume.
    """
    assert source.labels is not None
    data = source.labels.data
    chosen = np.where((data > 0) if source.label is None else (data == source.label), data, 0)
    numbers, place = np.unique(chosen, return_inverse=True)
    place = place.reshape(chosen.shape) + (numbers[0] > 0)
    return Labels(np.pad(place, border).astype(np.uint8), source.labels.spacing)


def _run(mark: Callable[[str], None], set: str, name: str, tool: str, python: str) -> dict[str, Any]:
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    labels = dense(load(set, name), 0 if tool == "cellml" else 1)
    mark("begin")
    if tool == "cellml":
        from cellml.meshing import mesh_labels

        def cpu() -> float:
            return sum(used.ru_utime + used.ru_stime for used in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))

        began = cpu()
        made = mesh_labels(labels, timeout_s=LIMIT_S).mesh
        cpu_s, kept, mesh = cpu() - began, True, Tetrahedra(made.points, made.tets, made.regions)
    else:
        mesh, cpu_s, kept = _foreign(labels, tool, python)
    mark("end")
    return {"cpu_s": round(cpu_s, 2), "labels_kept": kept, **_row(mesh, labels)}


def _foreign(labels: Labels, tool: str, python: str) -> tuple[Tetrahedra, float, bool]:
    with tempfile.TemporaryDirectory() as folder:
        source, destination = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(source, labels=labels.data, spacing=np.array(labels.spacing))
        done = subprocess.run(
            [python, str(HERE / "foreign.py"), tool, str(source), str(destination)], capture_output=True, text=True, check=False
        )
        if not destination.exists():
            said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()][-1:]
            raise RuntimeError(f"ended with code {done.returncode}: {' '.join(said)}")
        with np.load(destination) as data:
            inside = np.isin(data["regions"], np.unique(labels.data[labels.data > 0]))
            tets = _outwards(data["points"], data["tets"][inside].astype(np.int64))
            return Tetrahedra(data["points"], tets, data["regions"][inside].astype(np.int32)), float(data["cpu_s"]), bool(data["kept"])


def _outwards(points: NDArray[np.float64], tets: NDArray[np.int64]) -> NDArray[np.int64]:
    a, b, c, d = (points[tets[:, i]] for i in range(4))
    inverted = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) < 0
    return np.where(inverted[:, None], tets[:, [0, 1, 3, 2]], tets)


def _row(mesh: Tetrahedra, labels: Labels) -> dict[str, Any]:
    found = measure(mesh, {int(n): of_label(labels, int(n)) for n in np.unique(labels.data) if n > 0})
    regions = list(found.regions.values())
    return {
        "tets": found.tets,
        "dihedral_min": round(found.dihedral_min, 2),
        "dihedral_p1": round(found.dihedral_p1, 2),
        "tets_below_10": found.tets_below_10,
        "surface_angle_min": round(found.surface_angle_min, 2),
        "surface_angle_max": round(found.surface_angle_max, 2),
        "shared_too_often": found.shared_too_often,
        "odd_edges": sum(r.odd_edges for r in regions),
        "volume_error_max": round(max(abs(r.volume_error) for r in regions), 5),
        "distance_p99": round(max(r.distance_p99 for r in regions), 3),
        "distance_back_p99": round(max(r.distance_back_p99 for r in regions), 3),
        "regions_lost": len(found.lost),
    }


def main(python: str, tools: str = ",".join(TOOLS)) -> None:
    path = HERE / "compare.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.is_file() else []
    done = {(row["object"], row["tool"]) for row in rows}
    for set, name in OBJECTS:
        for tool in tools.split(","):
            if (f"{set}: {name}", tool) in done:
                continue
            ended = run_isolated(_run, set, name, tool, python, limit_s=LIMIT_S, limit_mb=8000.0)
            outcome = "mesh" if ended.how == "done" else f"{ended.how}: {ended.why}"
            row = {"object": f"{set}: {name}", "tool": tool, "outcome": " ".join(outcome.split())[:160], "peak_mb": round(ended.peak_mb)}
            with path.open("a", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
                if file.tell() == 0:
                    writer.writeheader()
                writer.writerow(row | ended.result)
            print({**row, **ended.result}, flush=True)


if __name__ == "__main__":
    main(**dict(word.split("=", 1) for word in sys.argv[1:]))
