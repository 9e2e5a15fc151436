"""The same model with whole molecules: copy numbers of many replicas, and what observables say of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.courses import Course, course_requests, reduced, unit_of
from cellml.sim.model import Model, ObservableRequest
from cellml.sim.observables import Observable
from cellml.sim.outer_membrane import facet_sets_of, outer_membrane_notes
from cellml.sim.quantities import from_base
from cellml.sim.solve import solve_model
from cellml.types import TetMesh

if TYPE_CHECKING:
    from cellml.sim.engine.system import System

Method = Literal["fem", "stochastic", "particles"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CopyNumbers:
    """What a model gave with whole molecules.

    method: "stochastic" (the reaction–diffusion master equation) or "particles" (Brownian dynamics); times: (S,) in s; copies: by species,
    (R, S) molecules in each replica; observables: in the order of the model, time courses as the mean over replicas; spread: standard
    deviation over replicas of each of these, by name; notes: what a reader should know.
    """

    mesh: TetMesh
    model: Model
    method: Method
    seed: int
    times: Floats
    copies: Mapping[str, NDArray[np.int64]]
    observables: tuple[Observable, ...]
    spread: Mapping[str, float]
    notes: tuple[str, ...]

    @property
    def replicas(self) -> int:
        """Number of independent runs."""
        return len(next(iter(self.copies.values())))

    def write_courses(self, path: Path) -> None:
        """A table of the time, and of mean, standard deviation and first run of each species, in molecules."""
        columns: dict[str, Floats] = {"time (s)": self.times}
        for name, copies in self.copies.items():
            columns[f"mean of {name} (molecule)"] = copies.mean(axis=0)
            columns[f"standard deviation of {name} (molecule)"] = (
                copies.std(axis=0, ddof=1) if self.replicas > 1 else np.zeros(len(self.times))
            )
            columns[f"first run of {name} (molecule)"] = copies[0].astype(float)
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(columns)
            table.writerows([repr(float(value)) for value in row] for row in zip(*columns.values(), strict=True))


def solve_copies(mesh: TetMesh, model: Model, method: Method, *, seed: int, replicas: int) -> CopyNumbers:
    """Follow whole molecules, `replicas` times with random numbers from `seed`.

    Amounts and means of species are measured in each replica; other time courses have no answer in this method. Transport observables are
    those of finite elements. Raises SimulationError as `simulate_rdme` and `simulate_particles` do.
    """
    from cellml.sim.particles.brownian import simulate_particles
    from cellml.sim.particles.rdme import simulate_rdme

    run = (simulate_rdme if method == "stochastic" else simulate_particles)(mesh, model, seed=seed, replicas=replicas)
    of_courses = course_requests(model)
    still = replace(model, time=None, steady=False, observables=tuple(r for r in model.observables if r not in of_courses))
    transport = {o.name: o for o in solve_model(mesh, still).observables}
    answers, spread = {}, {}
    for request in of_courses:
        answers[request.name], spread[request.name] = _measured(run.system, request, run.times, run.amounts.get(request.of), method)
    observables = tuple(transport.get(r.name) or answers[r.name] for r in model.observables)
    notes = (*outer_membrane_notes(mesh, facet_sets_of(model)), *run.notes)
    return CopyNumbers(mesh, model, method, seed, run.times, run.amounts, observables, spread, notes)


def _measured(
    system: System, request: ObservableRequest, times: Floats, copies: NDArray[np.int64] | None, method: Method
) -> tuple[Observable, float]:
    """The mean over replicas of an observable, and its standard deviation; the reason tells the statistical error."""
    unit = unit_of(system.model, request)
    if copies is None or request.type not in ("amount", "mean"):
        reason = f"method={method} counts molecules: only `amount` and `mean` can be asked of it"
        return Observable.without_value(request.name, unit, "undefined", reason), float("nan")
    size = 1.0 if request.type == "amount" else system.space_of(request.of).measure
    factor = from_base(1.0, unit) / size
    found = [reduced(Course(request.name, times, factor * row, unit), request.reduce) for row in copies]
    values = np.array([value for value, _ in found])
    if not np.isfinite(values).all():
        reason = f"in {int((~np.isfinite(values)).sum())} of {len(values)} replicas the course never comes half its way"
        return Observable.without_value(request.name, found[0][1], "undefined", reason), float("nan")
    deviation = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    reason = f"mean of {len(values)} replicas, standard error {deviation / np.sqrt(len(values)):.2g}, standard deviation {deviation:.3g}"
    return Observable(request.name, float(values.mean()), found[0][1], float("nan"), reason=reason), deviation
