"""The folder that a mechanical simulation leaves."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from cellml.io import atomic_path, write_mesh

if TYPE_CHECKING:
    from cellml.sim.mechanics_solve import MechanicsSolution


def write_mechanics(solution: MechanicsSolution, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Write a mechanical solution as a folder that appears only when it is complete; returns the folder.

    observables.csv   name, value, unit, discretisation_error, status, reason: at full load
    courses.csv       the same at each step of the load, with strain and nominal stress of each stress_strain
    solution.vtu      the mesh (nm) with its regions, the displacement (nm) and the von Mises stress (Pa)
    model.yaml        the model file, if it was read from one

    Raises FileError for an output that is taken.
    """
    from cellml.sim.results import COURSES, FIELDS, MODEL, OBSERVABLES, require_free, write_observables

    require_free(folder, overwrite=overwrite)
    with atomic_path(folder) as aside:
        aside.mkdir()
        write_observables(solution.observables, aside / OBSERVABLES)
        _write_curves(solution, aside / COURSES)
        displacement = solution.fields["displacement"]
        components = {f"displacement_{axis}": displacement[:, i] for i, axis in enumerate("xyz")}
        write_mesh(solution.mesh, aside / FIELDS, point_data={**components, "von_mises": solution.fields["von_mises"]})
        if solution.model.path is not None:
            (aside / MODEL).write_bytes(solution.model.path.read_bytes())
    return Path(folder)


def _write_curves(solution: MechanicsSolution, path: Path) -> None:
    columns = {"fraction of the load": solution.fractions}
    units = {request.name: request.unit for request in solution.model.observables}
    columns |= {f"{name} strain": strain for name, strain in solution.strains.items()}
    columns |= {f"{name} ({units[name]})": curve for name, curve in solution.curves.items()}
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(zip(*(map(repr, map(float, column)) for column in columns.values()), strict=True))
