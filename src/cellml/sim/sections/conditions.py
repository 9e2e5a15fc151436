"""The sections `fixed` and `releases`: what is imposed at places, and at the beginning."""

from __future__ import annotations

from cellml.sim.model import Fixed, Release
from cellml.sim.reading import check_keys, point, text
from cellml.sim.sections.gathering import Gathering
from cellml.sim.sections.species import BULK
from cellml.sim.yaml_lines import KeyPath


def read_fixed(have: Gathering) -> tuple[Fixed, ...]:
    """The section `fixed`: the concentration of a bulk species held on facets."""
    found: list[Fixed] = []
    for index, item in enumerate(have.listed("fixed")):
        path: KeyPath = ("fixed", index)
        check_keys(have.document, path, item, required=("of", "on"), optional=("value",))
        of, on = text(have.document, (*path, "of"), item["of"]), text(have.document, (*path, "on"), item["on"])
        if any((other.species, other.on) == (of, on) for other in found):
            raise have.document.error(path, f"{of} is fixed on {on} for a second time")
        value = have.value((*path, "value"), item.get("value", 0), BULK, f"{of}_on_{on}")
        found.append(Fixed(of, on, value, have.document.where(path)))
    return tuple(found)


def read_releases(have: Gathering) -> tuple[Release, ...]:
    """The section `releases`: molecules set free at time 0."""
    found = []
    for index, item in enumerate(have.listed("releases")):
        path: KeyPath = ("releases", index)
        check_keys(have.document, path, item, required=("of", "at", "amount"))
        of, at = text(have.document, (*path, "of"), item["of"]), item["at"]
        place = text(have.document, (*path, "at"), at) if isinstance(at, str) else point(have.document, (*path, "at"), at)
        amount = have.value((*path, "amount"), item["amount"], "molecule", f"{of}_released" if index == 0 else f"{of}_released_{index + 1}")
        found.append(Release(of, place, amount, have.document.where(path)))
    return tuple(found)
