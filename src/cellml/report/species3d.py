"""The species of a simulation to be turned in a browser: bulk species on the mesh cut open, surface species on their membranes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.cutaway import broad_side
from cellml.report.decimate import decimate
from cellml.report.markup import unit_text
from cellml.report.plane_cut import cut_by_plane, whole
from cellml.report.scene_layout import EVEN, layout, length_unit, mesh_arguments, plain, view
from cellml.types import Surface, TetMesh

if TYPE_CHECKING:
    import plotly.graph_objects as go

TRIANGLES = 120_000  # of all species together
_COLOURS = "Viridis"


@dataclass(frozen=True, eq=False)
class SpeciesField:
    """A species at one moment.

    values: (P,) on the points of the mesh, NaN where it does not live; bulk: whether it lives in a compartment, or else on a membrane;
    sets: the regions, or the facet sets, of that place.
    """

    name: str
    values: NDArray[np.float64]
    unit: str
    bulk: bool
    sets: Sequence[str]


def species_3d(mesh: TetMesh, fields: Sequence[SpeciesField]) -> go.Figure:
    """One scene with a menu of species, each with its own colour bar.

    A compartment is shown behind a plane across the direction in which the mesh is thinnest, a membrane whole.
    """
    import plotly.graph_objects as go

    surfaces = [_surface(mesh, field, max(2000, TRIANGLES // len(fields))) for field in fields]
    everything = [Surface(mesh.points[np.unique(mesh.tets)], np.zeros((0, 3), np.int64))]
    unit_nm, symbol = length_unit(everything)
    figure = go.Figure()
    for number, (field, (surface, values)) in enumerate(zip(fields, surfaces, strict=True)):
        figure.add_trace(_trace(field, surface, values, unit_nm, visible=number == 0))
    buttons = [
        {"label": plain(field.name), "method": "update", "args": [{"visible": [n == number for n in range(len(fields))]}]}
        for number, field in enumerate(fields)
    ]
    menu = {"buttons": buttons, "active": 0, "showactive": True, "x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"}
    figure.update_layout(layout(560, scene=view(everything, unit_nm, symbol, (0.0, 0.9)), updatemenus=[menu]))
    return figure


def fields_of(described: Mapping[str, Any], fields: Mapping[str, NDArray[np.float64]]) -> list[SpeciesField]:
    """The species that a simulation describes (name: unit, bulk, sets) and that a mesh carries."""
    return [
        SpeciesField(name, fields[name], unit_text(str(each["unit"])), bool(each["bulk"]), each["sets"])
        for name, each in described.items()
        if name in fields
    ]


def _surface(mesh: TetMesh, field: SpeciesField, triangles: int) -> tuple[Surface, NDArray[np.float64]]:
    """What is drawn of a species, and the value at each vertex; above the given number of triangles it is reduced."""
    from scipy.spatial import cKDTree

    if field.bulk:
        pose = broad_side(mesh)
        cut = cut_by_plane(mesh, pose.centre, pose.eye)
        faces = cut.faces[_among(mesh.regions, mesh.region_names, field.sets)[cut.tet]]
    else:
        cut = whole(mesh.facets[_among(mesh.facet_tags, mesh.facet_names, field.sets)])
        faces = cut.faces[: len(cut.faces) // 2]
    points, values = cut.at_vertices(mesh.points), cut.at_vertices(np.nan_to_num(field.values))
    used, renumbered = np.unique(faces, return_inverse=True)
    points, values = points[used], values[used]
    surface = decimate(Surface(points, renumbered.reshape(-1, 3), mesh.name), triangles)
    return surface, values[cKDTree(points).query(surface.vertices)[1]]


def _among(numbers: NDArray[np.int32], names: Mapping[int, str], sets: Sequence[str]) -> NDArray[np.bool_]:
    """Which cells have a number whose name, or itself where it has none, is in the sets; "*" is all."""
    wanted = [n for n in np.unique(numbers).tolist() if names.get(n, str(n)) in sets]
    return np.isin(numbers, wanted) | ("*" in sets)


def _trace(field: SpeciesField, surface: Surface, values: NDArray[np.float64], unit_nm: float, *, visible: bool) -> go.Mesh3d:
    import plotly.graph_objects as go

    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    bar = {"title": {"text": f"{plain(field.name)}<br>({plain(field.unit)})"}, "len": 0.75, "thickness": 16, "x": 0.93, "xanchor": "left"}
    return go.Mesh3d(
        **mesh_arguments(surface, unit_nm, EVEN),
        intensity=values.astype(np.float32),
        colorscale=_COLOURS,
        cmin=low,
        cmax=high if high - low > 1e-9 * max(abs(low), abs(high)) else low + max(1e-3 * abs(low), 1e-12),
        colorbar=bar,
        visible=visible,
        name=plain(field.name),
        hovertemplate=plain(f"{field.name} %{{intensity:.4g}} {field.unit}") + "<extra></extra>",
    )
