"""CSV tables from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellml.errors import FileError
from cellml.io.csv_table import LARGEST, csv_lines, read_csv


def test_rows_by_name_with_byte_order_mark_quotes_and_short_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffname,value,note\n"a,b",1\n\nc,2,µm\n'.encode())
    assert read_csv(path) == (
        ("name", "value", "note"),
        [{"name": "a,b", "value": "1", "note": ""}, {"name": "c", "value": "2", "note": "µm"}],
    )


def test_lines_keep_their_numbers_and_what_a_table_by_name_refuses(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeff\na,a\n1\n\n"x\ny",2,3\n'.encode())
    assert csv_lines(path) == (("a", "a"), [(3, ["1"]), (6, ["x\ny", "2", "3"])])
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match=r"is no CSV list of cells that can be read"):
        csv_lines(path, what="list of cells")


def test_a_table_of_more_than_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(FileError, match=r"has 1\.1 GB; tables of up to 1 GB are read"):
        csv_lines(tmp_path / "a.csv")


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert read_csv(tmp_path / "a.csv") == ((), [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2,3\n", "line 2: 3 fields under 2 names"),
        (b"a,a\n1,2\n", "column 'a' 2 times"),
        (b"a\n\xff\xfe\n", "no CSV table that can be read"),
        (b"a\n" + b"x" * 200_000 + b"\n", "no CSV table that can be read"),
    ],
)
def test_what_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(FileError, match=message):
        read_csv(tmp_path / "a.csv")


def test_a_missing_file_comes_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no table .*a\.csv; make one\."):
        read_csv(tmp_path / "a.csv", remedy="make one.")
