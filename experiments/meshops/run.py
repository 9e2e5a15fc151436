"""Are our mesh operations those of pytorch3d, and how fast? `python experiments/meshops/run.py` (turns=5).

Speeds of trimesh are always there, those of point-cloud-utils and pytorch3d where they can be imported (`pip install point-cloud-utils`).
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
os.environ |= ONE_THREAD  # before numpy and torch read it

import figure  # noqa: E402
import jumps  # noqa: E402
import parity  # noqa: E402
import speed  # noqa: E402

from cellml.report.results import write_study_results  # noqa: E402


def write_rows(path: Path, rows: Sequence[dict[str, str | float]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.3g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows)


def chamfer(count: int, turns: int) -> dict[str, float]:
    """Measured in a process of its own."""
    words = [sys.executable, str(HERE / "chamfer_child.py"), str(count), str(turns)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, **ONE_THREAD})
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    turns = int(next((word.removeprefix("turns=") for word in sys.argv[1:] if word.startswith("turns=")), "5"))
    differences = parity.rows()
    write_rows(HERE / "parity.csv", differences)
    large = chamfer(100_000, turns)
    speeds = speed.measured(turns)
    write_rows(HERE / "speed.csv", speeds)
    figure.draw()
    values = {}
    for kind in ("value", "gradient"):
        chosen = [row for row in differences if row["kind"] == kind]
        for key, column in (("error", "difference"), ("error_relative", "relative"), ("share_of_tolerance", "share_of_tolerance")):
            values[f"parity_{kind}_{key}"] = (max(float(row[column]) for row in chosen), "1")
    values |= {
        "parity_arrays": (float(len(differences)), "count"),
        "chamfer_memory_100k": (large["memory_gb"], "GB"),
        "chamfer_block_memory": (large["block_memory_gb"], "GB"),
        "chamfer_time_100k": (large["cellml_s"], "s"),
        "chamfer_time_over_ckdtree": (large["ratio"], "1"),
        "chamfer_difference_from_ckdtree": (large["difference"], "1"),
        "marching_jump": (jumps.largest(1e-3), "cubes"),
        "marching_jump_closeness_1e-2": (jumps.largest(1e-2), "cubes"),
    }
    write_study_results(HERE, {key: (float(f"{value:.4g}"), unit) for key, (value, unit) in values.items()}, seed=0)
    for key, (value, unit) in values.items():
        print(f"{key:34} {value:10.3g} {unit}")


if __name__ == "__main__":
    main()
