"""Rows of a study."""

from __future__ import annotations

from pathlib import Path

from cellml.report.rows import append_row, read_rows


def test_rows_come_back_in_order_under_one_header(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    assert read_rows(table) == []
    append_row(table, {"method": "sirt", "psnr": 18.4})
    append_row(table, {"method": "tv, 60", "psnr": 19.3})
    assert read_rows(table) == [{"method": "sirt", "psnr": "18.4"}, {"method": "tv, 60", "psnr": "19.3"}]
    assert table.read_text().count("method") == 1
