"""Molecules set free at time 0, for programs that count molecules."""

from __future__ import annotations

from dataclasses import dataclass

from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import Located
from cellml.sim.model import Release


@dataclass(frozen=True)
class Parcel:
    """Molecules of a bulk species at a point (x, y, z) in µm, or behind facets with these tags."""

    species: str
    count: float
    point: tuple[float, float, float] | None
    tags: tuple[int, ...]
    where: str


def counts(located: Located) -> dict[str, float]:
    """Molecules of each species at the beginning that are spread evenly over its place: initial ones, and those released all over it."""
    model = located.model
    found = {s.name: located.number(s.initial) * located.size(s.place) for s in model.species.values()}
    for release in model.releases:
        if _all_over(located, release):
            found[release.species] += located.number(release.amount)
    return found


def parcels(located: Located, target: str) -> list[Parcel]:
    """The other releases. Raises SimulationError for surface species that are released on a part of their membrane."""
    found = []
    for release in located.model.releases:
        if _all_over(located, release):
            continue
        if not located.model.species[release.species].bulk:
            raise SimulationError(
                f"{release.where}: {target} is given surface molecules all over their membrane; {release.species} at {release.at} is "
                "exported to fenicsx only."
            )
        at, amount = release.at, located.number(release.amount)
        point = None if isinstance(at, str) else (at[0] * 1e-3, at[1] * 1e-3, at[2] * 1e-3)
        found.append(Parcel(release.species, amount, point, located.tags(at) if isinstance(at, str) else (), release.where))
    return found


def _all_over(located: Located, release: Release) -> bool:
    species = located.model.species[release.species]
    if not isinstance(release.at, str):
        return False
    return release.at == species.place or (not species.bulk and set(located.tags(release.at)) == set(located.tags(species.place)))
