"""The reaction–diffusion master equation on the mesh of the finite elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cellml.sim.ends import Places
from cellml.sim.engine.system import System, build_system
from cellml.sim.model import Model
from cellml.sim.particles.cells import Floats, Index
from cellml.sim.particles.copies import copies_of, expected_copies, few_copies, placed, whole
from cellml.sim.particles.courses import CopyCourses, check_replicas, step_times
from cellml.sim.particles.jumps import Jumps, diffuse, jumps_of
from cellml.sim.particles.voxel_reactions import Vessels, react, vessels_of
from cellml.types import TetMesh

# Jumps that the mesh forbids, as a share of all, from which on the answer is no longer that of the mesh.
_MUCH_LEFT_OUT = 0.01


@dataclass(frozen=True, eq=False)
class StochasticRun(CopyCourses):
    """Copy numbers in time; final: (R, N) copies at the unknowns of the system at the end."""

    system: System
    final: Index


def simulate_rdme(
    mesh: TetMesh, model: Model, *, seed: int, replicas: int = 100, steps: int | None = None, places: Places | None = None
) -> StochasticRun:
    """Follow whole numbers of molecules in the dual cells of the mesh, in many replicas at once.

    A step lets all vessels react for Δt/2, molecules jump for Δt, and vessels react for Δt/2 (Strang 1968); each part is exact, so that the
    error is that of the splitting, of order Δt², and none for models without reactions. Molecules of bulk species stand behind the nodes of
    their compartment, those of surface species behind the nodes of their membrane, as in the finite elements with lumped masses, whose
    solution the means are for reactions of order up to one. Numbers at the beginning are the expected ones, rounded at random.

    seed: the same gives the same run; steps: by default those of the model; places: where the automatic choices are.
    Raises SimulationError for a model without `time`, one that does not fit the mesh, and rates that are not of mass action.
    """
    times = step_times(mesh, model, steps)
    return placed(model, lambda: _followed(build_system(mesh, model, places), times, replicas, np.random.default_rng(seed)))


def _followed(system: System, times: Floats, replicas: int, rng: np.random.Generator) -> StochasticRun:
    copies = copies_of(system)
    check_replicas(replicas, copies)
    vessels, jumps, values = vessels_of(system), jumps_of(system), system.model.values()
    counts = _beginning(system, expected_copies(system), replicas, rng)
    totals = [_totals(system, counts)]
    for begin, end in pairwise(times):
        _step(vessels, jumps, counts, float(begin), float(end - begin), values, rng)
        totals.append(_totals(system, counts))
    amounts = {name: np.stack([each[:, i] for each in totals], axis=1) for i, name in enumerate(system.slices)}
    return StochasticRun(times, amounts, (*few_copies(copies), *_notes(jumps)), system, counts)


def _beginning(system: System, expected: Floats, replicas: int, rng: np.random.Generator) -> Index:
    """Copies (R, N): a whole number of each species, spread over its nodes at random."""
    counts = np.zeros((replicas, system.size), np.int64)
    for part in system.slices.values():
        total = expected[part].sum()
        if total > 0:
            counts[:, part] = rng.multinomial(whole(total, replicas, rng), expected[part] / total)
    return counts


def _step(
    vessels: Vessels, jumps: Jumps, counts: Index, t: float, time: float, values: Mapping[str, float], rng: np.random.Generator
) -> None:
    """One step, in place; constants are those of its middle, and held unknowns are Poisson numbers around what is held."""
    rates = vessels.constants(t + 0.5 * time, values)
    held = jumps.conditions.impose(np.zeros(counts.shape[1]), t + 0.5 * time, values)
    for part in ("react", "diffuse", "react"):
        if jumps.held.any():
            counts[:, jumps.held] = rng.poisson((held * vessels.system.weights)[jumps.held], (len(counts), int(jumps.held.sum())))
        if part == "react":
            react(vessels, counts, 0.5 * time, rates, rng)
        else:
            counts[:] = diffuse(jumps, counts, time, held, rng)


def _totals(system: System, counts: Index) -> Index:
    return np.stack([counts[:, part].sum(axis=1) for part in system.slices.values()], axis=1)


def _notes(jumps: Jumps) -> list[str]:
    notes = []
    for name, share in jumps.left_out.items():
        if share > _MUCH_LEFT_OUT:
            notes.append(
                f"{share:.1%} of the jumps of {name} have negative rates on this mesh, because of obtuse angles, and were left out; "
                "its diffusion is wrong by about as much. Mesh with better angles."
            )
    return notes
