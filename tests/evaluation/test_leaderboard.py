from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError, FileError
from cellml.evaluation.leaderboard import Entry, kendall_tau, leaderboard
from cellml.evaluation.leaderboard_command import leaderboard_of


def test_models_that_agree_have_tau_one_and_change_no_places() -> None:
    board = leaderboard([Entry("a", 0.9, 0.1), Entry("b", 0.8, 0.2), Entry("c", 0.7, 0.9)], "dice")
    assert [row.entry.name for row in board.rows] == ["a", "b", "c"] and board.tau == 1
    assert board.pairs == 3 and not board.disagreements and all(row.disagrees == 0 for row in board.rows)


def test_the_better_overlap_with_the_worse_answer_is_flagged_with_its_partner() -> None:
    entries = [Entry("a", 0.90, 0.5, 8), Entry("b", 0.85, 0.1, 8), Entry("c", 0.60, 0.9, 8), Entry("nearly b", 0.852, 0.11, 8)]
    board = leaderboard(entries, "dice")
    assert set(board.disagreements) == {("a", "b"), ("a", "nearly b")}  # b and nearly b differ by less than the margins
    rows = {row.entry.name: row for row in board.rows}
    assert rows["a"].overlap_rank == 1 and rows["a"].error_rank == 3 and rows["a"].disagrees == 2 and rows["c"].disagrees == 0


def test_errors_of_segmentation_are_better_where_lower() -> None:
    entries = [Entry("a", 0.1, 0.1), Entry("b", 0.2, 0.2), Entry("c", 0.3, 0.3)]
    assert leaderboard(entries, "adapted_rand_error").tau == 1 and leaderboard(entries, "dice").tau == -1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=12))
def test_tau_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    from scipy.stats import kendalltau

    one, other = np.array(pairs, float).T
    assert kendall_tau(one, other) == pytest.approx(kendalltau(one, other).statistic, nan_ok=True)


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)


def test_runs_scored_folders_and_tables_meet_in_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        tmp_path / "run" / "csv" / "metrics.csv",
        [
            {"step": 1, "val/dice": 0.5, "val/sim/volume/rel_error": 0.4, "val/sim/objects": 4},
            {"step": 2, "val/dice": 0.9, "val/sim/volume/rel_error": 0.3, "val/sim/objects": 4},
            {"step": 3, "train/loss": 0.1},
        ],
    )
    row = {
        "truth_id": 1,
        "predicted_id": 1,
        "iou": 0.8,
        "voxels": 9,
        "status": "matched",
        "observable": "volume",
        "unit": "um^3",
        "truth": 1.0,
    }
    row |= {"prediction": 1.05, "rel_error": 0.05, "discretisation_error": 0, "resolved": True}
    write(tmp_path / "scored" / "objects.csv", [row])
    (tmp_path / "scored" / "scores.json").write_text(json.dumps({"scores": {"dice": 0.7}}))
    write(tmp_path / "table.csv", [{"model": "x", "dice": 0.2, "rel_error": 0.8, "observable": "volume"}])
    runs = [str(tmp_path / name) for name in ("run", "scored", "table.csv")]
    result = leaderboard_of(runs, output=str(tmp_path / "board.json"), name="model")
    assert result == json.loads((tmp_path / "board.json").read_text())
    assert [(r["name"], r["overlap"], r["error"]) for r in result["rows"]] == [("scored", 0.7, 0.05), ("run", 0.9, 0.3), ("x", 0.2, 0.8)]
    assert result["observable"] == "volume" and result["disagreements"] == [["run", "scored"]]
    assert "the other way round" in capsys.readouterr().out


