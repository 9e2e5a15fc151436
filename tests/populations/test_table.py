"""Tables that survive what interrupts them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.populations.table import Table, read_simulated

COLUMNS = ("name", "group", "class", "volume_nm3", "time")


def filled(folder: Path, count: int = 4) -> Table:
    table = Table(folder / "table.csv", COLUMNS)
    table.begin()
    for n in range(count):
        table.append({"name": f"s{n}", "group": f"g{n % 2}", "volume_nm3": 1.0 + n, "time": np.float64(n) / 3})
    (folder / "record.json").write_text(json.dumps({"features": ["volume_nm3"], "units": {"time": "s"}}))
    return table


def test_rows_come_back_and_a_torn_one_is_dropped(tmp_path: Path) -> None:
    table = filled(tmp_path)
    with table.path.open("a") as stream:
        stream.write('s4,g0,"half')
    assert [row["name"] for row in table.begin()] == ["s0", "s1", "s2", "s3"]
    table.append({"name": "s4", "time": 1.0})
    assert [row["time"] for row in table.begin()] == ["0", "0.3333333333", "0.6666666667", "1", "1"]


def test_a_table_of_another_model_is_refused(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(FileError, match=r"other columns .*\(length, time\)"):
        Table(tmp_path / "table.csv", (*COLUMNS[:-1], "length")).begin()


def test_a_table_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    table = Table(tmp_path / "gone" / "table.csv", COLUMNS)
    with pytest.raises(FileError, match="Cannot write"):
        table.append({"name": "s0"})


def test_texts_stay_on_their_line(tmp_path: Path) -> None:
    table = Table(tmp_path / "table.csv", COLUMNS)
    table.begin()
    table.append({"name": "a\nb", "time": 1})
    assert len(table.path.read_text().splitlines()) == 2


def test_whole_rows_are_read_with_their_units(tmp_path: Path) -> None:
    table = filled(tmp_path)
    table.append({"name": "s4", "group": "g0", "volume_nm3": 7.0})
    read = read_simulated(tmp_path)
    assert read.names == ("s0", "s1", "s2", "s3") and read.rows == 5 and read.units == {"time": "s"}
    assert read.features["volume_nm3"].tolist() == [1, 2, 3, 4]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no table"):
        read_simulated(tmp_path)
    filled(tmp_path, 2)
    with pytest.raises(CellmlError, match="2 of 2 rows .* three are the least"):
        read_simulated(tmp_path)
    with pytest.raises(FileError, match="no column length"):
        read_simulated(tmp_path, features=["length"])
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(FileError, match="record of a population"):
        read_simulated(tmp_path)
