from __future__ import annotations

from math import nan

import numpy as np

from cellml.report.comparison import prediction_vs_truth
from cellml.report.comparison_tables import objects_table, percent, statistics_table

from .conftest import row


def visible(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def test_a_panel_for_each_observable_with_units_and_one_for_errors():
    rows = [row("1"), row("1", observable="volume_$", unit="$um^3")]
    panels = visible(prediction_vs_truth(rows))
    assert [axes.get_title(loc="left") for axes in panels] == ["relaxation time", r"volume \$", "relative error of all objects"]
    assert panels[0].get_xlabel() == "truth (ms)"
    assert panels[1].get_ylabel() == r"prediction (\$µm³)"


def test_dots_stand_at_truth_and_prediction_and_the_lost_on_the_lower_edge():
    rows = [row("1"), row("2", truth=3.0, prediction=3.5), row("3", "unmatched", truth=4.0, prediction=nan)]
    axes = visible(prediction_vs_truth(rows))[0]
    dots = [tuple(float(v) for v in np.ravel(c.get_offsets())) for c in axes.collections]
    assert dots == [(2.0, 2.5), (3.0, 3.5), (4.0, axes.get_ylim()[0])]
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xscale() == "linear"


def test_axes_are_logarithmic_where_values_span_much():
    assert visible(prediction_vs_truth([row("1"), row("2", truth=200.0)]))[0].get_xscale() == "log"
    assert visible(prediction_vs_truth([row("1", truth=-2.0), row("2", truth=200.0)]))[0].get_xscale() == "linear"


def test_nothing_but_failures_can_be_drawn():
    rows = [row("1", "failed", truth=nan, prediction=nan), row("2", "undefined", truth=nan, prediction=nan)]
    prediction_vs_truth(rows).canvas.draw()


def test_equal_values_and_zeros_can_be_drawn():
    prediction_vs_truth([row("1", truth=0.0, prediction=0.0, rel_error=0.0)]).canvas.draw()


def test_tables_say_what_became_of_each_object():
    rows = [row("1"), row("2", resolved=False), row("3", "failed", prediction=nan), row("4", "undefined", truth=nan, prediction=nan)]
    found = objects_table(rows, {"1": "#0072B2"})
    assert "2 → 2.5</span><br><small>25 %</small>" in found
    assert "not resolved (± 0.01)" in found
    assert "<small>failed</small>" in found
    assert "undefined" in found
    assert found.count("swatch") == 1
    assert "<th" in statistics_table(rows)
    assert "undefined" in statistics_table(rows)
    assert "undefined" not in statistics_table(rows[:2])


def test_percent():
    assert percent(0.17349) == "17.3 %"
    assert percent(nan) == "–"
    assert percent(0.0) == "0 %"
    assert percent(1e-9) == "< 0.001 %"
