"""Brownian dynamics of a model on a mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cellml.sim.ends import Places
from cellml.sim.engine.system import System, build_system
from cellml.sim.model import Model
from cellml.sim.particles.anatomy import anatomy_of
from cellml.sim.particles.cells import Floats, Index
from cellml.sim.particles.copies import copies_of, few_copies, placed
from cellml.sim.particles.courses import CopyCourses, check_replicas, step_times
from cellml.sim.particles.events import Step
from cellml.sim.particles.rules import rules_of
from cellml.sim.particles.start import beginning
from cellml.sim.particles.swarm import Swarm
from cellml.types import TetMesh


@dataclass(frozen=True, eq=False)
class ParticleRun(CopyCourses):
    """Copy numbers in time, and where all particles were at the end.

    swarms: particles of each species at the end; arrivals: times in s at which particles of each species met a wall that holds a
    concentration (an absorbing one holds 0), all replicas together: samples of first-passage times where nothing comes from such walls;
    relocated: how many paths round-off had trapped at an edge or a corner.
    """

    system: System
    swarms: Mapping[str, Swarm]
    arrivals: Mapping[str, Floats]
    relocated: int


def simulate_particles(
    mesh: TetMesh, model: Model, *, seed: int, replicas: int = 1, steps: int | None = None, places: Places | None = None
) -> ParticleRun:
    """Follow single molecules by Brownian dynamics, in many replicas at once.

    A step of length Δt: particles react by themselves with probability 1 − exp(−k Δt), move by √(2 D Δt) ξ on straight paths that walls
    reflect, and react where they hit a membrane with probability κ √(π Δt/D); what a membrane sets free starts near it. Species of
    membranes walk over its triangles. Sources are Poisson. Held concentrations, also those of `cut`, take all that hits them and send
    particles back. The error is of order √Δt at absorbing and reacting walls, where crossings within a step go unseen (an absorbing wall
    seems 0.583 √(2 D Δt) further away), and of order Δt elsewhere; see how the answer moves with `steps`.

    seed: the same gives the same run; steps: by default those of the model; places: where the automatic choices are.
    Raises SimulationError for a model without `time` or one that does not fit the mesh, and, with file and line, for rates that are not of
    mass action, reactions of two molecules, and steps too long for a membrane.
    """
    times = step_times(mesh, model, steps)
    return placed(model, lambda: _followed(build_system(mesh, model, places), times, replicas, np.random.default_rng(seed)))


def _followed(system: System, times: Floats, replicas: int, rng: np.random.Generator) -> ParticleRun:
    copies = copies_of(system)
    check_replicas(replicas, copies)
    rules, D = rules_of(anatomy_of(system)), system.diffusion_coefficients(system.model.values())
    swarms, relocated = beginning(rules.anatomy, replicas, rng), 0
    totals, arrivals = [_totals(swarms, replicas)], {name: [np.zeros(0)] for name in swarms}
    for begin, end in pairwise(times):
        step = Step(rules, D, float(begin), float(end - begin), replicas, rng)
        swarms = step.run(swarms)
        totals.append(_totals(swarms, replicas))
        relocated += step.relocated
        for name, found in step.arrivals.items():
            arrivals[name] += found
    amounts = {name: np.stack([each[:, i] for each in totals], axis=1) for i, name in enumerate(swarms)}
    met = {name: np.concatenate(found) for name, found in arrivals.items()}
    return ParticleRun(times, amounts, tuple(few_copies(copies)), system, swarms, met, relocated)


def _totals(swarms: Mapping[str, Swarm], replicas: int) -> Index:
    return np.stack([swarm.copies(replicas) for swarm in swarms.values()], axis=1)
