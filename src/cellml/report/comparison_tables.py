"""Simulated numbers from the predicted geometry against those from the true one, in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cellml.report.markup import Html, escape, number, table, unit_text
from cellml.report.objects import ObjectRow, statistics


def statistics_table(rows: Sequence[ObjectRow]) -> Html:
    """Per observable: how many objects fared how, and median and 90th percentile of the relative error over all of them."""
    table_rows = statistics(rows)
    rare = [name for name in ("undefined", "timed_out") if any(getattr(s, name) for s in table_rows)]
    header = ["observable", "unit", "objects", "matched", "not resolved", "unmatched", "failed", *(name.replace("_", " ") for name in rare)]
    header += ["median rel. error", "90th percentile"]
    lines = []
    for s in table_rows:
        counts = [s.objects, s.resolved + s.not_resolved, s.not_resolved, s.unmatched, s.failed, *(getattr(s, name) for name in rare)]
        lines.append([s.observable.replace("_", " "), unit_text(s.unit), *counts, percent(s.median_error), percent(s.p90_error)])
    return table(header, lines, text_columns=2)


def objects_table(rows: Sequence[ObjectRow], colours: Mapping[str, str]) -> Html:
    """A row for each truth object, a column for each observable: truth → prediction, and the relative error below.

    colours: #rrggbb of the objects that have a colour elsewhere in the report, by truth_id.
    """
    observables = {s.observable: s.unit for s in statistics(rows)}
    titles = [f"{name.replace('_', ' ')} ({unit_text(unit)})" if unit else name.replace("_", " ") for name, unit in observables.items()]
    header = ["truth object", "predicted", "voxels", "IoU", *titles]
    by_object: dict[str, dict[str, ObjectRow]] = {}
    for row in rows:
        by_object.setdefault(row.truth_id, {})[row.observable] = row
    lines = []
    for truth_id, found in by_object.items():
        first = next(iter(found.values()))
        cells = [_cell(found[name]) if name in found else "" for name in observables]
        lines.append([_swatch(truth_id, colours), first.predicted_id or "–", _count(first.voxels), number(first.iou, 3), *cells])
    return table(header, lines, text_columns=2)


def percent(fraction: float) -> str:
    """A fraction as a percentage of three significant digits; what is below a thousandth of a per cent is said to be."""
    if not np.isfinite(fraction):
        return "–"
    return "< 0.001 %" if 0 < fraction < 1e-5 else f"{number(100.0 * float(fraction), 3)} %"


def _cell(row: ObjectRow) -> Html:
    """Truth → prediction; below it the error, and in words what became of it where it is not simply resolved."""
    below = {
        "resolved": percent(row.error),
        "not resolved": f"{percent(row.error)}, not resolved (± {number(row.discretisation_error, 2)})",
        "unmatched": "unmatched",
        "failed": "failed",
        "undefined": "undefined",
        "timed out": "meshing timed out",
    }[row.outcome]
    pair = f"{number(row.truth, 3)} → {number(row.prediction, 3)}"
    return Html(f'<span class="pair">{escape(pair)}</span><br><small>{escape(below)}</small>')


def _swatch(truth_id: str, colours: Mapping[str, str]) -> Html:
    square = f'<span class="swatch" style="background:{escape(colours[truth_id])}"></span>' if truth_id in colours else ""
    return Html(f"{square}{escape(truth_id)}")


def _count(value: float) -> str:
    return number(round(value)) if np.isfinite(value) else "–"
