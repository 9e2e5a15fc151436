"""Reactions of the copy numbers in the dual cells of a mesh.

Between two moves each point of the mesh is a well-stirred vessel of its own. All vessels of all replicas go through Gillespie's direct
method (J. Phys. Chem. 81:2340, 1977) side by side, one event each at a time, until none has an event before the end of the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cellml.sim.engine.system import System
from cellml.sim.particles.cells import Floats, Index
from cellml.sim.particles.kinetics import Channel, channels

# Vessels looked at together in the first round: bounds the memory.
_BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class Sites:
    """A channel at the n points of its place.

    points: (n,) vessels; unknowns: for each species of the channel its unknowns there, (n,); size: (n,), the volume or area of the place
    there over Π w^copies of the reactants, so that constant · size · Π copies is the rate of events; coordinates: (n, 3) in µm.
    """

    channel: Channel
    points: Index
    unknowns: Mapping[str, Index]
    size: Floats
    coordinates: Floats


def sites_of(system: System) -> tuple[Sites, ...]:
    """Where each channel of a model happens. Raises SimulationError for reactions that are not of mass action."""
    found = []
    for channel in channels(system.model):
        space = system.spaces[channel.place]
        unknowns = {s: system.unknowns_at(s, space, channel.where, channel.place) for s in channel.changes}
        size = space.weights.copy()
        for species, copies in channel.reactants.items():
            size /= system.weights[unknowns[species]] ** copies
        found.append(Sites(channel, space.nodes, unknowns, size, space.coordinates))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Vessels:
    """Sites by vessel. points: (Q,) of the mesh with any reaction; number: (Q, C) site of channel c at vessel q, −1 where it is none."""

    system: System
    sites: tuple[Sites, ...]
    points: Index
    number: Index

    def constants(self, t: float, values: Mapping[str, float]) -> list[Floats]:
        """For each channel rates of events (n,) for one copy of each reactant, with a last 0 for vessels that are none of its sites."""
        others = self.system.others(values, t)
        rates = []
        for site in self.sites:
            x = site.coordinates
            k = site.channel.at({**others, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2]}, len(x))
            rates.append(np.append(k * site.size, 0.0))
        return rates


def vessels_of(system: System) -> Vessels:
    """The vessels of a system."""
    sites = sites_of(system)
    points = np.unique(np.concatenate([np.zeros(0, np.int64), *(site.points for site in sites)]))
    number = np.full((len(points), len(sites)), -1, np.int64)
    for c, site in enumerate(sites):
        number[np.searchsorted(points, site.points), c] = np.arange(len(site.points))
    return Vessels(system, sites, points, number)


def react(vessels: Vessels, counts: Index, time: float, rates: list[Floats], rng: np.random.Generator) -> None:
    """Let copy numbers (R, N) react for a time in s, in place. rates: from `Vessels.constants`."""
    if not len(vessels.points):
        return
    block = max(_BLOCK // len(vessels.points), 1)
    for start in range(0, len(counts), block):
        _react(vessels, counts[start : start + block], time, rates, rng)


def _react(vessels: Vessels, counts: Index, time: float, rates: list[Floats], rng: np.random.Generator) -> None:
    replica, vessel = (i.ravel() for i in np.indices((len(counts), len(vessels.points))))
    left = np.full(len(replica), time)
    while len(replica):
        speeds = _propensities(vessels, counts, replica, vessel, rates)
        total = speeds.sum(axis=1)
        left = left - np.divide(rng.standard_exponential(len(total)), total, out=np.full(len(total), np.inf), where=total > 0)
        happens = left > 0
        replica, vessel, left, speeds = replica[happens], vessel[happens], left[happens], speeds[happens]
        running = np.cumsum(speeds, axis=1)
        event = (running <= (rng.random(len(running)) * running[:, -1])[:, None]).sum(axis=1)
        _apply(vessels, counts, replica, vessel, np.minimum(event, speeds.shape[1] - 1))


def _propensities(vessels: Vessels, counts: Index, replica: Index, vessel: Index, rates: list[Floats]) -> Floats:
    """Rates of events (n, C): constant · Π n (n − 1) … of the reactants."""
    speeds = np.empty((len(replica), len(vessels.sites)))
    for c, site in enumerate(vessels.sites):
        number = vessels.number[vessel, c]
        speed = rates[c][number]
        for species, copies in site.channel.reactants.items():
            present = counts[replica, site.unknowns[species][number]]
            for k in range(copies):
                speed = speed * np.maximum(present - k, 0)
        speeds[:, c] = speed
    return speeds


def _apply(vessels: Vessels, counts: Index, replica: Index, vessel: Index, event: Index) -> None:
    for c, site in enumerate(vessels.sites):
        mine = np.flatnonzero(event == c)
        number = vessels.number[vessel[mine], c]
        for species, change in site.channel.changes.items():
            counts[replica[mine], site.unknowns[species][number]] += change
