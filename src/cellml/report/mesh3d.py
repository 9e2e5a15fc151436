"""A tetrahedral mesh to be turned in a browser: whole by membrane, cut open by region and by quality, with the edges of its elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import edges_of
from cellml.report.cutaway import Pose, broad_side
from cellml.report.markup import Html, scene
from cellml.report.mesh_panels import BEST_DIHEDRAL, QUALITY_MAP, Panel, panels
from cellml.report.page import Section, page
from cellml.report.scene_layout import SHADED, frame, layout, length_unit, mesh_arguments, plain, view
from cellml.types import Surface, TetMesh

if TYPE_CHECKING:
    import plotly.graph_objects as go

TRIANGLES = 400_000  # of all views together: what a browser still turns smoothly, about 12 MB of page
_TURN, _LIFT, _DISTANCE = 24.0, 20.0, 1.4
_EDGES = "rgba(20, 22, 28, 0.6)"
_ABOVE = 0.0012  # of the diagonal by which edges stand above their faces, which would hide half of each line
# plotly takes triangles of less than 1e-6 squared units for flat, and leaves them dark.
_SMALL = {"facenormalsepsilon": 1e-15, "vertexnormalsepsilon": 1e-15}


def mesh_page(mesh: TetMesh, summary: str) -> Html:
    """One HTML file with the rotatable views; it asks nothing of any network."""
    return page(mesh.name, summary, [Section("mesh", "Mesh", mesh_scene(mesh))])


def mesh_scene(mesh: TetMesh) -> Html:
    """The rotatable views as a block for a page of the report."""
    caption = (
        "Drag to rotate, scroll to zoom; the menu chooses the view, a click in the legend hides or shows a region. Cut open, whole "
        "tetrahedra are left out in front of the plane, across the direction in which the mesh is thinnest, that shows most of all regions."
    )
    return scene(mesh_3d(mesh), caption=caption)


def mesh_3d(mesh: TetMesh) -> go.Figure:
    """The views of `panels` in one scene with a menu. Edges are left out where there are more than TRIANGLES triangles."""
    import plotly.graph_objects as go

    front = broad_side(mesh)
    drawn = panels(mesh, front)
    drawn = [*drawn[1:], drawn[0]]
    unit_nm, symbol = length_unit([Surface(mesh.points[np.unique(mesh.tets)], np.zeros((0, 3), np.int64))])
    figure, owner = go.Figure(), []
    with_edges = sum(len(panel.faces) for panel in drawn) <= TRIANGLES
    for n, panel in enumerate(drawn):
        traces = _faces(mesh, panel, unit_nm) + ([_edges(mesh, panel.faces, unit_nm)] if with_edges else [])
        for trace in traces:
            trace.visible = n == 0
            figure.add_trace(trace)
            owner.append(n)
    figure.update_layout(_layout(mesh, front.turned(_TURN, _LIFT), unit_nm, symbol))
    figure.update_layout(updatemenus=[_menu(drawn, owner)])
    return figure


def _faces(mesh: TetMesh, panel: Panel, unit_nm: float) -> list[go.Mesh3d]:
    import plotly.graph_objects as go

    if not panel.groups:
        trace = go.Mesh3d(
            **mesh_arguments(_compact(mesh, panel.faces), unit_nm, {**SHADED, **_SMALL, "ambient": 0.8, "diffuse": 0.4}),
            intensity=panel.values.astype(np.float32),
            intensitymode="cell",
            coloraxis="coloraxis",
            flatshading=True,
            hovertemplate="%{intensity:.1f}°<extra></extra>",
        )
        return [trace]
    return [
        go.Mesh3d(
            **mesh_arguments(_compact(mesh, panel.faces[panel.values == group]), unit_nm, {**SHADED, **_SMALL}),
            color=colour,
            name=plain(name),
            showlegend=True,
            flatshading=True,
            hovertemplate=f"{plain(name)}<extra></extra>",
        )
        for group, (name, colour) in panel.groups.items()
        if (panel.values == group).any()
    ]


def _edges(mesh: TetMesh, faces: NDArray[np.int64], unit_nm: float) -> go.Scatter3d:
    """All edges as one line with gaps, a little above the faces."""
    import plotly.graph_objects as go

    pairs, edge_of = edges_of(faces)
    corners = mesh.points[faces]
    normal = np.repeat(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), 3, axis=0)
    mean = np.stack([np.bincount(edge_of.ravel(), normal[:, axis], len(pairs)) for axis in range(3)], axis=1)
    mean *= _ABOVE * np.linalg.norm(np.ptp(mesh.points, axis=0)) / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-300)
    line = np.full((len(pairs), 3, 3), np.nan, np.float32)
    line[:, :2] = (mesh.points[pairs] + mean[:, None]) / unit_nm
    x, y, z = line.reshape(-1, 3).T
    return go.Scatter3d(x=x, y=y, z=z, mode="lines", line={"color": _EDGES, "width": 1}, hoverinfo="skip", showlegend=False)


def _compact(mesh: TetMesh, faces: NDArray[np.int64]) -> Surface:
    used, inverse = np.unique(faces, return_inverse=True)
    return Surface(mesh.points[used], inverse.reshape(-1, 3))


def _layout(mesh: TetMesh, pose: Pose, unit_nm: float, symbol: str) -> dict[str, Any]:
    everything = [Surface(mesh.points[np.unique(mesh.tets)], np.zeros((0, 3), np.int64))]
    place = view(everything, unit_nm, symbol, (0.0, 0.9))
    low, high = everything[0].vertices.min(axis=0), everything[0].vertices.max(axis=0)
    ratio = frame(everything, unit_nm)
    # The eye looks at the middle of the box, as plotly counts it, along the direction of the pose.
    centre = (pose.centre - (low + high) / 2) / unit_nm
    scale = ratio["aspectratio"]["x"] / (ratio["xaxis.range"][1] - ratio["xaxis.range"][0])
    eye = 0.5 * centre * scale + _DISTANCE * pose.eye
    place["camera"] = {"eye": _xyz(eye), "up": _xyz(pose.up), "center": _xyz(0.5 * centre * scale)}
    ticks = [0, 10, 20, 30, 40, 50, 60, 70]
    bar = {"title": {"text": "dihedral<br>angle (°)"}, "len": 0.75, "thickness": 16, "x": 0.93, "xanchor": "left", "tickvals": ticks}
    colours = {"colorscale": QUALITY_MAP.capitalize(), "cmin": 0.0, "cmax": BEST_DIHEDRAL, "colorbar": bar}
    legend = {"x": 0.93, "xanchor": "left", "y": 0.9, "itemsizing": "constant"}
    return layout(640, coloraxis=colours, legend=legend, scene=place)


def _xyz(vector: NDArray[np.float64]) -> dict[str, float]:
    return {name: float(value) for name, value in zip("xyz", vector, strict=True)}


def _menu(drawn: Sequence[Panel], owner: Sequence[int]) -> dict[str, Any]:
    buttons = [
        {"label": panel.title, "method": "update", "args": [{"visible": [n == each for each in owner]}, {}]}
        for n, panel in enumerate(drawn)
    ]
    place = {"x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"}
    return {"buttons": buttons, "active": 0, "showactive": True, **place}
