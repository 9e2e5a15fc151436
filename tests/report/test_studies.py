from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from cellml.cli import main
from cellml.errors import FileError
from cellml.report.results import write_study_results
from cellml.report.studies import Finding, read_findings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    targets = {"a": {"low": [1.0, "lower", "s"], "high": [2.0, "higher", 1], "open": [None, "lower", "s"]}, "b": {"x": [1, "lower", "s"]}}
    (tmp_path / "targets.yaml").write_text(yaml.safe_dump(targets))
    (tmp_path / "a").mkdir()
    write_study_results(tmp_path / "a", {"low": (1.0, "s"), "high": (1.9, "1"), "open": (7.0, "s")}, seed=3)
    return tmp_path


def test_states(folder: Path) -> None:
    states = {(f.study, f.key): f.state for f in read_findings(folder)}
    assert states == {("a", "low"): "reached", ("a", "high"): "short", ("a", "open"): "reported", ("b", "x"): "missing"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_a_number_that_is_none_is_missing(value: float | None) -> None:
    assert Finding("a", "k", value, 1.0, "lower", "s").state == "missing"


def test_results_say_where_they_come_from(folder: Path) -> None:
    about = json.loads((folder / "a" / "results.json").read_text())["_about"]
    assert about["seed"] == 3 and {"machine", "versions", "date", "commit", "command"} <= set(about)


def test_command_prints_what_falls_short(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["studies", f"folder={folder}"]) == 0
    printed = capsys.readouterr().out
    assert "FALLS SHORT" in printed and "1 reached, 1 short, 1 reported, 1 missing" in printed


def test_damaged_results_are_named(folder: Path) -> None:
    (folder / "a" / "results.json").write_text("{")
    with pytest.raises(FileError, match=r"results\.json"):
        list(read_findings(folder))


def test_shipped_targets_name_every_study_of_this_release() -> None:
    experiments = Path(__file__).parents[2] / "experiments"
    for path in experiments.glob("*/results.json"):
        known = yaml.safe_load((experiments / "targets.yaml").read_text()).get(path.parent.name, {})
        assert set(known) - set(json.loads(path.read_text())) <= {"speed_vs_nnunet"}
