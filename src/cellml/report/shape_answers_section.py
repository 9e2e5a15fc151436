"""The section on simulated answers of drawn shapes, beside those of real ones."""

from __future__ import annotations

import csv
from math import isfinite
from pathlib import Path

from cellml.errors import FileError
from cellml.evaluation.distributions import DistributionScore, ShapeRow, distribution_scores
from cellml.report.distribution_figure import distribution_figure
from cellml.report.markup import Html, number, picture, table, unit_text
from cellml.report.run_folder import AbsentError, RunFolder

SHAPE_ANSWERS = "shape_answers.csv"


def shape_answers_section(run: RunFolder) -> Html:
    """Distributions of what was simulated in shapes that a model drew and in validation shapes."""
    path = run.path / SHAPE_ANSWERS
    if not path.is_file():
        raise AbsentError
    rows = read_shape_answers(path)
    scores = distribution_scores(rows)
    caption = (
        "Share of shapes whose answer is at most this. Distance: 1-Wasserstein in standard deviations of the real shapes, with the "
        "interval that holds 90 % of bootstrap draws; it is above 0 for small samples of the same distribution too."
    )
    drawn = picture(distribution_figure(rows, scores), alt="Cumulative distributions of simulated answers", caption=caption)
    titles = ["observable", "unit", "real", "drawn", "without an answer", "distance", "median, drawn over real"]
    return Html(table(titles, [_line(score) for score in scores], text_columns=2) + drawn)


def read_shape_answers(path: Path) -> list[ShapeRow]:
    """The rows that `SimulationEvaluation` left. Raises FileError for a table of another kind."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return [ShapeRow(**{**row, "value": float(row["value"])}) for row in csv.DictReader(stream)]  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} is no table of simulated shapes ({error}).") from error


def _line(score: DistributionScore) -> list[str]:
    def interval(value: float, low: float, high: float) -> str:
        return f"{number(value, 3)} ({number(low, 3)} to {number(high, 3)})" if isfinite(value) else "–"

    return [
        score.observable.replace("_", " "),
        unit_text(score.unit),
        str(score.real),
        str(score.generated),
        f"{100 * score.failures:.0f} %",
        interval(score.wasserstein, score.wasserstein_low, score.wasserstein_high),
        interval(score.median_ratio, score.median_ratio_low, score.median_ratio_high),
    ]
