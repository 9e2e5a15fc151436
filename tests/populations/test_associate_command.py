"""The verb `associate`, as it is typed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from cellml.cli import main
from cellml.populations.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Forty shapes of eight stacks: time follows volume, conductance follows neck; one shape failed."""
    folder = tmp_path / "population"
    folder.mkdir()
    rng = np.random.default_rng(0)
    made = Table(folder / "table.csv", ("name", "group", "class", "state", "volume_nm3", "neck", "time", "conductance"))
    made.begin()
    for n in range(40):
        volume, neck = np.exp(rng.normal(18, 1)), rng.uniform(0.1, 0.9)
        row = {"volume_nm3": volume, "neck": neck, "time": volume ** (2 / 3) * np.exp(0.1 * rng.normal()), "conductance": neck**2}
        made.append({"name": f"s{n}", "group": f"stack {n % 8}", "state": "ok", **row})
    made.append({"name": "s40", "group": "stack 0", "state": "failed"})
    (folder / "record.json").write_text(json.dumps({"features": ["volume_nm3", "neck"], "units": {"time": "s", "conductance": "um^3/s"}}))
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_tables_and_figures_are_written(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "association"
    assert main(["associate", f"table={table / 'table.csv'}", f"output={output}", "draws=500", "curves=1"]) == 0
    found = {(row["feature"], row["observable"]): row for row in rows(output / "associations.csv")}
    assert float(found["volume_nm3", "time"]["exponent"]) == pytest.approx(2 / 3, abs=0.05)
    assert float(found["neck", "conductance"]["q"]) < 0.05 < float(found["neck", "time"]["q"])
    assert {row["term"] for row in rows(output / "regression.csv")} == {"r2 in left-out groups", "volume_nm3", "neck"}
    curve = [row for row in rows(output / "dependence.csv") if row["observable"] == "time"]
    assert len(curve) == 15 and float(curve[-1]["value"]) > float(curve[0]["value"])
    assert {path.name for path in output.iterdir()} == {
        *("associations.csv", "regression.csv", "dependence.csv", "associations.png", "dependence.png")
    }
    printed = capsys.readouterr().out
    assert "2 of 4 pairs are kept" in printed and "40 shapes in 8 groups" in printed
    assert main(["associate", f"table={table}", f"output={output}"]) == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["table=nowhere"], "no table nowhere"),
        (["table={table}", "features=[length]"], "no column length"),
        (["table={table}", "checkpoint=model.ckpt"], "belong together"),
        (["table={table}", "controls=[size]"], "controls=['size']"),
        (["table={table}", "level=2"], "between 0 and 1"),
    ],
)
def test_bad_input_is_told_in_words(
    words: list[str], message: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.replace("{table}", str(table)) for word in words]
    assert main(["associate", *given, f"output={tmp_path / 'out'}"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
