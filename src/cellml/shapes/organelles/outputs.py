"""The files of a filled cell."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellml.shapes.organelles.cellpack import recipe
from cellml.shapes.organelles.distribution import Distribution, save_distribution
from cellml.shapes.organelles.fill import Filled
from cellml.shapes.organelles.sources import ObservedShapes
from cellml.types import Labels, Surface

CYTOSOL = "cytosol"
NUCLEUS = "nucleus"


def classes_of(filled: Filled) -> Labels:
    """The cell as classes: 1 cytosol, 2 nucleus where there is one, then a number for each kind in their order."""
    host = filled.host
    data = host.inside.astype(np.uint8)
    names = {1: CYTOSOL}
    if host.solid:
        names[2] = NUCLEUS
        data[host.inner] = 2
    numbers = np.zeros(len(filled.placed) + 1, np.uint8)
    for kind in filled.asked:
        number = len(names) + 1
        names[number] = kind
        numbers[[n for n, p in enumerate(filled.placed, 1) if p.kind == kind]] = number
    taken = filled.labels > 0
    data[taken] = numbers[filled.labels[taken]]
    return Labels(data, host.spacing, host.origin, kind="semantic", names=names, name=host.name)


def write_filled(filled: Filled, distributions: Sequence[Distribution], folder: Path, suffix: str) -> list[str]:
    """Write what is known of a filled cell into an existing folder; returns the names of the files.

    classes and organelles (label volumes, suffix as of `cellml.io`), surfaces.mdl (every closed surface as an object of MCell, µm),
    membrane, nucleus and one organelle of each kind as .obj (nm), organelles.csv (where each is), recipe.json (cellPACK), and each
    distribution of observed shapes as .npz, which `cellml fill` takes again.
    """
    from cellml.io import TaggedSurface, write_json, write_labels, write_surface, write_tagged_surfaces

    host = filled.host
    write_labels(classes_of(filled), folder / f"classes{suffix}")
    write_labels(Labels(filled.labels, host.spacing, host.origin, name="organelles"), folder / f"organelles{suffix}")
    walls = [filled.surface, *([filled.nucleus] if filled.nucleus is not None else [])]
    surfaces = [*walls, *(p.surface for p in filled.placed)]
    write_tagged_surfaces([TaggedSurface(s, np.zeros(len(s.faces), np.int32)) for s in surfaces], folder / "surfaces.mdl")
    typical = [_typical(filled, d.name) for d in distributions]
    meshes = {s.name: f"{s.name}.obj" for s in [*walls, *(s for s in typical if s is not None)]}
    for surface in [*walls, *(s for s in typical if s is not None)]:
        write_surface(surface, folder / meshes[surface.name])
    write_json(folder / "recipe.json", recipe(filled, distributions, meshes, host.name))
    _write_table(filled, folder / "organelles.csv")
    kept = [d for d in distributions if isinstance(d.shapes, ObservedShapes)]
    for distribution in kept:
        save_distribution(distribution, folder / f"{distribution.name}.npz")
    files = [f"classes{suffix}", f"organelles{suffix}", "surfaces.mdl", *meshes.values(), "recipe.json", "organelles.csv"]
    return [*files, *(f"{d.name}.npz" for d in kept)]


def _typical(filled: Filled, kind: str) -> Surface | None:
    """The placed organelle of a kind that has its median volume, about its own centre."""
    placed = sorted((p for p in filled.placed if p.kind == kind), key=lambda p: p.volume)
    if not placed:
        return None
    middle = placed[len(placed) // 2]
    return Surface(middle.surface.vertices - middle.centre, middle.surface.faces, kind)


def _write_table(filled: Filled, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        turned = [f"r{i}{j}" for i in range(1, 4) for j in range(1, 4)]
        writer.writerow(["number", "kind", "x_nm", "y_nm", "z_nm", "volume_nm3", "scale", "proposals", *turned])
        for number, p in enumerate(filled.placed, 1):
            rotation = p.rotation.ravel().tolist()
            writer.writerow([number, p.kind, *(f"{c:.3f}" for c in p.centre), f"{p.volume:.1f}", p.scale, p.proposals, *rotation])


def summary(filled: Filled) -> dict[str, Any]:
    """What was asked for, placed, shrunk and refused, and what the exact check found, as plain containers."""
    kinds = {}
    for kind, asked in filled.asked.items():
        placed = [p for p in filled.placed if p.kind == kind]
        kinds[kind] = {
            "asked": asked,
            "placed": len(placed),
            "shrunk": sum(p.scale < 1 for p in placed),
            "volume_share": sum(p.volume for p in placed) / filled.host.volume,
            "refused": [reason for name, reason in filled.refused if name == kind],
        }
    overlaps = filled.overlaps
    found = {"crossing_facets": overlaps.crossing, "facets": overlaps.facets, "outside": list(overlaps.outside)}
    return {"kinds": kinds, "overlaps": {**found, "nested": [list(pair) for pair in overlaps.nested]}}
