"""The rows of the study to its numbers: results.json."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

Rows = list[dict[str, str]]
Value = tuple[float | None, str]


def summarise(folder: Path) -> dict[str, Value]:
    """Read every table, print how the objects of each set ended, and write results.json with the numbers of `experiments/targets.yaml`."""
    from sets import HOSTILE, VESICLE_SEED

    from cellml.report.results import write_study_results

    rows = read(folder)
    values = numbers(rows)
    commits = sorted({row["commit"] for row in rows})
    cpu = sum(float(row["cpu_s"] or 0) for row in rows)
    write_study_results(
        folder, values, seed=VESICLE_SEED, hostile_seeds=f"0–{HOSTILE - 1}", commits=commits, objects=len(rows), cpu_s=round(cpu)
    )
    for set in dict.fromkeys(row["set"] for row in rows):
        print(f"{set:14}", dict(Counter(row["outcome"] for row in rows if row["set"] == set)))
    for key, (value, unit) in values.items():
        print(f"{key:28} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    return values


def read(folder: Path) -> Rows:
    """All rows of all sets, in the order of the files' names; compare.csv is another table."""
    rows: Rows = []
    for path in sorted(folder.glob("*.csv")):
        if path.name != "compare.csv":
            with path.open(encoding="utf-8", newline="") as file:
                rows += list(csv.DictReader(file))
    return rows


def succeeded(row: dict[str, str]) -> bool:
    """Certified, and nothing in our own measurements contradicts it."""
    return row["outcome"] == "certified" and not row["contradictions"]


def wrong(row: dict[str, str]) -> bool:
    """Ended neither in a certified mesh that is one, nor in a refusal (of the labels or of the mesh) whose reason is true."""
    if row["outcome"] in ("refused", "failed_gate"):
        return row["reason_verified"] != "True"
    return row["outcome"] == "certified" and bool(row["contradictions"])


def numbers(rows: Rows) -> dict[str, Value]:
    """The keys of `experiments/targets.yaml`, and some more. A set without rows gives None, which counts as missing."""
    of = {set: [row for row in rows if row["set"] == set] for set in {row["set"] for row in rows}}
    hostile, certified = of.get("hostile", []), [row for row in rows if row["outcome"] == "certified"]
    analytic, spine = of.get("analytic", []), [row for row in of.get("rough_spine", []) if row["object"] == "labels"]
    smooth = [row for row in hostile if row["kind"] in ("smooth field", "smooth labels")]
    real = [row for set in ("spines", "urocell", "fib25", "neurite_mito", "vnc") for row in of.get(set, [])]
    return {
        "spines_success": (_share(of.get("spines", [])), "1"),
        "urocell_success": (_share(of.get("urocell", [])), "1"),
        "fib25_success": (_share(of.get("fib25", [])), "1"),
        "hostile_crashes": (_count(hostile, lambda row: row["outcome"] in ("crash", "memory")), "count"),
        "hostile_hangs": (_count(hostile, lambda row: row["outcome"] == "hang"), "count"),
        "hostile_wrong_refusals": (_count(hostile, wrong), "count"),
        "random_fields_success": (_share(smooth), "1"),
        "min_dihedral_over_all": (_extreme(min, certified, "dihedral_min"), "deg"),
        "surface_angle_min": (_extreme(min, certified, "surface_angle_min"), "deg"),
        "surface_angle_max": (_extreme(max, certified, "surface_angle_max"), "deg"),
        "volume_error_max": (_extreme(max, certified, "volume_error_max"), "1"),
        "analytic_volume_error_max": (_extreme(max, analytic, "volume_error_max", "thin_volume_error_max"), "1"),
        "distance_p99_max": (_extreme(max, certified, "distance_p99"), "voxel"),
        "rough_spine_cpu": (_extreme(max, spine, "cpu_s"), "s"),
        "rough_spine_memory": (_extreme(max, spine, "peak_mb"), "MB"),
        "neurite_mito_success": (_share(of.get("neurite_mito", [])), "1"),
        "vnc_success": (_share(of.get("vnc", [])), "1"),
        "analytic_success": (_share(analytic), "1"),
        "real_objects_success": (_share(real), "1"),
        "real_crashes_hangs_wrong": (_count(real, lambda row: row["outcome"] in ("crash", "memory", "hang") or wrong(row)), "count"),
        "hostile_success": (_share(hostile), "1"),
        "thin_volume_error_max": (_extreme(max, certified, "thin_volume_error_max"), "1"),
        "topology_changed": (
            _count(certified, lambda row: row["euler"] != row["euler_before"] or row["components"] != row["components_before"]),
            "count",
        ),
    }


def _share(rows: Rows) -> float | None:
    return sum(map(succeeded, rows)) / len(rows) if rows else None


def _count(rows: Rows, is_one: Callable[[dict[str, str]], bool]) -> float | None:
    return float(sum(map(is_one, rows))) if rows else None


def _extreme(of: Callable[[Iterable[float]], float], rows: Rows, *columns: str) -> float | None:
    found = [float(row[column]) for row in rows for column in columns if row[column] != ""]
    return of(found) if found else None
