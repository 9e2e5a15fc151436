"""First-passage times by Brownian dynamics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.particles.cells import Floats, Index, chosen, uniform_points
from cellml.sim.particles.target import Target, target_of
from cellml.sim.particles.tracing import Bools, Paths, cross, trace
from cellml.types import TetMesh

# Lengths √(2 D Δt) of steps: this share of the distance to the rim of the target, …
NEAR = 0.25
# … at most this share of 3 V/A of the shape (its radius if it is a ball), and at least this share of √(area/π) of the target.
LARGEST, SMALLEST = 0.15, 0.02
# Crossings in between that are less likely than exp(−this) are not looked for.
_UNLIKELY = 30.0


@dataclass(frozen=True, eq=False)
class FirstPassage:
    """Times at which particles reached a target.

    times: (N,) in s; moves: of all particles together; relocated: how many paths round-off had trapped at an edge (see `trace`).
    """

    times: Floats
    moves: int
    relocated: int

    @property
    def mean(self) -> float:
        """Mean time in s."""
        return float(self.times.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of the mean in s."""
        return float(self.times.std(ddof=1) / np.sqrt(len(self.times)))


def first_passage_times(
    mesh: TetMesh, D: float, target: Sequence[str], *, seed: int, particles: int = 1000, scale: float = 1.0, most_moves: int = 10**9
) -> FirstPassage:
    """Follow particles from a uniform start in the volume until each has reached the target; all other walls reflect.

    A particle at x moves by √(2 D Δt) ξ, with √(2 D Δt) = scale · clip(NEAR · distance to the rim of the target, SMALLEST, LARGEST), which
    samples the Brownian path at stopping times. Between two ends at distances z₁, z₂ from the plane of the target it has touched the plane
    with probability exp(−z₁ z₂/(D Δt)) (Andrews & Bray 2004, Phys. Biol. 1:137), and is absorbed if the straight path to the mirrored end
    meets the target first. What is left of the error of a step, at the rim and on curved walls, is what `extrapolated` removes.

    D in µm²/s; target: names of facets; seed: the same gives the same times. Raises SimulationError if the mesh lacks the facets, or if
    particles are left after most_moves.
    """
    aim, rng = target_of(mesh, target), np.random.default_rng(seed)
    largest = scale * LARGEST * 3.0 * aim.cells.measures.sum() / _boundary_area(aim)
    lengths = (scale * NEAR, min(scale * SMALLEST * aim.size, largest), largest)
    cell = chosen(aim.cells.measures, particles, rng)
    walkers = _Walkers.at(uniform_points(aim.cells, cell, rng), cell, np.zeros(particles), np.arange(particles))
    walkers.begin_step(aim, np.arange(particles), lengths, rng)
    times, moves, relocated = np.zeros(particles), particles, 0
    inner = aim.cells.neighbours >= 0
    while len(walkers.number):
        met = cross(aim.cells, walkers.paths, inner, lambda _, c, f: aim.faces[c, f])
        share = np.where(met.taken, walkers.share_done(), 1.0)
        ended = np.flatnonzero(met.arrived)
        touched, at = walkers.touched(aim, ended, rng)
        absorbed = met.taken.copy()
        absorbed[ended], share[ended] = touched, at
        now = met.arrived | met.taken
        walkers.clock[now] += (share * walkers.h**2 / (2.0 * D))[now]
        times[walkers.number[absorbed]] = walkers.clock[absorbed]
        walkers.begin_step(aim, ended[~touched], lengths, rng)
        moves, relocated = moves + int((~touched).sum()), relocated + met.relocated
        if absorbed.any():
            walkers = walkers.some(~absorbed)
        if moves > most_moves:
            raise SimulationError(
                f"{len(walkers.number)} of {particles} particles have not reached {', '.join(target)} after {moves} moves; "
                "is there a way to it from everywhere? Fewer particles, or a larger scale of the step, take fewer moves."
            )
    return FirstPassage(times, moves, relocated)


def _boundary_area(aim: Target) -> float:
    cells = aim.cells
    cell, face = np.nonzero(cells.neighbours < 0)
    heights = cells.gaps(cells.corners[cell, face], cell)[np.arange(len(cell)), face]
    return float((3.0 * cells.measures[cell] / heights).sum())


