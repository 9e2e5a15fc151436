from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml
from rows import COLUMNS, Item
from run import append, finished, table
from sets import SETS, load, names
from summary import numbers, read, succeeded, wrong

CERTIFIED = {
    "outcome": "certified",
    "dihedral_min": "12",
    "surface_angle_min": "24",
    "surface_angle_max": "120",
    "volume_error_max": "0.01",
}


def _row(**values):
    return dict.fromkeys(COLUMNS, "") | {key: str(value) for key, value in values.items()}


def test_rows_are_appended_once_and_found_again(tmp_path):
    path = table(tmp_path, "analytic")
    assert finished(path) == frozenset()
    append(path, {"set": "analytic", "object": "ball", "outcome": "refused", "reason": "two\nlines, with a comma"})
    append(path, {"set": "analytic", "object": "torus", "outcome": "certified"})
    assert finished(path) == {"ball", "torus"}
    assert [row["reason"] for row in read(tmp_path)] == ["two lines, with a comma", ""]
    with path.open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == list(COLUMNS)


def test_a_certified_mesh_that_we_contradict_is_no_success():
    assert succeeded(_row(outcome="certified"))
    assert not succeeded(_row(outcome="certified", contradictions="dihedral angle 3.00°"))
    assert wrong(_row(outcome="certified", contradictions="dihedral angle 3.00°"))
    assert not wrong(_row(outcome="refused", reason_verified="True"))
    assert wrong(_row(outcome="refused", reason_verified="False"))
    assert wrong(_row(outcome="failed_gate", reason_verified="False"))


def test_numbers_of_a_handful_of_rows():
    rows = [
        _row(set="spines", **CERTIFIED),
        _row(set="spines", **CERTIFIED | {"dihedral_min": 11, "surface_angle_max": 129}),
        _row(set="hostile", kind="smooth field", outcome="failed_gate", reason_verified=True),
        _row(set="hostile", kind="smooth labels", **CERTIFIED | {"volume_error_max": ""}, thin_volume_error_max=0.04),
        _row(set="hostile", kind="sheets", outcome="crash"),
        _row(set="hostile", kind="sheets", outcome="hang"),
        _row(set="hostile", kind="sheets", outcome="refused", reason_verified=False),
        _row(set="rough_spine", object="labels", **CERTIFIED, cpu_s=20, peak_mb=500),
        _row(set="rough_spine", object="simple", **CERTIFIED, cpu_s=99, peak_mb=999),
    ]
    found = {key: value for key, (value, _) in numbers(rows).items()}
    assert found["spines_success"] == 1
    assert found["urocell_success"] is None
    assert (found["hostile_crashes"], found["hostile_hangs"], found["hostile_wrong_refusals"]) == (1, 1, 1)
    assert found["random_fields_success"] == 0.5
    assert (found["min_dihedral_over_all"], found["surface_angle_max"]) == (11, 129)
    assert (found["volume_error_max"], found["thin_volume_error_max"]) == (0.01, 0.04)
    assert (found["rough_spine_cpu"], found["rough_spine_memory"]) == (20, 500)


def test_every_target_has_its_number():
    targets = yaml.safe_load((Path(__file__).parents[2] / "experiments" / "targets.yaml").read_text(encoding="utf-8"))["meshing"]
    found = numbers([])
    assert set(targets) <= set(found)
    assert {key: unit for key, (_, _, unit) in targets.items() if str(unit) != found[key][1]} == {}


@pytest.mark.parametrize("set", ["analytic", "hostile"])
def test_objects_made_by_code_load_by_name(set):
    made = load(set, names(set)[0])
    assert made.labels is not None
    assert len(names(set)) == {"analytic": 20, "hostile": 1000}[set]
    assert Item(set, names(set)[0]) == Item(set, names(set)[0])
    assert set in SETS
