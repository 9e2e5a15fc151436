"""`cellml check` on a triangle surface: what keeps it from enclosing a volume, in order of harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.finding import Finding, in_order_of_harm

if TYPE_CHECKING:
    from rich.console import Console

    from cellml.meshing.topology import SurfaceTopology
    from cellml.types import Surface

SURFACE_SUFFIXES = (".off", ".ply", ".stl", ".obj")

_PLAUSIBLE_NM = (20.0, 2e6)  # of the longest side: a synaptic vesicle to a millimetre of axon
_MESHED = "`cellml mesh` repairs it on the way, and says what it changed."


def is_surface_file(path: Any) -> bool:
    """Whether a path names a file of triangles by its suffix."""
    return Path(str(path)).suffix.lower() in SURFACE_SUFFIXES


def check_surface(path: Any, console: Console) -> list[Finding]:
    """Print what a surface file holds, and return what is wrong with it. Raises FileError if it cannot be read."""
    from cellml.io import read_surface
    from cellml.meshing.quality import surface_angles
    from cellml.meshing.topology import surface_topology

    surface = read_surface(path)
    with console.status("Comparing every pair of neighbours"):
        topology = surface_topology(surface.faces)
        found = in_order_of_harm(surface_findings(surface, topology))
    low, high = surface.vertices[surface.faces.ravel()].min(axis=0), surface.vertices[surface.faces.ravel()].max(axis=0)
    size = " × ".join(f"{length:.4g}" for length in high - low)
    angles = surface_angles(surface.vertices, surface.faces)
    console.print(
        f"{path}: {len(surface.faces)} triangles, {topology.components} parts, Euler number {topology.euler}, {size} nm (x, y, z), area "
        f"{surface.areas().sum() * 1e-6:.4g} µm², angles {angles.min():.3g}–{angles.max():.4g}°"
        + (f", volume {surface.volume() * 1e-9:.4g} µm³" if topology.closed else ""),
        highlight=False,
    )
    return found


def size_finding(points: NDArray[np.float64]) -> Iterator[Finding]:
    """Whether a shape is of no size that a part of a cell has, as where a file in µm is read as nm; points: (P, 3) in nm."""
    longest = float((points.max(axis=0) - points.min(axis=0)).max())
    if not _PLAUSIBLE_NM[0] <= longest <= _PLAUSIBLE_NM[1]:
        remedy = "Files of shapes rarely say their unit. `cellml mesh` takes it as unit=µm; from Python, read_mesh and read_surface do."
        yield Finding("warning", f"It measures {longest:.3g} nm, which is no size of a part of a cell", "", remedy)


def surface_findings(surface: Surface, topology: SurfaceTopology) -> Iterator[Finding]:
    """What is wrong with a surface; contacts are decided exactly."""
    from cellml.meshing.intersections import crossing_facets, flat_facets

    yield from size_finding(surface.vertices[surface.faces.ravel()])
    yield from _of_topology(surface, topology)
    flat = flat_facets(surface.vertices, surface.faces)
    if len(flat):
        yield Finding("warning", f"{len(flat)} triangles have no area", f"first number {flat[0]}", f"They have no normal. {_MESHED}")
    pairs = crossing_facets(surface.vertices, surface.faces)
    if len(pairs):
        a, b, c = surface.vertices[surface.faces[pairs[0, 0]]]
        where = "first near x, y, z = " + ", ".join(f"{x:.4g}" for x in (a + b + c) / 3)
        what = f"{len(pairs)} pairs of triangles cross, overlap or touch"
        yield Finding("warning", what, where, f"What lies inside is not defined there. {_MESHED}")


def _of_topology(surface: Surface, topology: SurfaceTopology) -> Iterator[Finding]:
    from cellml.meshing.topology import edges_of

    edges, edge_of = edges_of(surface.faces)
    uses = np.bincount(edge_of.ravel(), minlength=len(edges))
    if (uses == 1).any():
        what = f"The surface is open: {int((uses == 1).sum())} edges belong to one triangle only"
        yield Finding("warning", what, "", f"It encloses nothing. {_MESHED}")
    if (uses > 2).any():
        what = f"{int((uses > 2).sum())} edges belong to more than two triangles"
        yield Finding("warning", what, "", f"Sheets meet there, and inside and outside are ambiguous. {_MESHED}")
    elif topology.closed and not topology.manifold:
        yield Finding("warning", f"Parts of the surface touch in {len(topology.defects)} points", "", f"Separate them. {_MESHED}")
    if not topology.oriented and (uses == 2).all():
        yield Finding("warning", "Neighbouring triangles are oriented against each other", "", f"The normal flips between them. {_MESHED}")
    elif topology.closed and topology.oriented and surface.volume() < 0:
        yield Finding("warning", "The surface is inside out: its volume is negative", "", "Turn all triangles over (swap two corners).")