@dataclass(eq=False)
class _Walkers:
    """n particles, each somewhere in its own step, so that none waits for another.

    paths: (n,) on their way; x, cell: where their steps began, (n, 3), (n,); step: length of their displacements (n,) and h its scale, in
    µm; clock: (n,) when their steps began, in s; number: (n,).
    """

    paths: Paths
    x: Floats
    cell: Index
    step: Floats
    h: Floats
    clock: Floats
    number: Index

    @classmethod
    def at(cls, x: Floats, cell: Index, clock: Floats, number: Index) -> _Walkers:
        """Particles that rest."""
        zero = np.zeros(len(number))
        return cls(Paths.of(x, cell, np.zeros_like(x)), x.copy(), cell.copy(), zero, zero.copy(), clock, number)

    def some(self, which: Bools) -> _Walkers:
        """Some of the particles."""
        rest = (getattr(self, key)[which] for key in ("x", "cell", "step", "h", "clock", "number"))
        return _Walkers(self.paths.some(which), *rest)

    def begin_step(self, aim: Target, which: Index, lengths: tuple[float, float, float], rng: np.random.Generator) -> None:
        """Give particles their next displacement. lengths: share of the distance to the rim, least and largest scale in µm."""
        self.x[which], self.cell[which] = self.paths.p[which], self.paths.c[which]
        near, smallest, largest = lengths
        h = np.clip(near * aim.rim_distance(self.x[which], self.cell[which]), smallest, largest)
        step = h[:, None] * rng.standard_normal((len(which), 3))
        self.h[which], self.step[which], self.paths.v[which] = h, np.linalg.norm(step, axis=1), step

    def share_done(self) -> Floats:
        """The share of each step that is behind, (n,)."""
        return np.asarray(1.0 - np.linalg.norm(self.paths.v, axis=1) / self.step)

    def touched(self, aim: Target, ended: Index, rng: np.random.Generator) -> tuple[Bools, Floats]:
        """For particles at the end of their step: whether they touched the target on the way, and at which share of the step."""
        met, share = np.zeros(len(ended), bool), np.ones(len(ended))
        near = np.flatnonzero(aim.to_target[self.cell[ended]] < np.sqrt(_UNLIKELY / 2.0) * self.h[ended])
        if len(near):
            at = ended[near]
            met[near], share[near] = _touched(aim, self.x[at], self.cell[at], self.paths.p[at], self.h[at], rng)
        return met, share


def _touched(aim: Target, x: Floats, cell: Index, end: Floats, h: Floats, rng: np.random.Generator) -> tuple[Bools, Floats]:
    """Whether paths from x (N, 3) to end (N, 3) touched the target in between, and at which share of the step."""
    triangle = aim.nearest(x)
    plane, normal = aim.corners[triangle, 0], aim.outward[triangle]
    begin, final = (np.einsum("nk,nk->n", plane - p, normal) for p in (x, end))
    inside = (begin > 0) & (final > 0)
    chance = np.where(inside, np.exp(-2.0 * begin * final / h**2), 0.0)
    maybe = np.flatnonzero(rng.random(len(x)) < chance)
    mirrored = end[maybe] + 2.0 * final[maybe, None] * normal[maybe]
    path = trace(aim.cells, x[maybe], cell[maybe], mirrored - x[maybe], aim.cells.neighbours >= 0, lambda n, c, f: np.ones(len(n), bool))
    hit = (path.face >= 0) & aim.faces[path.cell, path.face]
    touched, share = np.zeros(len(x), bool), np.ones(len(x))
    touched[maybe[hit]] = True
    share[touched] = (begin / (begin + final))[touched]
    return touched, share


def extrapolated(runs: Sequence[tuple[float, FirstPassage]]) -> tuple[float, float]:
    """Mean time and its standard error at step 0, from runs at three or more scales of the step: the weighted fit of τ + c · scale.

    The scale multiplies √Δt, the order of what overlooked crossings leave (Erban & Chapman 2007, Phys. Biol. 4:16). Raises SimulationError
    for fewer scales.
    """
    if len({scale for scale, _ in runs}) < 3:
        raise SimulationError(f"Extrapolation needs runs at three or more scales of the step, found {len(runs)}.")
    weights = np.array([1.0 / run.standard_error for _, run in runs])
    design = np.array([[1.0, scale] for scale, _ in runs]) * weights[:, None]
    covariance = np.linalg.inv(design.T @ design)
    fit = covariance @ design.T @ (np.array([run.mean for _, run in runs]) * weights)
    return float(fit[0]), float(np.sqrt(covariance[0, 0]))
