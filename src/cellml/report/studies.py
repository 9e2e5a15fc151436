"""Every measured number against its target: the verb `studies`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cellml.errors import FileError

State = Literal["reached", "short", "reported", "missing"]


@dataclass(frozen=True)
class Finding:
    """One key of one study. target None: a number to report, with no bar; value None: not measured."""

    study: str
    key: str
    value: float | None
    target: float | None
    better: str
    unit: str

    @property
    def state(self) -> State:
        """Where the number stands: a missing or non-finite one never counts as reached."""
        if self.value is None or not math.isfinite(self.value):
            return "missing"
        if self.target is None:
            return "reported"
        good = self.value <= self.target if self.better == "lower" else self.value >= self.target
        return "reached" if good else "short"


def read_findings(folder: Path) -> Iterator[Finding]:
    """One finding for each key of `targets.yaml`, with the value from `STUDY/results.json` where there is one.

    Raises FileError for a missing or damaged targets file, or a results file that is no JSON.
    """
    import yaml

    targets = folder / "targets.yaml"
    if not targets.is_file():
        raise FileError(f"There is no {targets}; give the folder of the studies with folder=experiments.")
    for study, keys in yaml.safe_load(targets.read_text(encoding="utf-8")).items():
        results = _results(folder / study / "results.json")
        for key, (target, better, unit) in keys.items():
            value = results.get(key, {}).get("value")
            yield Finding(study, key, None if value is None else float(value), target, better, unit)


def print_studies(folder: str = "experiments", study: str | None = None) -> dict[str, int]:
    """Print every result against its target and return how many were reached, fell short, were reported, or are missing."""
    from rich.console import Console
    from rich.table import Table

    findings = [f for f in read_findings(Path(folder)) if study in (None, f.study)]
    table = Table(title="Studies")
    for title in ("study", "number", "value", "target", "unit", ""):
        table.add_column(title, justify="right" if title in ("value", "target") else "left", overflow="fold")
    marks = {"reached": "reached", "short": "[bold]FALLS SHORT[/]", "reported": "reported", "missing": "missing"}
    for f in findings:
        bar = "" if f.target is None else f"{'≤' if f.better == 'lower' else '≥'} {f.target:g}"
        table.add_row(f.study, f.key, "" if f.value is None else f"{f.value:.4g}", bar, "" if f.unit == 1 else str(f.unit), marks[f.state])
    Console().print(table)
    counts = {state: sum(f.state == state for f in findings) for state in ("reached", "short", "reported", "missing")}
    Console().print(", ".join(f"{n} {state}" for state, n in counts.items()))
    return counts


def _results(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise FileError(f"{path} is not JSON ({error}); run the study again.") from error
