"""The report of a run folder: all its sections in one file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from cellml import __version__
from cellml.errors import CellmlError, FileError
from cellml.report.calibration import calibration_section
from cellml.report.information_section import information_section
from cellml.report.markup import Html, escape
from cellml.report.mesh_sections import field_section, geometry_section, mesh_section
from cellml.report.page import Section, page
from cellml.report.posterior_section import posterior_section
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.report.scores import scores_section
from cellml.report.sections import numbers_section, provenance_section, results_section, slices_section, training_section
from cellml.report.shape_answers_section import shape_answers_section
from cellml.report.simulation_sections import courses_section, species_section
from cellml.report.summary import Summary

_log = logging.getLogger(__name__)

_FOOTER = "Made by cellml {}. This file asks nothing of any network."
_PHANTOM = "PHANTOM DATA: made by code, not a real specimen. No number in this report says anything about biology."

_SECTIONS: tuple[tuple[str, str, Callable[[RunFolder], Html]], ...] = (
    ("results", "Results", results_section),
    ("scores", "Scores", scores_section),
    ("posterior", "Posterior", posterior_section),
    ("numbers", "Simulated numbers", numbers_section),
    ("shape-answers", "Simulated numbers of drawn shapes", shape_answers_section),
    ("courses", "Time courses", courses_section),
    ("species", "Species in the shape", species_section),
    ("slices", "Segmentation", slices_section),
    ("information", "Measured and inferred", information_section),
    ("geometry", "Geometry in 3D", geometry_section),
    ("field", "Simulated field", field_section),
    ("meshes", "Mesh quality", mesh_section),
    ("training", "Training", training_section),
    ("calibration", "Calibration", calibration_section),
    ("provenance", "Provenance", provenance_section),
)


def build_report(folder: Path | str, output: Path | str) -> Path:
    """Write the report of a run folder (its layout: cellml.report.run_folder) as one HTML file and return its path.

    A section whose artefact is missing or damaged is left out, and the report says so. Raises FileError if the folder does not exist or
    holds no artefact at all.
    """
    from cellml.io.atomic import write_text

    run, output = RunFolder(Path(folder)), Path(output)
    summary, problems = _summary(run)
    sections, left_out, damaged = _sections(run)
    if left_out:
        items = "".join(f"<li>{escape(line)}</li>" for line in left_out)
        sections.append(Section("left-out", "Not in this report", Html(f'<ul class="left-out">{items}</ul>')))
    warnings = [*summary.warnings, *problems, *damaged]
    alarm = _PHANTOM if summary.phantom else ""
    subtitle = " · ".join(text for text in (summary.subtitle, summary.created) if text)
    write_text(output, page(summary.title, subtitle, sections, warnings=warnings, alarm=alarm, footer=_FOOTER.format(__version__)))
    return output


def _summary(run: RunFolder) -> tuple[Summary, list[str]]:
    try:
        return run.summary, []
    except FileError as error:
        return Summary(title=run.path.resolve().name), [str(error)]


def _sections(run: RunFolder) -> tuple[list[Section], list[str], list[str]]:
    """The sections that could be made, a line for each that could not, and a warning for each that failed."""
    made, left_out, damaged = [], [], []
    for anchor, title, build in _SECTIONS:
        try:
            made.append(Section(anchor, title, build(run)))
        except AbsentError as absent:
            if str(absent) and not run.of_pipeline:  # which is no training, and has neither truth nor fields
                left_out.append(f"{title}: {absent}.")
        except Exception as error:
            # An hour of computing ends in this report: one figure that cannot be drawn must not take the others with it.
            _log.warning("Section %r of the report failed.", title, exc_info=not isinstance(error, CellmlError))
            reason = str(error) if isinstance(error, CellmlError) else f"{type(error).__name__}: {error}"
            left_out.append(f"{title}: {reason}")
            damaged.append(f"The section “{title}” is missing: {reason}")
    return made, left_out, damaged
