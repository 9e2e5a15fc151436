"""The file `results.json` that a study leaves."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def write_study_results(folder: Path, values: Mapping[str, tuple[float | None, str]], *, seed: int, **more: Any) -> Path:
    """Write `results.json`: {"key": {"value", "unit"}} for each of `values`, and under `_about` machine, versions, date, commit, seed and
    command.
    """
    from cellml.io import write_json
    from cellml.provenance import commit, machine, versions

    about = {
        "machine": machine(),
        "versions": versions(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit(),
        "seed": seed,
        "command": " ".join(["python", *sys.argv]),
        **more,
    }
    path = Path(folder) / "results.json"
    write_json(path, {**{key: {"value": value, "unit": unit} for key, (value, unit) in values.items()}, "_about": about})
    return path
