"""How often 90 % intervals of kon, koff and D hold the truth: `python experiments/verification/coverage.py fits=200`.

One row a parameter and fit in coverage.csv, appended when the fit is finished; fits that have rows are skipped, so it goes on where it was.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

from cellml.sim.estimation.coverage import NOISE, coverage_rows

TABLE = Path(__file__).parent / "coverage.csv"
COLUMNS = ("noise", "fit", "name", "truth", "estimate", "low", "high", "inside")


def finished() -> set[tuple[float, int]]:
    """Noise and number of the fits that have rows."""
    if not TABLE.is_file():
        return set()
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {(float(row["noise"]), int(row["fit"])) for row in csv.DictReader(file)}


def shares() -> dict[tuple[float, str], tuple[int, int]]:
    """Fits whose interval held the truth, and all fits, by noise and parameter."""
    counts: dict[tuple[float, str], list[int]] = defaultdict(lambda: [0, 0])
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            count = counts[float(row["noise"]), row["name"]]
            count[0] += row["inside"] == "True"
            count[1] += 1
    return {key: (inside, total) for key, (inside, total) in counts.items()}


def main(words: list[str]) -> None:
    """Run what is missing and print the coverage."""
    fits = int(dict(word.split("=", 1) for word in words).get("fits", 200))
    done = finished()
    for number in range(fits):
        for noise in NOISE:
            if (noise, number) in done:
                continue
            for rows in coverage_rows(noise, range(number, number + 1)):
                with TABLE.open("a", encoding="utf-8", newline="") as file:
                    table = csv.writer(file, lineterminator="\n")
                    if file.tell() == 0:
                        table.writerow(COLUMNS)
                    table.writerows([*(getattr(row, name) for name in COLUMNS)] for row in rows)
    for (noise, name), (inside, total) in sorted(shares().items()):
        print(f"noise {noise:.0%}  {name:6} {inside / total:.3f} of {total}")


if __name__ == "__main__":
    main(sys.argv[1:])
