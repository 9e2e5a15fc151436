"""A mechanical model on the names that a mesh has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.mechanics_model import MechanicsModel
from cellml.sim.model import EVERYWHERE
from cellml.sim.reading import nearest


def placed_mechanics(model: MechanicsModel, places: Mapping[str, Any]) -> MechanicsModel:
    """The model with facet sets and regions renamed, all at once; observables keep their names.

    places: the name on the mesh by the name in the model. Raises SimulationError, naming what there is, for a name that the model does not
    have, for anything but one name, and for two materials of one region.
    """
    facets = [*(support.on for support in model.supports), *(load.on for load in model.loads)]
    known = list(dict.fromkeys([*facets, *(solid.region for solid in model.solids)]))
    said = {name: f"places={{{name}: {value}}}" for name, value in places.items()}
    for name, value in places.items():
        if name not in known:
            raise SimulationError(f"{said[name]}: {model.name} has no place {name!r}{nearest(name, known)}; it has {', '.join(known)}.")
        if isinstance(value, list | tuple | dict) or not str(value).strip():
            raise SimulationError(f"{said[name]}: a mechanical model takes one name here, of a set of facets or of a region.")

    def on_mesh(name: str) -> str:
        return str(places.get(name, name))

    def told(name: str, where: str) -> str:
        return said.get(name, where)

    solids = tuple(replace(s, region=on_mesh(s.region), where=told(s.region, s.where)) for s in model.solids)
    regions = [solid.region for solid in solids]
    twice = next((solid for solid in solids if regions.count(solid.region) > 1 and solid.where in said.values()), None)
    if twice is not None:
        what = "all other regions have" if twice.region == EVERYWHERE else f"the region {twice.region!r} has"
        raise SimulationError(f"{twice.where}: {what} a material already; each needs its own.")
    return replace(
        model,
        solids=solids,
        supports=tuple(replace(s, on=on_mesh(s.on), where=told(s.on, s.where)) for s in model.supports),
        loads=tuple(replace(p, on=on_mesh(p.on), where=told(p.on, p.where)) for p in model.loads),
        observables=tuple(replace(r, on=on_mesh(r.on), where=told(r.on, r.where)) for r in model.observables),
    )
