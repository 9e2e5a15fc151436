"""A recipe for cellPACK (Johnson et al., Nature Methods 12:85, 2015), format 2.1: the learned kinds in this cell, to be packed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellml.shapes.organelles.distribution import Distribution
from cellml.shapes.organelles.fill import Filled

_COLOURS = ((0.0, 0.45, 0.7), (0.9, 0.6, 0.0), (0.0, 0.62, 0.45), (0.8, 0.47, 0.65), (0.34, 0.71, 0.91))


def recipe(filled: Filled, distributions: Sequence[Distribution], meshes: Mapping[str, str], name: str) -> dict[str, Any]:
    """The recipe as plain containers; lengths in nm.

    Membrane and nucleus are mesh compartments; each kind is an ingredient with the number that was placed and the radius of the ball of its
    median volume, since cellPACK packs one size of an ingredient, and with a mesh of a typical one for showing.
    meshes: files by name: "membrane", "nucleus" and the kinds.
    """
    low, high = filled.surface.vertices.min(axis=0), filled.surface.vertices.max(axis=0)
    objects: dict[str, Any] = {"membrane": _mesh(meshes["membrane"])}
    inside: list[Any] = []
    composition: dict[str, Any] = {
        "space": {"regions": {"interior": ["cell"]}},
        "cell": {"object": "membrane", "count": 1, "regions": {"interior": inside}},
    }
    if filled.nucleus is not None:
        objects["nucleus"] = _mesh(meshes["nucleus"])
        inside.append("nucleus_compartment")
        composition["nucleus_compartment"] = {"object": "nucleus", "count": 1, "regions": {"interior": []}}
    for number, distribution in enumerate(distributions):
        placed = [p for p in filled.placed if p.kind == distribution.name]
        if placed:
            radius = float(np.cbrt(3 * np.median([p.volume for p in placed]) / (4 * np.pi)))
            objects[distribution.name] = {
                "type": "single_sphere",
                "radius": radius,
                "packing_mode": "random",
                "jitter_attempts": 20,
                "color": list(_COLOURS[number % len(_COLOURS)]),
                "representations": _mesh(meshes[distribution.name])["representations"],
            }
            inside.append({"object": distribution.name, "count": len(placed)})
    return {
        "version": "1.0.0",
        "format_version": "2.1",
        "name": name,
        "bounding_box": [low.tolist(), high.tolist()],
        "objects": objects,
        "composition": composition,
    }


def _mesh(file: str) -> dict[str, Any]:
    return {"type": "mesh", "representations": {"mesh": {"path": ".", "name": file, "format": file.rpartition(".")[2]}}}
