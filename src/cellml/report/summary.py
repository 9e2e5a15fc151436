"""What a run says about itself, apart from its arrays: the file `summary.json` of a run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from cellml.errors import FileError

SUMMARY_FILE = "summary.json"


@dataclass(frozen=True)
class Fact:
    """One measured or chosen value: `unit` and `note` may stay empty."""

    name: str
    value: Any
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class FactGroup:
    """Facts under one title; the titles are the writer's own ("Segmentation", "Data", …)."""

    title: str
    facts: Sequence[Fact] = ()


@dataclass(frozen=True)
class StageTime:
    """What one stage took, in seconds, and what it was allowed (None: no limit); the note says what it gave up, if anything."""

    stage: str
    seconds: float
    budget_seconds: float | None = None
    note: str = ""


@dataclass(frozen=True)
class FieldMeaning:
    """What the nodal field of the meshes is: its name in the mesh file, its unit, and one sentence for the figure."""

    name: str = "concentration"
    unit: str = ""
    description: str = ""


@dataclass(frozen=True)
class Summary:
    """Everything in `summary.json`; all of it may be missing.

    phantom: the data were made by code, which the report says loudest of all; warnings: one sentence each; headline: the few numbers a
    reader should see first; sections: further facts; config: the resolved configuration as text; created: date and time as text.
    """

    title: str = "cellml run"
    subtitle: str = ""
    created: str = ""
    command: str = ""
    phantom: bool = False
    warnings: Sequence[str] = ()
    headline: Sequence[Fact] = ()
    sections: Sequence[FactGroup] = ()
    timings: Sequence[StageTime] = ()
    nodal_field: FieldMeaning = field(default_factory=FieldMeaning)
    seed: int | None = None
    commit: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    config: str = ""

    def write(self, folder: Path) -> Path:
        """Write `summary.json` into a folder and return its path."""
        from cellml.io.atomic import write_text

        path = Path(folder) / SUMMARY_FILE
        write_text(path, json.dumps(asdict(self), indent=1, ensure_ascii=False, default=_plain) + "\n")
        return path


def read_summary(path: Path) -> Summary:
    """Read a `summary.json`; unknown keys are ignored, missing ones take their defaults. Raises FileError if it is not valid."""
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        return _summary(values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FileError(
            f"{path} is not a summary of a run ({type(error).__name__}: {error}); write it again with Summary.write."
        ) from error


def _plain(value: Any) -> Any:
    """Numbers of numpy and torch as Python's own, everything else (paths, dates) as text."""
    return value.item() if hasattr(value, "item") else str(value)


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {key: value for key, value in values.items() if key in names}


def _summary(values: Mapping[str, Any]) -> Summary:
    known = _known(Summary, values)
    known["headline"] = [Fact(**_known(Fact, f)) for f in known.get("headline", ())]
    known["sections"] = [
        FactGroup(group["title"], [Fact(**_known(Fact, f)) for f in group.get("facts", ())]) for group in known.get("sections", ())
    ]
    known["timings"] = [StageTime(**_known(StageTime, t)) for t in known.get("timings", ())]
    known["nodal_field"] = FieldMeaning(**_known(FieldMeaning, known.get("nodal_field", {})))
    return Summary(**known)
