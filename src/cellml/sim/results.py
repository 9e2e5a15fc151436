"""The folder that a simulation leaves."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.io import atomic_path, write_mesh
from cellml.sim.ends import Places
from cellml.sim.observables import Observable
from cellml.sim.solve import Solution
from cellml.sim.transient import Transient

OBSERVABLES, FIELDS, MODEL, PLACES, RELEASE = "observables.csv", "solution.vtu", "model.yaml", "places.json", "release.csv"
FILES = (OBSERVABLES, FIELDS, MODEL, PLACES, RELEASE)


def require_free(folder: str | Path, *, overwrite: bool) -> None:
    """Raise FileError unless results may be written there: nothing, an empty folder, or, with overwrite, an older folder of results."""
    target = Path(folder)
    if not target.exists():
        return
    if not target.is_dir():
        raise FileError(f"{target} is a file; output is the folder of results.")
    present = {path.name for path in target.iterdir()}
    if present and not overwrite:
        raise FileError(f"{target} is not empty ({len(present)} files); choose another folder, or replace its results with overwrite=true.")
    foreign = sorted(present - set(FILES))
    if foreign:
        raise FileError(f"{target} holds more than results ({', '.join(foreign[:3])}), so it is not replaced; choose another folder.")


def write_results(solution: Solution, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Write a solution as a folder that appears only when it is complete; returns the folder.

    observables.csv    name, value, unit, discretisation_error, status, reason
    solution.vtu       the mesh (nm) with its regions and all nodal fields
    places.json        where largest_cut and farthest_cut are, or why they are not
    release.csv        step, time, amount, smallest and largest concentration, if the model releases something
    model.yaml         the model file, if it was read from one
    """
    require_free(folder, overwrite=overwrite)
    with atomic_path(folder) as aside:
        aside.mkdir()
        _write_observables(solution.observables, aside / OBSERVABLES)
        write_mesh(solution.mesh, aside / FIELDS, point_data=solution.fields)
        (aside / PLACES).write_text(json.dumps(_places(solution.places), indent=2) + "\n", encoding="utf-8")
        if solution.transient is not None:
            _write_release(solution.transient, aside / RELEASE)
        if solution.model.path is not None:
            (aside / MODEL).write_bytes(solution.model.path.read_bytes())
    return Path(folder)


def _write_observables(observables: tuple[Observable, ...], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("name", "value", "unit", "discretisation_error", "status", "reason"))
        for o in observables:
            numbers = (repr(o.value), repr(o.discretisation_error)) if o.status == "ok" else ("", "")
            table.writerow((o.name, numbers[0], o.unit, numbers[1], o.status, o.reason))


def _write_release(transient: Transient, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("step", "time_s", "amount_um3", "lowest", "highest"))
        rows = zip(transient.times, transient.amount, transient.lowest, transient.highest, strict=True)
        table.writerows((step, *(repr(float(v)) for v in row)) for step, row in enumerate(rows))


def _places(places: Places) -> dict[str, Any]:
    found = {n: {"plane": p.plane, "centroid_nm": list(p.centroid), "area_nm2": p.area} for n, p in places.found.items()}
    return {**found, **{name: {"missing": reason} for name, reason in places.missing.items()}}
