"""Step 06: the distribution of each answer, and where its variance comes from.

Variances are those of the logarithm, in which factors add up: image, segmentation and mesh by `cellml.uncertainty.crossed` over the
answers that were solved; shrinkage and the diffusion coefficient in closed form (`cellml.pipeline.scaling`), independent of all others,
so that their first and total indices are the same; and what a calibration on known objects says that the draws miss ("unseen").
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.pipeline.answers import REFERENCE_CELL, Answer, asked_model, read_answers
from cellml.pipeline.recipe import PosteriorStep, SolveStep
from cellml.pipeline.scaling import Scaling, scaling_of
from cellml.uncertainty.crossed import Parts, resampled_parts, resampling_units, variance_parts
from cellml.uncertainty.sobol import Index
from cellml.uncertainty.spread import Drawn, SpreadCalibration, WidenedPercentiles, calibration_of, summarised

Floats = NDArray[np.float64]
Calibrated = SpreadCalibration | WidenedPercentiles

DRAWN = ("image", "segmentation", "mesh")
PARTS = (*DRAWN, "unseen", "shrinkage", "parameter")
FILE, TABLE, INDICES, DRAWS = "posterior.json", "posterior.csv", "sobol.csv", "draws.npz"
FORMAT = 3  # of what this step computes: a change of it makes the step begin anew


@dataclass(frozen=True)
class Posterior:
    """One observable of one object.

    estimate: median of the answers, for the living specimen; reference: answer of the reference segmentation, None without one;
    geometry_low, geometry_high: ends of the interval as far as geometry is in doubt, both and the reference for the specimen as it was
    imaged; low, high: for the living one, with shrinkage and parameters; missing: share of draws without an answer; spread: of the
    logarithm of the answers, before calibration; indices: of each part, empty where the answers do not tell; status: "ok", or why there is
    no posterior; note: what the interval is not worth, empty where there is nothing to say.
    """

    object: str
    observable: str
    unit: str
    estimate: float | None
    reference: float | None
    geometry_low: float | None
    geometry_high: float | None
    low: float | None
    high: float | None
    answers: int
    missing: float
    spread: float | None
    status: str
    indices: tuple[Index, ...] = ()
    note: str = ""


def make_posterior(folder: Path, answers: Path, solve: SolveStep, step: PosteriorStep) -> Mapping[str, Any]:
    """Write `posterior.json` and `.csv`, `sobol.csv`, `draws.npz` (draws of each answer, shrinkage and parameters in them) and the figure.

    Returns how many posteriors there are, and the median width of their intervals in units of the estimates.
    """
    from cellml.io import atomic_path, write_json
    from cellml.pipeline.posterior_figure import posterior_figure

    rows, known = read_answers(answers), known_of(asked_model(solve), step)
    found: list[Posterior] = []
    draws: dict[str, Floats] = {}
    for number, (name, observable) in enumerate(dict.fromkeys((r.object, r.observable) for r in rows)):
        mine = [r for r in rows if (r.object, r.observable) == (name, observable)]
        scaling, calibration = known[observable]
        one, drawn = posterior_of(mine, scaling, step, calibration, seed=number)
        found.append(one)
        if drawn is not None:
            draws[f"{name} {observable}"] = drawn
    widths = [(p.high - p.low) / p.estimate for p in found if p.low is not None and p.high is not None and p.estimate]
    summary = {"posteriors": len(widths), "objects": len({p.object for p in found}), "median_width": _number(widths)}
    write_json(folder / FILE, {"settings": asdict(step), "summary": summary, "posteriors": [_plain(p) for p in found]})
    write_tables(folder, found)
    with atomic_path(folder / DRAWS) as aside:
        np.savez(aside, **draws)  # type: ignore[arg-type]
    with atomic_path(folder / "posterior.png") as aside:
        posterior_figure(found, draws).savefig(aside, dpi=130)
    return summary


def known_of(model: Any, step: PosteriorStep) -> dict[str, tuple[Scaling, Calibrated]]:
    """How each observable of a model scales, and its calibration.

    Raises CellmlError for an observable of which either is not known: best asked before anything is solved.
    """
    names = [request.name for request in model.observables]
    fixed = step.shrinkage == 1 and step.shrinkage_spread == 0 and step.D_spread == 0
    return {
        name: (Scaling(0, 0) if fixed else scaling_of(model, name), read_spread(step.calibration, name, level=step.level)) for name in names
    }


def posterior_of(
    rows: Sequence[Answer], scaling: Scaling, step: PosteriorStep, calibration: Calibrated, *, seed: int = 0
) -> tuple[Posterior, Floats | None]:
    """The posterior of one observable from its answers, and draws of it; None where there are fewer than two answers."""
    grid = answer_grid(rows)
    good = grid[np.isfinite(grid)]
    unit = next((r.unit for r in rows if r.unit), "")
    reference = next((r.value for r in rows if r.image == REFERENCE_CELL and r.status == "ok"), None)
    about = (rows[0].object, rows[0].observable, unit)
    missing = 1 - len(good) / grid.size
    if len(good) < 2 or (good <= 0).any():
        reasons = "; ".join(dict.fromkeys(r.reason for r in rows if r.reason)) or "answers are not positive"
        empty = Posterior(*about, None, reference, None, None, None, None, len(good), missing, None, f"too few answers: {reasons}"[:500])
        return empty, None
    drawn, rng = summarised(grid), np.random.default_rng([step.seed, seed])
    geometry_low, geometry_high = calibration.interval(drawn) if calibration.objects else _own_interval(good, step.level)
    made = calibration.draws(drawn, step.draws, rng) if calibration.objects else rng.choice(good, step.draws)
    factor = step.shrinkage * np.exp(step.shrinkage_spread * rng.standard_normal(step.draws))
    made = made * factor**scaling.length * np.exp(step.D_spread * rng.standard_normal(step.draws)) ** scaling.diffusion
    low, high = np.quantile(made, (0.5 * (1 - step.level), 0.5 * (1 + step.level)))
    estimate = float(np.exp(drawn.middle + calibration.shift) * step.shrinkage**scaling.length)
    ends = (geometry_low, geometry_high, float(low), float(high))
    indices = indices_of(np.log(grid), drawn, scaling, step, calibration)
    note = "" if calibration.objects else few_shapes(int(np.isfinite(grid).any(axis=2).sum()), step.level)
    return Posterior(*about, estimate, reference, *ends, len(good), missing, drawn.spread, "ok", indices, note), made


def few_shapes(shapes: int, level: float) -> str:
    """A sentence where an interval of so many shapes cannot have the level, empty where it can.

    shapes: drawn ones with an answer, in any number of meshings. Between the least and the largest of n answers a further one lies with the
    chance (n - 1)/(n + 1), and percentiles of them lie inside of these two: the level needs (1 + level)/(1 - level) of them at least.
    """
    needed = ceil(round((1 + level) / (1 - level), 6))
    if shapes >= needed:
        return ""
    images = isqrt(needed)
    return (
        f"from {shapes} shapes: an interval of so few is too narrow; {100 * level:g} % need {needed} or more, such as "
        f"samples.images={images} samples.segmentations={ceil(needed / images)}, or a calibration"
    )


def answer_grid(rows: Sequence[Answer]) -> Floats:
    """Values (images, segmentations, meshings) of the rows of one observable, NaN where there is none."""
    drawn = [r for r in rows if r.image != REFERENCE_CELL]
    shape = tuple(max(getattr(r, axis) for r in drawn) + 1 for axis in ("image", "segmentation", "meshing"))
    grid = np.full(shape, np.nan)
    for r in drawn:
        grid[r.image, r.segmentation, r.meshing] = r.value if r.status == "ok" else np.nan
    return grid


def indices_of(
    logs: Floats, drawn: Drawn, scaling: Scaling, step: PosteriorStep, calibration: Calibrated, *, draws: int = 300
) -> tuple[Index, ...]:
    """First-order and total indices of the logarithm of an answer, with bootstrap intervals; empty where no two answers differ in all
    draws. Those of a part that no pair of answers tells, such as the mesh's where there is one meshing, are NaN, and so are the intervals
    of those that one pair tells.
    """
    try:
        parts = variance_parts(logs, DRAWN)
    except CellmlError:
        return ()
    added = {
        "unseen": max(0.0, calibration.deviation(drawn) ** 2 - drawn.spread**2) if calibration.objects else 0.0,
        "shrinkage": (scaling.length * step.shrinkage_spread) ** 2,
        "parameter": (scaling.diffusion * step.D_spread) ** 2,
    }
    shares = np.array([_shares(p, added) for p in resampled_parts(logs, DRAWN, draws=draws, seed=step.seed)])
    low, high = np.percentile(shares, (50 * (1 - step.level), 50 * (1 + step.level)), axis=0)
    of_variance, units = resampling_units(logs, DRAWN)
    single = np.concatenate([units, np.full((2, len(added)), of_variance)], axis=1) < 2  # resampled in vain: nothing varies
    low, high = np.where(single, np.nan, low), np.where(single, np.nan, high)
    first, total = _shares(parts, added)
    return tuple(
        Index(name, *(float(v) for v in (first[k], low[0, k], high[0, k], total[k], low[1, k], high[1, k]))) for k, name in enumerate(PARTS)
    )


def _shares(parts: Parts, added: Mapping[str, float]) -> Floats:
    """(2, parts): first-order and total indices; estimates below 0, which small parts have by chance, count as 0. NaN stays NaN."""
    variance = max(parts.variance, 0.0) + sum(added.values())
    found = np.array([[getattr(p, kind) for p in parts.parts] + list(added.values()) for kind in ("first", "total")])
    return np.asarray(np.maximum(found, 0.0) / (variance if variance > 0 else np.nan))


def read_spread(path: str | None, observable: str, *, level: float = 0.9) -> Calibrated:
    """The calibration of an observable from {"observables": {name: {…}}}; one that changes nothing where there is no file.

    level: of the intervals that are asked. Raises FileError for another file, and where it does not know the observable or the level.
    """
    if path is None:
        return SpreadCalibration()
    try:
        known = json.loads(Path(path).read_text(encoding="utf-8"))["observables"]
        if observable not in known:
            raise FileError(f"{path} is a calibration of {', '.join(known)}, not of {observable}.")
        calibration = calibration_of(known[observable])
        if calibration.level != level:
            raise FileError(f"{path} is for intervals of the level {calibration.level}; ask for posterior.level={calibration.level}.")
        return calibration
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, CellmlError):
            raise
        raise FileError(f"{path} is no calibration of spreads ({error}).") from error


def write_tables(folder: Path, found: Sequence[Posterior]) -> None:
    """`posterior.csv`, a row an answer, and `sobol.csv`, a row an answer and part."""
    import csv

    from cellml.io import atomic_path

    main = [{k: v for k, v in asdict(p).items() if k != "indices"} for p in found]
    parts = [{"object": p.object, "observable": p.observable, "part": i.name, **_rest(i)} for p in found for i in p.indices]
    for name, rows in ((TABLE, main), (INDICES, parts)):
        with atomic_path(folder / name) as aside, aside.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else ["object", "observable", "part"])
            writer.writeheader()
            writer.writerows(rows)


def _rest(index: Index) -> dict[str, float]:
    return {key: value for key, value in asdict(index).items() if key != "name"}


def _own_interval(values: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, (0.5 * (1 - level), 0.5 * (1 + level)))
    return float(low), float(high)


def _number(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 6) if len(values) else None


def _plain(posterior: Posterior) -> dict[str, Any]:
    """Containers for a JSON file, in which numbers that are none are null."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: clean(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [clean(v) for v in value]
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return dict(clean(asdict(posterior)))
