"""The verb `associate`, as it is typed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cellml.cli import main
from cellml.errors import CellmlError
from cellml.populations.associate_command import limits_of, with_codes
from cellml.populations.table import Table, read_simulated
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.population import Population
from cellml.types import Surface


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


def test_codes_of_a_model_become_features_by_name(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that encodes 30 of the 40 shapes: rows are matched by name, whatever their order."""
    directions, faces = geodesic_sphere(1)
    names = tuple(f"s{n}" for n in range(29, -1, -1))
    population = Population(names, tuple(Surface(directions * (n + 1), faces, n_) for n, n_ in enumerate(names)), ("g",) * 30, ("",) * 30)
    task = SimpleNamespace(
        encode=lambda given: np.array([[float(name[1:]), 1.0] for name in given.names]), decode=list, sample=list, log_density=list
    )
    monkeypatch.setattr("cellml.checkpoint.load", lambda path: SimpleNamespace(task=task))
    monkeypatch.setattr("cellml.shapes.reading.read_population", lambda source: population)
    found = with_codes(read_simulated(table), "model.ckpt", "shapes")
    assert found.names == tuple(f"s{n}" for n in range(30))
    assert found.features["code_1"].tolist() == list(range(30)) and set(found.features) == {"volume_nm3", "neck", "code_1", "code_2"}
    monkeypatch.setattr("cellml.checkpoint.load", lambda path: SimpleNamespace(task=None))
    with pytest.raises(CellmlError, match="no model of shapes"):
        with_codes(read_simulated(table), "model.ckpt", "shapes")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["table=nowhere"], "no table nowhere"),
        (["table={table}", "features=[length]"], "no column length"),
        (["table={table}", "checkpoint=model.ckpt"], "belong together"),
        (["table={table}", "controls=[size]"], "controls=['size']"),
        (["table={table}", "level=2"], "between 0 and 1"),
        (["table={table}", "fdr=1.5"], "fdr=1.5"),
    ],
)
def test_bad_input_is_told_in_words(
    words: list[str], message: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.replace("{table}", str(table)) for word in words]
    assert main(["associate", *given, f"output={tmp_path / 'out'}"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_few_groups_and_shapes_cannot_show_is_said() -> None:
    asked = {"draws": 5000, "fdr": 0.05, "level": 0.95}
    many = [f"g{n % 8}" for n in range(40)]
    assert limits_of(many, 68, **asked) == []
    three = limits_of([f"g{n % 3}" for n in range(30)], 68, **asked)
    assert len(three) == 1 and "Intervals (95 %) over 3 groups are too narrow" in three[0]
    none = limits_of(["a", "a", "b", "b"], 10, **asked)[1]
    assert "allow is 0.25" in none and none.endswith("over 10 pairs nothing could have been kept.")
    (few,) = limits_of(many, 68, draws=199, fdr=0.05, level=0.95)
    assert few.endswith("nothing could have been kept unless 7 of them reach it.")  # 68/200/7 < 0.05 < 68/200/6
