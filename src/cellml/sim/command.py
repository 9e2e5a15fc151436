"""The verb `simulate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cellml.sim.errors import SimulationError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from cellml.sim.mechanics_solve import MechanicsSolution
    from cellml.sim.model import Model
    from cellml.sim.observables import Observable
    from cellml.sim.solve import Solution
    from cellml.sim.stochastic import CopyNumbers
    from cellml.types import TetMesh

MOVIE_FRAMES = 36


def simulate_file(
    mesh: str | Path,
    model: str | Path,
    output: str | Path,
    *,
    places: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    cut: str | None = None,
    end: str | int | float | None = None,
    steps: int | None = None,
    method: Literal["fem", "stochastic", "particles"] = "fem",
    replicas: int = 100,
    seed: int = 0,
    solver: Literal["auto", "direct", "cg", "amg", "pardiso"] = "auto",
    errors: Literal["auto", "always", "never"] = "auto",
    cut_sensitivity: bool = False,
    pictures: bool = True,
    overwrite: bool = False,
) -> Solution | CopyNumbers | MechanicsSolution:
    """Solve a model on a mesh file and write the folder of results described at `cellml.sim.results.write_results`.

    mesh: a file that `cellml.io.read_mesh` knows, lengths in nm; model: a model file, or the name of a shipped model; output: a folder
    that does not exist or is empty; places, parameters, cut, end, steps: see `cellml.sim.overrides.overridden`; method: finite elements,
    or whole molecules, `replicas` times with random numbers from `seed` (`cellml.sim.stochastic.solve_copies`); solver, errors: see
    `cellml.sim.solve.solve_model`; cut_sensitivity: solve with each rule at cut faces and say how much each observable changes; pictures:
    figures and a movie; overwrite: replace an older folder of results. Prints the scales of the problem before solving and the table of
    observables after it.

    Raises FileError for files that cannot be read and an output that is taken, SimulationError for a model or mesh without a solution;
    nothing has been written then. Where time cannot go on, what was found until then is written before the error is raised.
    """
    from cellml.io import read_mesh
    from cellml.sim.cut_sensitivity import require_courses
    from cellml.sim.mechanics_command import simulate_mechanics
    from cellml.sim.mechanics_file import load_any_model
    from cellml.sim.mechanics_model import MechanicsModel
    from cellml.sim.mechanics_overrides import placed_mechanics
    from cellml.sim.overrides import overridden
    from cellml.sim.results import require_free
    from cellml.sim.shipped import find_model

    console = _console()
    require_free(output, overwrite=overwrite)
    read = load_any_model(find_model(model))
    if isinstance(read, MechanicsModel):
        given = {"parameters": parameters, "cut": cut, "end": end, "cut_sensitivity": cut_sensitivity or None}
        asked = [*(key for key, value in given.items() if value is not None), *(["method"] if method != "fem" else [])]
        if asked:
            raise SimulationError(f"A mechanical model takes no {', '.join(asked)}; change the model file, or leave it out.")
        return simulate_mechanics(mesh, placed_mechanics(read, places or {}), output, steps=steps, overwrite=overwrite)
    described = overridden(read, places=places, parameters=parameters, cut=cut, end=None if end is None else str(end), steps=steps)
    if cut_sensitivity:
        require_courses(described)
    shape = read_mesh(mesh)
    _print_scales(console, shape, described)
    if method != "fem":
        return _with_molecules(console, shape, described, output, method, replicas, seed, pictures, overwrite)
    return _with_elements(console, shape, described, output, solver, errors, cut_sensitivity, pictures, overwrite)


def _with_elements(
    console: Console,
    mesh: TetMesh,
    model: Model,
    output: str | Path,
    solver: str,
    errors: Literal["auto", "always", "never"],
    cut_sensitivity: bool,
    pictures: bool,
    overwrite: bool,
) -> Solution:
    from cellml.sim.cut_sensitivity import CutSensitivity, cut_table
    from cellml.sim.progress import time_progress
    from cellml.sim.results import write_results
    from cellml.sim.solve import StoppedSolutionError, solve_model

    try:
        with time_progress(console) as tell:
            solution = solve_model(mesh, model, solver=solver, errors=errors, frames=MOVIE_FRAMES if pictures else 0, tell=tell)
    except StoppedSolutionError as stopped:
        write_results(stopped.solution, output, overwrite=overwrite, pictures=pictures)
        raise SimulationError(f"{stopped} What was found until then is in {output}.") from None
    sensitivity = CutSensitivity.of(solution, solver=solver) if cut_sensitivity else None
    write_results(solution, output, overwrite=overwrite, pictures=pictures, sensitivity=sensitivity)
    console.print(observable_table(solution.observables))
    if sensitivity is not None:
        console.print(cut_table(sensitivity))
    _print_end(console, solution.notes, output)
    return solution


def _with_molecules(
    console: Console,
    mesh: TetMesh,
    model: Model,
    output: str | Path,
    method: Literal["stochastic", "particles"],
    replicas: int,
    seed: int,
    pictures: bool,
    overwrite: bool,
) -> CopyNumbers:
    from cellml.sim.copy_results import write_copies
    from cellml.sim.stochastic import solve_copies

    if replicas < 1:
        raise SimulationError(f"replicas={replicas}: at least one run is needed.")
    found = solve_copies(mesh, model, method, seed=seed, replicas=replicas)
    write_copies(found, output, overwrite=overwrite, pictures=pictures)
    console.print(observable_table(found.observables))
    _print_end(console, found.notes, output)
    return found


def _print_end(console: Console, notes: Sequence[str], output: str | Path) -> None:
    for note in notes:
        console.print(f"Note: {note}")
    console.print(f"Results are in {output}", soft_wrap=True)


def observable_table(observables: Sequence[Observable]) -> Table:
    """The observables as a table for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from cellml.report.markup import unit_text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title, side in (("observable", "left"), ("value", "right"), ("± discretisation", "right"), ("unit", "left"), ("", "left")):
        table.add_column(title, justify="right" if side == "right" else "left", overflow="fold")
    for o in observables:
        if o.status == "ok":
            estimated = o.discretisation_error == o.discretisation_error
            error = f"{o.discretisation_error:.2g}" if estimated else "not estimated"
            table.add_row(o.name, f"{o.value:.6g}", error, unit_text(o.unit), o.reason)
        else:
            table.add_row(o.name, "", "", unit_text(o.unit), f"{o.status}: {o.reason}")
    return table


def _console() -> Console:
    """A terminal of at most 100 columns, and of 100 where the output goes to a file; texts of model files are no markup."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=False)
    console.width = min(console.width, 100) if console.is_terminal else 100
    return console


def _print_scales(console: Console, mesh: TetMesh, model: Model) -> None:
    from cellml.sim.placement import NoPlaceError
    from cellml.sim.scale_tables import scale_lines
    from cellml.sim.scales import scales

    try:
        lines = list(scale_lines(scales(mesh, model)))
    except NoPlaceError as missing:
        lines = [f"The scales of the model are not known, because a place that it needs does not exist: {missing.reason}."]
    for line in lines:
        console.print(line)
