"""Every reference case of the simulation with its gate: `python experiments/verification/run.py`.

Runs what has no rows yet, prints the table, and writes results.json and orders.png. cases=sphere,crank runs these (again); cases= runs none
and prints what there is. A case that fails leaves no rows and does not stop the others.
"""

from __future__ import annotations

import csv
import sys
import time
import traceback
from pathlib import Path

import engine_cases
import other_cases
import yaml
from case import Case, Outcome
from figure import draw

from cellml.errors import CellmlError
from cellml.provenance import commit
from cellml.report.results import write_study_results

HERE = Path(__file__).parent
CASES: tuple[Case, ...] = (*engine_cases.CASES, *other_cases.CASES)
VALUES, POINTS = HERE / "values.csv", HERE / "rows.csv"
VALUE_COLUMNS = ("case", "key", "value", "unit", "cpu_s", "commit")
POINT_COLUMNS = ("case", "series", "size", "error", "tets", "unknowns", "steps", "seconds")


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a table; none if there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def replace_rows(path: Path, columns: tuple[str, ...], case: str, rows: list[dict[str, object]]) -> None:
    """Put the rows of a case in the place of those that it had; cases keep the order of `CASES`."""
    order = [each.name for each in CASES]
    kept = [row for row in read(path) if row["case"] != case and row["case"] in order]
    whole = sorted([*kept, *rows], key=lambda row: order.index(str(row["case"])))
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(whole)
    partial.replace(path)


def keep(case: Case, outcome: Outcome, cpu_s: float) -> None:
    """Write what a case gave."""
    points = [
        {"case": case.name, **{name: f"{v:.8g}" if isinstance(v, float) else v for name, v in vars(p).items()}} for p in outcome.points
    ]
    replace_rows(POINTS, POINT_COLUMNS, case.name, points)
    of = {"case": case.name, "cpu_s": f"{cpu_s:.1f}", "commit": commit()}
    values = [{**of, "key": key, "value": f"{value:.6g}", "unit": unit} for key, (value, unit) in outcome.values.items()]
    replace_rows(VALUES, VALUE_COLUMNS, case.name, values)


def attempt(case: Case) -> None:
    """Run a case; say what went wrong, and go on."""
    begin = time.process_time()
    try:
        outcome = case.run()
    except Exception:
        traceback.print_exc()
        print(f"{case.name}: failed, see above", flush=True)
        return
    keep(case, outcome, time.process_time() - begin)
    print(f"{case.name}: {time.process_time() - begin:.1f} s", flush=True)


def table() -> str:
    """A line for each value, with its gate where it has one."""
    targets = yaml.safe_load((HERE.parent / "targets.yaml").read_text(encoding="utf-8"))["verification"]
    lines, found = [], {row["key"]: row for row in read(VALUES)}
    for key in [*targets, *(key for key in found if key not in targets)]:
        target, better, unit = targets.get(key, (None, "", found.get(key, {}).get("unit", "")))
        gate = "" if target is None else f"{'≤' if better == 'lower' else '≥'} {target:g}"
        if key not in found:
            lines.append(f"{key:38} {'missing':>12} {gate:12} {unit}")
            continue
        value = float(found[key]["value"])
        met = "" if target is None else "ok" if (value <= target if better == "lower" else value >= target) else "FALLS SHORT"
        lines.append(f"{key:38} {value:12.4g} {gate:12} {unit:6} {met}")
    return "\n".join(lines)


def main(words: list[str]) -> None:
    options = dict(word.split("=", 1) for word in words)
    names = [case.name for case in CASES]
    done = {row["case"] for row in read(VALUES)}
    chosen = [c for c in options["cases"].split(",") if c] if "cases" in options else [name for name in names if name not in done]
    for unknown in (name for name in chosen if name not in names):
        raise CellmlError(f"There is no case {unknown!r}; there are {', '.join(names)}.")
    for case in CASES:
        if case.name in chosen:
            attempt(case)
    print(table())
    values = {row["key"]: (float(row["value"]), row["unit"]) for row in read(VALUES)}
    write_study_results(HERE, values, seed=0)
    draw(read(POINTS), {case.name: case.title for case in CASES}, HERE / "orders.png")


if __name__ == "__main__":
    main(sys.argv[1:])
