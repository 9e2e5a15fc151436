"""The sections `compartments` and `membranes`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cellml.sim.model import Compartment, Membrane
from cellml.sim.reading import check_keys, names
from cellml.sim.sections.gathering import Gathering
from cellml.sim.yaml_lines import KeyPath


def read_compartments(have: Gathering) -> dict[str, Compartment]:
    """The section `compartments`: `name: {region: …}` with one region of the mesh, or a list."""
    return _places(have, "compartments", "region", Compartment)


def read_membranes(have: Gathering) -> dict[str, Membrane]:
    """The section `membranes`: `name: {facets: …}` with one facet set of the mesh, or a list."""
    return _places(have, "membranes", "facets", Membrane)


def _places(have: Gathering, section: str, key: str, build: Callable[..., Any]) -> dict[str, Any]:
    found = {}
    for called, item in have.section(section).items():
        path: KeyPath = (section, called)
        check_keys(have.document, path, item, required=(key,))
        found[str(called)] = build(str(called), names(have.document, (*path, key), item[key]), have.document.where(path))
    return found
