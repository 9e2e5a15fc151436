"""The verb `report`."""

from __future__ import annotations

from pathlib import Path


def write_report(input: str | Path, output: str | Path | None = None) -> Path:
    """Write the report of the run folder `input` as one HTML file, report.html in that folder unless `output` says otherwise.

    Returns its path. Raises FileError if the folder does not exist or holds nothing to report.
    """
    from cellml.report.document import build_report

    page = build_report(input, Path(input) / "report.html" if output is None else output)
    print(page)
    return page
