"""The verb `simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from cellml.sim.solve import Solution


def simulate_file(mesh: str | Path, model: str | Path, output: str | Path, *, overwrite: bool = False) -> Solution:
    """Solve a model on a mesh file and write the folder of results described at `cellml.sim.results.write_results`.

    mesh: a file that `cellml.io.read_mesh` knows, lengths in nm; model: a model file, or the name of a shipped model; output: a folder
    that does not exist or is empty; overwrite: replace an older folder of results. Prints the scales of the problem before solving and the
    table of observables after it.

    Raises FileError for files that cannot be read and an output that is taken, SimulationError for a model or mesh without a solution;
    nothing has been written then.
    """
    from rich.console import Console

    from cellml.io import read_mesh
    from cellml.sim.model_file import load_model
    from cellml.sim.results import require_free, write_results
    from cellml.sim.scales import scales
    from cellml.sim.shipped import find_model
    from cellml.sim.solve import solve_model

    console = Console(soft_wrap=True, highlight=False)
    require_free(output, overwrite=overwrite)
    described = load_model(find_model(model))
    shape = read_mesh(mesh)
    for line in scales(shape, described):
        console.print(line)
    solution = solve_model(shape, described)
    write_results(solution, output, overwrite=overwrite)
    console.print(observable_table(solution))
    for note in solution.notes:
        console.print(f"Note: {note}")
    console.print(f"Results are in {output}")
    return solution


def observable_table(solution: Solution) -> Table:
    """The observables as a table for the terminal."""
    from rich.table import Table

    table = Table("observable", "value", "± discretisation", "unit", "")
    for o in solution.observables:
        if o.status == "ok":
            table.add_row(o.name, f"{o.value:.6g}", f"{o.discretisation_error:.2g}", o.unit, "")
        else:
            table.add_row(o.name, "", "", o.unit, f"{o.status}: {o.reason}")
    return table
