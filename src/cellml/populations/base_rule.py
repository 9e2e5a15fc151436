"""Which facets are called `base` where the user does not say: an idealised shape has what the real shapes had."""

from __future__ import annotations

from pathlib import Path

from cellml.populations.recipe import BaseRule
from cellml.populations.table import RECORD, read_record
from cellml.report.rows import read_rows

NO_RECORD = f"There is no {RECORD} of the real shapes, so that the flat end of the idealised ones is their base; base=none leaves it away."


def base_rule(base: BaseRule, source: str | Path, idealised: str | None) -> tuple[BaseRule, str]:
    """The rule, and what the user is to be told about it, "" for nothing.

    "auto" is the cut for spines and none for other shapes. Idealised shapes follow the record beside the table of the real ones: none where
    these had no base, else the flat end ("cut"), which is taken, and told, where there is no record as well. Raises FileError for a damaged
    record.
    """
    spines = str(source).split(":")[0] == "spines"
    if base != "auto":
        return base, ""
    if idealised is None or spines:
        return ("cut" if spines else "none"), ""
    path = Path(source).expanduser()
    record = read_record(path.parent) if path.suffix == ".csv" and path.is_file() else {}
    if "base" not in record:
        return "cut", NO_RECORD
    return ("none" if record["base"] == "none" and not _measured_base(path) else "cut"), ""


def _measured_base(table: Path) -> bool:
    """Whether shapes of the table have an area of their base: meshes that brought facets of that name need no rule for them."""
    return any(row.get("base_nm2") for row in read_rows(table))
