"""The verb `simulate` for mechanical models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cellml.sim.errors import SimulationError

if TYPE_CHECKING:
    from cellml.sim.mechanics_model import MechanicsModel
    from cellml.sim.mechanics_solve import MechanicsSolution


def simulate_mechanics(
    mesh: str | Path, model: MechanicsModel, output: str | Path, *, steps: int | None = None, overwrite: bool = False
) -> MechanicsSolution:
    """Solve a mechanical model on a mesh file and write the folder described at `cellml.sim.mechanics_results.write_mechanics`.

    mesh: a file that `cellml.io.read_mesh` knows, lengths in nm; steps: of the load, instead of the model's. Prints the materials with
    their sources before solving and the observables after it. Raises FileError for files that cannot be read and an output that is taken,
    SimulationError for a model or mesh without a solution; nothing has been written then.
    """
    from cellml.io import read_mesh
    from cellml.sim.mechanics_results import write_mechanics
    from cellml.sim.mechanics_solve import solve_mechanics
    from cellml.sim.results import require_free

    require_free(output, overwrite=overwrite)
    if steps is not None:
        if steps < 1:
            raise SimulationError(f"steps is {steps}; at least one step of the load is needed.")
        model = replace(model, steps=steps)
    shape = read_mesh(mesh)
    print(f"{shape.name}: {len(shape.tets)} tetrahedra of order {model.order}, law {model.law}, {model.steps} steps")
    for solid in model.solids:
        for symbol, value in (("E", solid.young), ("nu", solid.poisson)):
            print(f"{symbol} of {solid.region} = {value} (source: {value.source or 'none given'})")
    solution = solve_mechanics(shape, model)
    write_mechanics(solution, output, overwrite=overwrite)
    for observable in solution.observables:
        print(observable)
    for note in solution.notes:
        print(f"Note: {note}")
    print(f"Results are in {output}")
    return solution
