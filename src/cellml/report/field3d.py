"""A nodal field on the surface of tetrahedral meshes, whole or cut open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.topology import boundary_facets
from cellml.report.decimate import decimate
from cellml.report.scene_layout import heading, layout, length_unit, mesh_arguments, plain, view
from cellml.types import Surface, TetMesh

if TYPE_CHECKING:
    import plotly.graph_objects as go

TRIANGLES = 50_000
_COLOURS = "Viridis"


@dataclass(frozen=True)
class FieldOnMesh:
    """Nodal values (P,) on a mesh with P points."""

    mesh: TetMesh
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if np.shape(self.values) != (len(self.mesh.points),):
            raise CellmlError(f"{self.mesh.name!r} has {len(self.mesh.points)} points but {np.shape(self.values)} nodal values.")


def cut_open(mesh: TetMesh) -> NDArray[np.int64]:
    """The tetrahedra (T', 4) on one side of the plane through the centroid along the two longer principal axes.

    That plane shows the most of the inside: its normal is the direction in which the points vary least.
    """
    centred = mesh.points - mesh.points.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    normal = axes[:, 0] * (1.0 if axes[np.abs(axes[:, 0]).argmax(), 0] > 0 else -1.0)
    kept = mesh.tets[centred[mesh.tets].mean(axis=1) @ normal <= 0]
    return kept if len(kept) else mesh.tets


def coloured_surface(field: FieldOnMesh, *, cutaway: bool, triangles: int) -> tuple[Surface, NDArray[np.float64]]:
    """The boundary of the mesh, or of its half, with at most about `triangles` triangles, and the value at each vertex.

    After reduction a vertex takes the value of the nearest point of the unreduced boundary.
    """
    from scipy.spatial import cKDTree

    facets = boundary_facets(cut_open(field.mesh) if cutaway else field.mesh.tets)
    nodes = np.unique(facets)
    surface = decimate(Surface(field.mesh.points, facets, field.mesh.name), triangles)
    nearest = cKDTree(field.mesh.points[nodes]).query(surface.vertices)[1]
    return surface, field.values[nodes[nearest]]


def field_on_mesh_3d(mesh: TetMesh, values: NDArray[np.float64], unit: str, *, quantity: str = "concentration") -> go.Figure:
    """One mesh coloured by its nodal values (P,), with buttons for whole and cut open; `unit` stands at the colour bar."""
    return field_comparison_3d({"": [FieldOnMesh(mesh, values)]}, [mesh.name], unit, quantity=quantity)


def field_comparison_3d(
    views: Mapping[str, Sequence[FieldOnMesh | None]],
    names: Sequence[str],
    unit: str,
    *,
    quantity: str = "concentration",
    triangles: int = TRIANGLES,
) -> go.Figure:
    """The same objects in views side by side (truth, prediction) with one colour scale; a menu chooses the object and whole or cut open.

    Entry n of every view is object n of `names`, None where a view lacks it. Every view holds at most about `triangles` triangles.
    """
    import plotly.graph_objects as go

    share = max(1000, triangles // (2 * max(len(names), 1)))
    present = [f for fields in views.values() for f in fields if f is not None]
    low, high = min(float(f.values.min()) for f in present), max(float(f.values.max()) for f in present)
    outer = [Surface(f.mesh.points, np.zeros((0, 3), np.int64)) for f in present]
    unit_nm, symbol = length_unit(outer)
    figure, choices = go.Figure(), []
    for n, fields in enumerate(views.values()):
        for index, field in enumerate(fields):
            for cutaway in (False, True) if field is not None else ():
                surface, values = coloured_surface(field, cutaway=cutaway, triangles=share)  # type: ignore[arg-type]
                trace = {**mesh_arguments(surface, unit_nm), "intensity": values.astype(np.float32), "scene": f"scene{n + 1 if n else ''}"}
                label = plain(f"{quantity} %{{intensity:.4g}} {unit}")
                figure.add_trace(go.Mesh3d(**trace, coloraxis="coloraxis", hovertemplate=f"{label}<extra></extra>", visible=False))
                choices.append((index, cutaway))
    options = [(index, cutaway) for index in range(len(names)) for cutaway in (False, True) if (index, cutaway) in choices]
    figure.update_layout(_layout(views, outer, (unit_nm, symbol), (low, high), f"{quantity}<br>({plain(unit)})" if unit else quantity))
    _add_menu(figure, options, choices, names)
    return figure


def _layout(
    views: Mapping[str, Any], outer: list[Surface], length: tuple[float, str], limits: tuple[float, float], title: str
) -> dict[str, Any]:
    scenes, headings = {}, []
    for n, name in enumerate(views):
        across = (0.9 * n / len(views), 0.9 * (n + 1) / len(views))
        # Each object has its own place: axes follow what is shown, in true proportions.
        scene = view(outer, *length, across)
        for axis in ("xaxis", "yaxis", "zaxis"):
            del scene[axis]["range"]
        scenes[f"scene{n + 1 if n else ''}"] = scene
        headings.append(heading(name, sum(across) / 2))
    bar = {"title": {"text": title}, "len": 0.75, "thickness": 16, "x": 0.93, "xanchor": "left"}
    colours = {"colorscale": _COLOURS, "cmin": limits[0], "cmax": max(limits[1], limits[0] + 1e-12), "colorbar": bar}
    return layout(560, annotations=headings, coloraxis=colours, **scenes)


def _add_menu(figure: go.Figure, options: list[tuple[int, bool]], choices: list[tuple[int, bool]], names: Sequence[str]) -> None:
    start = next((option for option in options if option[1]), options[0])
    buttons = []
    for index, cutaway in options:
        shown = [choice == (index, cutaway) for choice in choices]
        buttons.append(
            {"label": plain(f"{names[index]}, {'cut open' if cutaway else 'whole'}"), "method": "restyle", "args": [{"visible": shown}]}
        )
    for trace, choice in zip(figure.data, choices, strict=True):
        trace.visible = choice == start
    menu = {
        "buttons": buttons,
        "active": options.index(start),
        "x": 0.0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "bottom",
        "showactive": True,
    }
    figure.update_layout(updatemenus=[menu])
