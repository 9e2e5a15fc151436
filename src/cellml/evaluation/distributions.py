"""Answers of generated shapes against those of real ones: distributions, for no generated shape has a truth of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cellml.errors import CellmlError
from cellml.types import Surface


@dataclass(frozen=True)
class ShapeRow:
    """One observable of one shape. side: "real" or "generated"; status: "ok", "refused" (no certified mesh), "undefined" or "failed"."""

    side: str
    shape: str
    observable: str
    unit: str
    value: float
    status: str
    reason: str = ""


@dataclass(frozen=True)
class DistributionScore:
    """One observable of generated against real shapes.

    wasserstein: in standard deviations of the real ones; median_ratio: generated over real; both with the ends of a 90 % bootstrap
    interval; failures: share of generated shapes without an answer. Distances are NaN where fewer than two shapes of a side have one.
    """

    observable: str
    unit: str
    real: int
    generated: int
    failures: float
    wasserstein: float
    wasserstein_low: float
    wasserstein_high: float
    median_ratio: float
    median_ratio_low: float
    median_ratio_high: float


def shape_answers(
    real: Sequence[Surface],
    generated: Sequence[Surface],
    model: Any,
    *,
    seconds: float = math.inf,
    voxels: int = 1500,
    known: MutableMapping[str, list[ShapeRow]] | None = None,
) -> Iterator[ShapeRow]:
    """Solve what a model asks of whole shapes in certified meshes of real and generated ones, in turn.

    Observables that follow the model in time are left out. seconds: after this time no further pair is begun, but the first always is;
    voxels: of the grid on which a surface is sampled, inside of it; known: rows of real shapes by name from an earlier call, added to. A
    shape that is refused or fails gives rows that say so, never none. Raises CellmlError for a model without such observables.
    """
    begin, solved = time.monotonic(), known if known is not None else {}
    asked = _of_shapes(model)
    for number in range(max(len(real), len(generated))):
        if number and time.monotonic() - begin > seconds:
            return
        if number < len(real):
            name = f"{number} {real[number].name}"
            if name not in solved:
                solved[name] = _rows("real", real[number], asked, voxels)
            yield from solved[name]
        if number < len(generated):
            yield from _rows("generated", generated[number], asked, voxels)


def distribution_scores(rows: Sequence[ShapeRow], *, draws: int = 300, seed: int = 0) -> list[DistributionScore]:
    """One line an observable, in the order in which they first appear; those without an answer on either side are left out."""
    from cellml.shapes.evaluation.intervals import median_ratio_interval, wasserstein_interval

    scores = []
    for name in dict.fromkeys(row.observable for row in rows):
        mine = [row for row in rows if row.observable == name]
        sides = {side: [r for r in mine if r.side == side] for side in ("real", "generated")}
        good = {side: np.array([r.value for r in sides[side] if r.status == "ok"]) for side in sides}
        if not len(good["real"]) and not len(good["generated"]):
            continue
        missing = sum(r.status != "ok" for r in sides["generated"]) / max(1, len(sides["generated"]))
        numbers = [math.nan] * 6
        if min(len(values) for values in good.values()) >= 2:
            spread = float(good["real"].std()) or 1.0
            far = wasserstein_interval(good["real"] / spread, good["generated"] / spread, draws=draws, seed=seed)
            numbers[:3] = [far.value, far.low, far.high]
            if min(values.min() for values in good.values()) > 0:
                ratio = median_ratio_interval(good["real"], good["generated"], draws=draws, seed=seed)
                numbers[3:] = [ratio.value, ratio.low, ratio.high]
        unit = next((r.unit for r in mine if r.unit), "")
        scores.append(DistributionScore(name, unit, len(good["real"]), len(good["generated"]), missing, *numbers))
    return scores


def _of_shapes(model: Any) -> Any:
    """The model with the observables that need no time course."""
    from cellml.sim.observable_types import TYPES

    chosen = tuple(request for request in model.observables if not TYPES[request.type].course)
    if not chosen:
        raise CellmlError(f"The model {model.name!r} asks for nothing but time courses; shapes are judged by times, conductances or sizes.")
    return replace(model, observables=chosen, time=None, steady=False)


def _rows(side: str, surface: Surface, model: Any, voxels: int) -> list[ShapeRow]:
    from cellml.shapes.certified import certified_shape
    from cellml.sim.solve import solve_model

    def none(status: str, reason: str) -> list[ShapeRow]:
        return [ShapeRow(side, surface.name, request.name, "", math.nan, status, reason) for request in model.observables]

    try:
        mesh = certified_shape(surface, voxels=voxels, timeout_s=60.0).mesh
    except CellmlError as error:
        return none("refused", str(error))
    try:
        solution = solve_model(mesh, model)
    except Exception as error:  # a defect met in one shape must neither hide nor take the others with it
        return none("failed", f"{type(error).__name__}: {error}")
    return [ShapeRow(side, surface.name, o.name, o.unit, float(o.value), o.status, o.reason) for o in solution.observables]
