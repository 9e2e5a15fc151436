from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import FileError
from cellml.report.objects import read_objects, statistics

from .conftest import row, write_rows

ROWS = [
    row("1"),
    row("2", resolved=False, rel_error=0.001),
    row("3", "unmatched", prediction=nan, rel_error=nan, unit=""),
    row("4", "failed", prediction=nan, rel_error=nan),
    row("5", "undefined", truth=nan, prediction=nan, rel_error=nan),
    row("6", prediction=nan),  # matched, but without an answer
]


def test_rows_come_back_from_their_file(tmp_path):
    write_rows(tmp_path / "objects.csv", ROWS)
    found = read_objects(tmp_path / "objects.csv")
    assert [repr(r) for r in found] == [repr(r) for r in ROWS]


def test_objects_that_took_too_long_count_in_no_percentile():
    late = row("7", "timed out", prediction=nan, rel_error=nan)
    (found,) = statistics([ROWS[0], late])
    assert (found.objects, found.timed_out, found.failed, found.median_error) == (2, 1, 0, 0.25)
    assert late.outcome == "timed out" and isnan(late.error)


def test_outcomes():
    assert [r.outcome for r in ROWS] == ["resolved", "not resolved", "unmatched", "failed", "undefined", "failed"]


def test_whatever_has_no_answer_counts_as_one_and_is_never_dropped():
    (found,) = statistics([ROWS[2], *ROWS[:2], *ROWS[3:]])
    assert (found.objects, found.resolved, found.not_resolved, found.unmatched, found.failed, found.undefined) == (6, 1, 1, 1, 2, 1)
    assert found.unit == "ms"
    assert found.median_error == 1.0  # of 0.25, 0.001, 1, 1, 1
    assert found.p90_error == 1.0


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=20))
def test_percentiles_are_over_all_objects(errors):
    (found,) = statistics([row(str(n), rel_error=e) for n, e in enumerate(errors)])
    assert found.median_error == pytest.approx(np.percentile(errors, 50))
    assert found.p90_error == pytest.approx(np.percentile(errors, 90))


def test_only_undefined_objects_leave_no_statistics():
    (found,) = statistics([ROWS[4]])
    assert isnan(found.median_error)
    assert isnan(found.p90_error)


def test_missing_columns_are_named(tmp_path):
    (tmp_path / "objects.csv").write_text("truth_id,iou\n1,0.5\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"lacks the columns predicted_id, voxels.*resolved"):
        read_objects(tmp_path / "objects.csv")
