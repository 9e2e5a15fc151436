"""The section on a posterior: its table, its histograms and the parts of its variance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import FileError
from cellml.report.markup import Html, escape, number, picture, table, unit_text
from cellml.report.run_folder import AbsentError, RunFolder

POSTERIOR_FILE = "posterior.json"


def posterior_section(run: RunFolder) -> Html:
    """What `cellml pipeline` left: estimates with intervals, and where their variance comes from."""
    path = next(iter(sorted(run.path.rglob(POSTERIOR_FILE))), None)
    if path is None:
        raise AbsentError
    from cellml.pipeline.posterior_figure import posterior_figure

    found, settings = read_posterior(path)
    try:
        with np.load(path.with_name("draws.npz"), allow_pickle=False) as archive:
            draws = {key: archive[key] for key in archive.files}
    except (OSError, ValueError) as error:
        raise FileError(f"{path.with_name('draws.npz')} cannot be read ({error}).") from error
    caption = (
        f"Shaded: the interval that holds {100 * settings['level']:.0f} % of the posterior, with shrinkage and parameters in it. Bars: "
        "shares of the variance of the answer's logarithm, mean over all objects; strokes: 90 % of resampled means."
    )
    why = f"Lengths: {settings['shrinkage_source']}. Diffusion coefficient: {settings['D_source']}."
    drawn = picture(posterior_figure(found, draws), alt="Histograms of the posterior and parts of its variance", caption=caption)
    return Html(_table(found) + _notes(found) + drawn + f"<p>{escape(why)}</p>")


def read_posterior(path: Path) -> tuple[list[Any], Mapping[str, Any]]:
    """Posteriors and the settings they were made with. Raises FileError for a file of another kind."""
    from cellml.pipeline.posterior import Posterior
    from cellml.uncertainty.sobol import Index

    def index(entry: Mapping[str, Any]) -> Index:
        known: dict[str, Any] = {key: float("nan") if value is None else value for key, value in entry.items()}
        return Index(**known)

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = [Posterior(**{**entry, "indices": tuple(map(index, entry["indices"]))}) for entry in content["posteriors"]]
        return found, content["settings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} holds no posteriors of a pipeline ({error}).") from error


def _table(found: Sequence[Any]) -> Html:
    titles = ["object", "observable", "unit", "estimate", "low", "high", "low, geometry", "high, geometry", "without answer", "remark"]
    rows = [
        [
            p.object,
            p.observable.replace("_", " "),
            unit_text(p.unit),
            *("–" if v is None else number(v) for v in (p.estimate, p.low, p.high, p.geometry_low, p.geometry_high)),
            f"{100 * p.missing:.0f} %",
            "" if p.status == "ok" else p.status,
        ]
        for p in found
    ]
    return table(titles, rows, text_columns=3)


def _notes(found: Sequence[Any]) -> Html:
    """A paragraph for each note, with the objects that it is on."""
    named = {note: dict.fromkeys(p.object for p in found if p.note == note) for note in dict.fromkeys(p.note for p in found if p.note)}
    return Html("".join(f"<p>Note on {escape(', '.join(names))}: {escape(note)}.</p>" for note, names in named.items()))
