"""Which facets are called `base` where nobody says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cellml.populations.base_rule import NO_RECORD, base_rule


def table(folder: Path, record: dict[str, Any] | None, base_nm2: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "table.csv").write_text(f"name,volume_nm3,area_nm2,base_nm2\none,1e8,1.5e6,{base_nm2}\n")
    if record is not None:
        (folder / "record.json").write_text(json.dumps(record))
    return folder / "table.csv"


@pytest.mark.parametrize(
    ("record", "base_nm2", "expected"),
    [
        ({"base": "none"}, "", ("none", "")),
        ({"base": "cut"}, "", ("cut", "")),
        ({"base": "lowest"}, "2e4", ("cut", "")),
        ({"base": "none"}, "2e4", ("cut", "")),  # meshes that brought facets called base
        ({"title": "of another kind"}, "", ("cut", NO_RECORD)),
        (None, "", ("cut", NO_RECORD)),
    ],
)
def test_idealised_shapes_have_the_base_that_the_real_ones_had(
    record: dict[str, Any] | None, base_nm2: str, expected: tuple[str, str], tmp_path: Path
) -> None:
    path = table(tmp_path, record, base_nm2)
    assert base_rule("auto", path, "capsule") == expected
    assert base_rule("none", path, "capsule") == ("none", "") and base_rule("cut", path, "capsule") == ("cut", "")


def test_spines_have_their_cut_and_other_real_shapes_have_none(tmp_path: Path) -> None:
    assert base_rule("auto", "spines", None) == base_rule("auto", "spines", "capsule") == ("cut", "")
    assert base_rule("auto", tmp_path, None) == ("none", "") and base_rule("auto", tmp_path, "capsule") == ("cut", NO_RECORD)


def test_the_studies_tables_keep_the_rule_that_they_were_made_by() -> None:
    study = Path(__file__).parents[2] / "experiments" / "population"
    for kind in ("capsule", "ball_and_stick"):
        made = json.loads((study / kind / "record.json").read_text())
        assert base_rule("auto", study / "real" / "table.csv", kind)[0] == made["base"]
