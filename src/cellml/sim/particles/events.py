"""One step of all particles: they move, meet walls, react, and new ones come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.particles.cells import Floats, Index, chosen, uniform_points
from cellml.sim.particles.kinetics import Channel
from cellml.sim.particles.rules import HeldWall, Rules, at_points
from cellml.sim.particles.start import at_triangles, entering, points_on
from cellml.sim.particles.swarm import Swarm, nobody, together
from cellml.sim.particles.tracing import Bools, trace


@dataclass(eq=False)
class Step:
    """A step of length `time` from t on, of swarms by species; what is made in it is in `new` until its end, and rests until the next.

    D: by species in µm²/s; arrivals: by species, times at which particles met a held wall; relocated: see `trace`.
    """

    rules: Rules
    D: Mapping[str, float]
    t: float
    time: float
    replicas: int
    rng: np.random.Generator
    new: dict[str, list[Swarm]] = field(default_factory=dict)
    arrivals: dict[str, list[Floats]] = field(default_factory=dict)
    relocated: int = 0

    def __post_init__(self) -> None:
        self.new = {name: [] for name in self.D}
        self.others = self.rules.others(self.t + 0.5 * self.time)
        self.anatomy = self.rules.anatomy

    def run(self, swarms: Mapping[str, Swarm]) -> dict[str, Swarm]:
        """The swarms after the step."""
        rested = {name: self.react(name, swarm) for name, swarm in swarms.items()}
        moved = {name: self.move(name, swarm) for name, swarm in rested.items()}
        self.add_sources()
        for wall in self.rules.held:
            self.let_in(wall)
        return {name: together([moved[name], *self.new[name]]) for name in moved}

    def react(self, species: str, swarm: Swarm) -> Swarm:
        """First-order reactions: each particle takes part with the probability 1 − exp(−Σk Δt). Returns those that did not."""
        found = self.rules.within[species]
        if not found or not len(swarm):
            return swarm
        values = at_points(self.others, swarm.x)
        speeds = np.stack([c.at(values, len(swarm)) * self._there(species, c, swarm) for c in found], axis=1)
        total = speeds.sum(axis=1)
        happens = self.rng.random(len(swarm)) < -np.expm1(-total * self.time)
        which = _pick(speeds[happens], self.rng)
        gone = swarm.some(happens)
        for number, channel in enumerate(found):
            mine = gone.some(which == number)
            for product, copies in channel.products.items():
                self.new[product] += [self._made(species, product, channel, mine)] * copies
        return swarm.some(~happens)

    def _there(self, species: str, channel: Channel, swarm: Swarm) -> Bools:
        """Whether each particle is where a channel happens."""
        place = self.anatomy.system.model.species[species].place
        if channel.place == place or channel.place not in self.anatomy.on:
            return np.ones(len(swarm), bool)
        return self.anatomy.on[channel.place][self.anatomy.surfaces[place].triangles[swarm.cell]]

    def _made(self, species: str, product: str, channel: Channel, swarm: Swarm) -> Swarm:
        """Products of particles that reacted where they were."""
        model = self.anatomy.system.model
        if model.species[species].bulk:
            return swarm
        triangle = self.anatomy.surfaces[model.species[species].place].triangles[swarm.cell]
        if model.species[product].bulk:
            return self._entering(product, swarm.x, triangle, swarm.replica, channel.where)
        return at_triangles(self.anatomy, product, swarm.x, triangle, swarm.replica, channel.where)

    def _entering(self, species: str, x: Floats, triangle: Index, replica: Index, where: str) -> Swarm:
        length = float(np.sqrt(2.0 * self.D[species] * self.time))
        return entering(self.anatomy, species, x, triangle, replica, length, where, self.rng)

    def move(self, species: str, swarm: Swarm) -> Swarm:
        """Diffusion by √(2 D Δt) ξ, in a compartment or along a membrane. Returns the particles that are still of the species."""
        step = np.sqrt(2.0 * self.D[species] * self.time) * self.rng.standard_normal((len(swarm), 3))
        if self.D[species] == 0 or not len(swarm):
            return swarm
        described = self.anatomy.system.model.species[species]
        if described.bulk:
            return self._through(species, swarm, step)
        cells = self.anatomy.surfaces[described.place].cells
        up = np.cross(cells.normals[swarm.cell, 0], cells.normals[swarm.cell, 1])
        up /= np.linalg.norm(up, axis=1, keepdims=True)
        step -= np.einsum("nk,nk->n", step, up)[:, None] * up
        path = trace(cells, swarm.x, swarm.cell, step, cells.neighbours >= 0)
        self.relocated += path.relocated
        return Swarm(path.x, path.cell, swarm.replica)

    def _through(self, species: str, swarm: Swarm, step: Floats) -> Swarm:
        """Paths in a compartment; those that a wall takes go on as whatever the reaction there makes of them."""
        anatomy, place = self.anatomy, self.anatomy.system.model.species[species].place
        chances = self._chances(species)
        whole = np.append(np.minimum(chances.sum(axis=0), 1.0), 0.0)
        path = trace(
            *(anatomy.cells, swarm.x, swarm.cell, step, anatomy.passes[place]),
            at_wall=lambda _, c, f: self.rng.random(len(c)) < whole[anatomy.triangle[c, f]],
        )
        self.relocated += path.relocated
        taken = path.face >= 0
        ended = Swarm(path.x, path.cell, swarm.replica)
        self._taken(species, ended.some(taken), path.face[taken], path.rest[taken], chances)
        return ended.some(~taken)

    def _chances(self, species: str) -> Floats:
        """Probabilities per hit (channels, then held walls; F): P = κ √(π Δt/D), 1 at held walls, where nothing else happens.

        A uniform concentration c sends c √(D Δt/π) particles over a unit of area in a step, of which κ c Δt are to react. First order in
        √Δt: Erban & Chapman 2007, Phys. Biol. 4:16 (half of it where crossings within a step are detected too); Singer, Schuss, Osipov &
        Holcman 2008, SIAM J. Appl. Math. 68:844 (κ = P √(D/π)/√Δt).
        """
        anatomy, found = self.anatomy, self.rules.at_walls[species]
        values, count = at_points(self.others, anatomy.centres), len(anatomy.corners)
        factor = np.sqrt(np.pi * self.time / self.D[species])
        walls = [wall.triangles.astype(float) for wall in self.rules.held if wall.species == species]
        held = np.sum(walls, axis=0) > 0 if walls else np.zeros(count, bool)
        rows = [np.where(anatomy.on[c.place] & ~held, c.at(values, count) * factor, 0.0) for c in found]
        if rows and (most := float(np.sum(rows, axis=0).max(initial=0.0))) > 1:
            raise SimulationError(
                f"{found[0].where}: {species} would have to react with probability {most:.3g} at each hit of {found[0].place}; a step of "
                f"at most {self.time / most**2:.3g} s is needed (now {self.time:.3g} s), and a tenth of it to be accurate: raise `steps`."
            )
        return np.array([*rows, *walls]).reshape(len(rows) + len(walls), count)

    def _taken(self, species: str, swarm: Swarm, face: Index, rest: Floats, chances: Floats) -> None:
        """Particles that reacted at a wall, or met one that holds a concentration."""
        if not len(swarm):
            return
        triangle = self.anatomy.triangle[swarm.cell, face]
        which = _pick(chances[:, triangle].T, self.rng)
        found = self.rules.at_walls[species]
        for number, channel in enumerate(found):
            mine = which == number
            for product, copies in channel.products.items():
                for _ in range(copies):
                    self._go_on(species, product, channel, swarm.some(mine), face[mine], rest[mine])
        arrived = int((which >= len(found)).sum())
        if arrived:
            self.arrivals.setdefault(species, []).append(self.t + self.time * self.rng.random(arrived))

    def _go_on(self, species: str, product: str, channel: Channel, swarm: Swarm, face: Index, rest: Floats) -> None:
        """A product of a hit: stays on the membrane, or goes the rest of the way on the side where it lives."""
        anatomy, described = self.anatomy, self.anatomy.system.model.species[product]
        triangle = anatomy.triangle[swarm.cell, face]
        if not described.bulk:
            self.new[product].append(at_triangles(anatomy, product, swarm.x, triangle, swarm.replica, channel.where))
            return
        placed = at_triangles(anatomy, product, swarm.x, triangle, swarm.replica, channel.where)
        normal = anatomy.cells.normals[swarm.cell, face]
        same = placed.cell == swarm.cell
        onward = np.where(same[:, None], rest - 2.0 * np.einsum("nk,nk->n", rest, normal)[:, None] * normal, rest)
        scale = np.sqrt(self.D[product] / self.D[species])
        self.new[product].append(self._through(product, placed, scale * onward) if self.D[product] > 0 else placed)

    def add_sources(self) -> None:
        """Reactions without reactants: Poisson numbers in each tetrahedron, or on each triangle."""
        for channel in self.rules.sources:
            bulk = channel.place not in self.anatomy.on
            own = np.flatnonzero(self.anatomy.inside[channel.place] if bulk else self.anatomy.on[channel.place])
            centres, sizes = (
                (self.anatomy.cells.centres, self.anatomy.cells.measures) if bulk else (self.anatomy.centres, self.anatomy.areas)
            )
            expected = channel.at(at_points(self.others, centres[own]), len(own)) * sizes[own] * self.time
            drawn, replica = self._poisson(own, expected)
            x = uniform_points(self.anatomy.cells, drawn, self.rng) if bulk else points_on(self.anatomy, drawn, self.rng)
            for product, copies in channel.products.items():
                for _ in range(copies):
                    self.new[product].append(self._from(product, bulk, x, drawn, replica, channel.where))

    def _from(self, product: str, bulk: bool, x: Floats, drawn: Index, replica: Index, where: str) -> Swarm:
        if bulk:
            return Swarm(x, drawn, replica)
        if self.anatomy.system.model.species[product].bulk:
            return self._entering(product, x, drawn, replica, where)
        return at_triangles(self.anatomy, product, x, drawn, replica, where)

    def _poisson(self, own: Index, expected: Floats) -> tuple[Index, Index]:
        """Poisson numbers with the given means in each replica: which of `own` each one is in, and its replica."""
        count = int(self.rng.poisson(self.replicas * expected.sum()))
        if not count:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return own[chosen(expected, count, self.rng)], self.rng.integers(self.replicas, size=count)

    def let_in(self, wall: HeldWall) -> None:
        """Particles from a held concentration c: c √(D Δt/π) for each area and step."""
        anatomy, D = self.anatomy, self.D[wall.species]
        cell, _ = anatomy.side(anatomy.system.model.species[wall.species].place)
        own = np.flatnonzero(wall.triangles & (cell >= 0))
        c = np.broadcast_to(np.asarray(wall.value.evaluate(at_points(self.others, anatomy.centres[own])), dtype=float), (len(own),))
        drawn, replica = self._poisson(own, c * np.sqrt(D * self.time / np.pi) * anatomy.areas[own])
        x = points_on(anatomy, drawn, self.rng)
        self.new[wall.species].append(self._entering(wall.species, x, drawn, replica, "") if len(drawn) else nobody())


def _pick(weights: Floats, rng: np.random.Generator) -> Index:
    """A column for each row of weights (n, C), with probability proportional to them."""
    running = np.cumsum(weights, axis=1)
    return np.asarray((running <= (rng.random(len(running)) * running[:, -1])[:, None]).sum(axis=1))