def test_what_cannot_be_ranked_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no run"):
        leaderboard_of([str(tmp_path / "none")])
    with pytest.raises(CellmlError, match="two entries"):
        leaderboard([Entry("a", 0.9, float("nan"))] * 5, "dice")
    write(tmp_path / "table.csv", [{"name": "x", "dice": 0.2}])
    with pytest.raises(FileError, match="rel_error"):
        leaderboard_of([str(tmp_path / "table.csv")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(CellmlError, match="dice or iou or adapted_rand_error or voi_sum: they have none"):
        leaderboard_of([str(tmp_path / "empty")])
    write(tmp_path / "table.csv", [{"name": "x", "dice": 0.2, "rel_error": 0.1}])
    with pytest.raises(CellmlError, match="score dise: they have dice; say which to take with score=NAME"):
        leaderboard_of([str(tmp_path / "table.csv")], score="dise")
    with pytest.raises(CellmlError, match="observable volume: they have answer"):
        leaderboard_of([str(tmp_path / "table.csv")], observable="volume")
    with pytest.raises(FileError, match=r"figure=board.xyz: figures are written as .png"):
        leaderboard_of([str(tmp_path / "table.csv")], figure="board.xyz")
    (tmp_path / "empty" / "scores.json").write_text("{")
    with pytest.raises(FileError, match="no JSON of scores"):
        leaderboard_of([str(tmp_path / "empty")])
    (tmp_path / "table.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="no CSV table that can be read"):
        leaderboard_of([str(tmp_path / "table.csv")])


def test_runs_of_one_name_are_told_apart_and_those_without_numbers_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for k, sweep in enumerate(("one", "two", "lr=[0.1]")):
        row = {"val/dice": 0.9 - 0.1 * k, "val/sim/volume/rel_error": 0.1 * k, "val/sim/objects": "nan"}
        write(tmp_path / sweep / "0" / "metrics.csv", [row])
    write(tmp_path / "untold" / "metrics.csv", [{"val/dice": 0.9}])
    runs = [str(tmp_path / name) for name in ("one/0", "two/0", "lr=[0.1]/0", "untold")]
    rows = leaderboard_of(runs)["rows"]
    assert [row["name"] for row in rows] == runs[:3] and [row["objects"] for row in rows] == [0, 0, 0]
    said = capsys.readouterr().out
    assert "Left out, without dice or an error of volume: untold" in said and "[0.1]/0" in re.sub(r"[\s│]", "", said)


def test_distances_are_better_where_smaller() -> None:
    assert leaderboard([Entry("a", 1.0, 0.1), Entry("b", 2.0, 0.2), Entry("c", 3.0, 0.3)], "chamfer").tau == 1


def test_two_runs_are_ranked_without_a_rank_correlation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, dice, error, objects in (("a", 0.9, 0.5, 3), ("b", 0.8, 0.1, 7)):
        row = {"val/dice": dice, "val/sim/volume/rel_error": error, "val/sim/objects": objects}
        write(tmp_path / name / "metrics.csv", [row])
    figure = tmp_path / "board.png"
    result = leaderboard_of([str(tmp_path / name) for name in "ab"], figure=str(figure))
    assert [row["name"] for row in result["rows"]] == ["b", "a"] and result["disagreements"] == [["a", "b"]] and figure.is_file()
    assert result["tau"] == {"tau": None, "low": None, "high": None}
    said = " ".join(capsys.readouterr().out.split())
    assert "Kendall's τ needs 3 entries or more; of 1 pairs that differ in both, 1 (100%)" in said
    assert "Few objects rank here, fewer than 5 (a: 3)" in said


def test_tau_has_an_interval_from_four_untied_pairs_on() -> None:
    three = [Entry("a", 0.9, 0.1), Entry("b", 0.8, 0.3), Entry("c", 0.7, 0.2)]
    board = leaderboard(three, "dice")
    assert board.tau == pytest.approx(1 / 3) and np.isnan([board.tau_low, board.tau_high]).all()
    assert np.isfinite(leaderboard([*three, Entry("d", 0.6, 0.4)], "dice").tau_low)
    tied = [Entry("a", 0.9, 0.1), Entry("b", 0.8, 0.1), Entry("c", 0.7, 0.1), Entry("d", 0.6, 0.2)]
    assert np.isnan(leaderboard(tied, "dice").tau_low)  # three of six pairs are untied in both
