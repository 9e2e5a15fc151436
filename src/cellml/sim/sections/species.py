"""The section `species`."""

from __future__ import annotations

from cellml.sim.model import Species
from cellml.sim.reading import check_keys, symbol, text
from cellml.sim.sections.gathering import Gathering
from cellml.sim.yaml_lines import KeyPath

BULK, SURFACE, DIFFUSION = "uM", "molecule/um^2", "um^2/s"


def read_species(have: Gathering) -> dict[str, Species]:
    """The section `species`: `in:` a compartment or `on:` a membrane, `D` (0 if left out) and `initial` (0 if left out)."""
    found = {}
    for key, item in have.section("species").items():
        path: KeyPath = ("species", key)
        symbol(have.document, path, key)
        check_keys(have.document, path, item, required=(), optional=("in", "on", "D", "initial"))
        if ("in" in item) == ("on" in item):
            raise have.document.error(
                path, f"{key} needs a place: `in:` a compartment (bulk) or `on:` a membrane (surface), one of the two"
            )
        bulk = "in" in item
        where = "in" if bulk else "on"
        place = text(have.document, (*path, where), item[where])
        D = have.value((*path, "D"), item.get("D", 0), DIFFUSION, f"D_{key}")
        initial = have.value((*path, "initial"), item.get("initial", 0), BULK if bulk else SURFACE, f"{key}_initial")
        found[key] = Species(key, place, bulk, D, initial, have.document.where(path))
    return found
