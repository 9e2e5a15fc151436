"""Do the bands of learned laws hold the laws? See README.md.

python experiments/learned_laws/run.py            # learns what is missing, writes results.json and figure.png; resumable
python experiments/learned_laws/run.py summary    # the same without learning
"""

from __future__ import annotations

import sys
from pathlib import Path

import energies
import numpy as np
import rates
from figure import draw

from cellml.report.results import write_study_results
from cellml.report.rows import read_rows

HERE = Path(__file__).parent
RATES, ENERGIES, EXAMPLES = HERE / "rates.csv", HERE / "energies.csv", HERE / "examples.csv"
SETTING, SEEDS = (8, 0.01), 20
Values = dict[str, tuple[float | None, str]]


def learn() -> None:
    """All rows, half of the seeds of both parts first."""
    rates.write_examples(EXAMPLES, *SETTING)
    for seeds in (SEEDS // 2, SEEDS):
        rates.write_rows(RATES, [SETTING], seeds)
        energies.write_rows(ENERGIES, seeds)


def shares(prefix: str, rows: list[dict[str, str]], keys: dict[str, str]) -> Values:
    """Means over rows with a bootstrap interval (95 %) of the coverage; keys: column by name."""
    found: Values = {f"{prefix}_data_sets": (float(len(rows)), "count")}
    for name, column in keys.items():
        values = np.array([float(row[column]) for row in rows if row[column] not in ("", "nan")])
        found[f"{prefix}_{name}"] = (float(values.mean()) if len(values) else None, "1")
        if name == "coverage" and len(values):
            means = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
            low, high = np.percentile(means, (2.5, 97.5))
            found |= {f"{prefix}_coverage_low": (float(low), "1"), f"{prefix}_coverage_high": (float(high), "1")}
    return found


def summarise() -> None:
    """Write results.json and figure.png; print the numbers."""
    rows, values = read_rows(RATES), {}
    keys = {"coverage": "inside", "width": "width", "coverage_below": "inside_below", "coverage_above": "inside_above"}
    keys |= {"width_above": "width_above", "error": "error"}
    values |= shares("rates", rows, keys)
    for kind in rates.RATES:
        values |= shares(f"rates_{kind}", [row for row in rows if row["kind"] == kind], keys)
    stretched = read_rows(ENERGIES)
    keys = {"coverage": "inside", "half_width": "half_width", "coverage_unseen": "inside_unseen", "half_width_unseen": "half_width_unseen"}
    values["energies_refused"] = (float(sum(row["curve"].startswith("refused") for row in stretched)), "count")
    for tests in energies.TESTS:
        for curve in energies.CURVES:
            values |= shares(f"{tests}, {curve}", [r for r in stretched if (r["tests"], r["curve"]) == (tests, curve)], keys)
    write_study_results(HERE, values, seed=0, units=SETTING[0], noise=SETTING[1], level=0.9)
    for key, (value, unit) in values.items():
        print(f"{key:48} {'–' if value is None else f'{value:.3g}':>10} {unit}")
    draw(read_rows(EXAMPLES), rows, stretched, HERE / "figure.png")


if __name__ == "__main__":
    if sys.argv[1:] != ["summary"]:
        learn()
    summarise()
