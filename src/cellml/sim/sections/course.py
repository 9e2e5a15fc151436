"""The section `time`: how a model is followed."""

from __future__ import annotations

from typing import Any

from cellml.sim.model import DIFFUSION_TIME, SCHEMES, TimeCourse
from cellml.sim.quantities import Quantity
from cellml.sim.reading import check_keys, choice, count, number, quantity
from cellml.sim.yaml_lines import KeyPath, LocatedDocument

MOST_STEPS = 100_000_000


def read_time(document: LocatedDocument) -> TimeCourse | None:
    """The section `time`; None if the file has none. Raises SimulationError for a step longer than the whole run."""
    item, path = document.content.get("time"), ("time",)
    if item is None:
        return None
    check_keys(document, path, item, required=("end",), optional=("steps", "step", "tolerance", "scheme", "snapshots"))
    if "step" in item and "steps" in item:
        raise document.error((*path, "step"), "give either the length of a `step` or the number of `steps`")
    end = quantity(document, (*path, "end"), item["end"], "s", also=DIFFUSION_TIME, positive=True)
    return TimeCourse(
        end,
        steps=_steps(document, item, end),
        tolerance=_tolerance(document, (*path, "tolerance"), item.get("tolerance")),
        scheme=choice(document, (*path, "scheme"), item.get("scheme", TimeCourse.scheme), SCHEMES, "a time-stepping scheme"),
        snapshots=count(document, (*path, "snapshots"), item.get("snapshots", TimeCourse.snapshots)),
        where=document.where(path),
    )


def _tolerance(document: LocatedDocument, path: KeyPath, item: Any) -> float | None:
    if item is not None and not 0 < number(document, path, item) < 1:
        raise document.error(path, f"a share between 0 and 1 is needed, such as 1e-3, found {item!r}")
    return None if item is None else float(item)


def _steps(document: LocatedDocument, item: Any, end: Quantity) -> int:
    if "step" not in item:
        steps = count(document, ("time", "steps"), item.get("steps", TimeCourse.steps))
        return _bearable(document, ("time", "steps"), steps)
    also = DIFFUSION_TIME if end.unit == DIFFUSION_TIME else ""
    step = quantity(document, ("time", "step"), item["step"], "s", also=also, positive=True)
    if (step.unit == DIFFUSION_TIME) != (end.unit == DIFFUSION_TIME):
        raise document.error(("time", "step"), f"`step` and `end` need units of the same kind, found {step.unit} and {end.unit}")
    ratio = end.value / step.value if step.unit == end.unit else end.base / step.base
    if ratio < 1 - 1e-9:
        raise document.error(("time", "step"), f"a step of {step} is longer than the whole run of {end}")
    return max(round(_bearable(document, ("time", "step"), ratio)), 1)


def _bearable(document: LocatedDocument, path: KeyPath, steps: Any) -> Any:
    if not steps <= MOST_STEPS:
        raise document.error(path, f"these are {steps:.3g} steps; at most {MOST_STEPS:.0g} are followed")
    return steps
