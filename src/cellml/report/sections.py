"""The sections on numbers and voxels: results, comparison, slices, training, provenance."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import FileError
from cellml.report.comparison import prediction_vs_truth
from cellml.report.comparison_tables import objects_table, statistics_table
from cellml.report.curves import learning_curves
from cellml.report.markup import Html, details, escape, number, picture, table, unit_text
from cellml.report.mesh_sections import evaluated_objects, object_colours
from cellml.report.pipeline_slices import pipeline_slices
from cellml.report.provenance import provenance
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.report.slices import length_text, slices_figure
from cellml.report.summary import Fact


def results_section(run: RunFolder) -> Html:
    """The headline numbers, then all further facts in tables."""
    summary = run.summary
    if not summary.headline and not summary.sections:
        raise AbsentError("summary.json states no results")
    cards = "".join(_card(fact) for fact in summary.headline)
    groups = "".join(f"<h3>{escape(group.title)}</h3>{_fact_table(group.facts)}" for group in summary.sections)
    return Html((f'<dl class="headline">{cards}</dl>' if cards else "") + groups)


def slices_section(run: RunFolder) -> Html:
    """Image, truth, prediction, disagreement and boundaries on three planes."""
    if run.of_pipeline:
        return pipeline_slices(run)
    arrays: dict[str, Any] = {}
    spacing, lacking = None, []
    for name, key in (("raw", "raw"), ("truth", "labels"), ("prediction", "labels"), ("boundary", "boundary")):
        try:
            artefact = run.voxels(name, key)
        except AbsentError:
            lacking.append(name)
            continue
        if spacing is not None and not np.allclose(spacing, artefact.spacing, rtol=1e-6):
            raise FileError(f"{name}.npz has voxels of {artefact.spacing} nm (z, y, x), the arrays before it {spacing} nm.")
        arrays[name], spacing = artefact.data, artefact.spacing
    if spacing is None:
        raise AbsentError("there is no raw.npz, truth.npz or prediction.npz")
    figure = slices_figure(spacing, **arrays, highlighted=evaluated_objects(run), seed=run.summary.seed or 0)
    shape = next(iter(arrays.values())).shape
    caption = (
        f"Block of {' × '.join(length_text(n * s) for n, s in zip(shape, spacing, strict=True))} (z × y × x), voxels of "
        f"{' × '.join(f'{s:g}' for s in spacing)} nm. A predicted object has the colour of the truth object that it overlaps most, so "
        "equal colours mean agreement; disagreement marks voxels of the truth whose prediction belongs to another object or to none."
    )
    caption += f" Not available here: {', '.join(lacking)}." if lacking else ""
    return picture(figure, alt="Slices through the volume with segmentations laid over the image", caption=caption, vector=False)


def training_section(run: RunFolder) -> Html:
    """Learning curves from metrics.csv."""
    caption = "Faint: single steps; strong: their running mean. Both from the CSV log of the training."
    return picture(learning_curves(run.metrics_path), alt="Learning curves over optimizer steps", caption=caption)


def numbers_section(run: RunFolder) -> Html:
    """Simulated numbers: prediction against truth where there are both, else what one simulation answered."""
    alone = run.path / "observables.csv"
    if alone.exists() and not (run.path / "objects.csv").exists():
        return _observables(alone)
    return _comparison(run)


def _observables(path: Path) -> Html:
    """Each observable with the error that the mesh leaves in it."""
    with path.open(newline="", encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    rows = [
        [a["name"].replace("_", " "), unit_text(a["unit"]), _value(a["value"]), _value(a["discretisation_error"]), _outcome(a)]
        for a in answers
    ]
    return table(["observable", "unit", "value", "± discretisation", "remark"], rows, text_columns=2)


def _comparison(run: RunFolder) -> Html:
    rows = run.objects
    caption = (
        "Each dot is one object of the truth; the line is equality. Not resolved: the difference is below what the discretisation alone "
        "can cause. Unmatched (no predicted object with IoU ≥ 0.5) and failed objects count as a relative error of 100 % and stand on the "
        "lower edge; objects that meshing was given too little time for count in nothing. Right or last panel: long stroke median, short "
        "stroke 90th percentile, over all objects."
    )
    drawn = picture(prediction_vs_truth(rows), alt="Simulated observables from predicted against true geometry", caption=caption)
    names = list(dict.fromkeys(row.truth_id for row in rows))
    every = objects_table(rows, object_colours(names, evaluated_objects(run)))
    objects = details(f"All {len(names)} objects", every, opened=len(names) <= 16)
    return Html(statistics_table(rows) + drawn + objects)


def provenance_section(run: RunFolder) -> Html:
    """How to repeat the run."""
    body = provenance(run.summary)
    if not body:
        raise AbsentError("summary.json says nothing of versions, times, machine or configuration")
    return body


def _value(text: str) -> str:
    try:
        return number(float(text))
    except ValueError:
        return "–"


def _outcome(answer: Mapping[str, str]) -> str:
    return "" if answer["status"] == "ok" else f"{answer['status']}: {answer['reason']}"


def _card(fact: Fact) -> str:
    unit = f" <small>{escape(unit_text(fact.unit))}</small>" if fact.unit else ""
    note = f'<dd class="note">{escape(fact.note)}</dd>' if fact.note else ""
    return f"<div><dt>{escape(fact.name)}</dt><dd>{escape(number(fact.value))}{unit}</dd>{note}</div>"


def _fact_table(facts: Sequence[Fact]) -> Html:
    rows = [(fact.name, f"{number(fact.value)} {unit_text(fact.unit)}", fact.note) for fact in facts]
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return Html(f'<div class="scroll"><table class="facts"><tbody>{lines}</tbody></table></div>')
