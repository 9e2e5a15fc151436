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
from cellml.report.scene_layout import EVEN, frame, heading, layout, length_unit, mesh_arguments, plain, scene_name, view
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

    present = [[field for field in fields if field is not None] for fields in zip(*views.values(), strict=True)]
    surfaces = [[Surface(f.mesh.points, np.zeros((0, 3), np.int64)) for f in fields] for fields in present]
    unit_nm, symbol = length_unit([s for those in surfaces for s in those])
    share = max(1000, triangles // (2 * max(len(names), 1)))
    figure, shown = go.Figure(), []
    for n, fields in enumerate(views.values()):
        for index, field in enumerate(fields):
            for cutaway in (False, True) if field is not None else ():
                trace = _trace(*coloured_surface(field, cutaway=cutaway, triangles=share), unit_nm)  # type: ignore[arg-type]
                trace.update(scene=scene_name(n), visible=(index, cutaway) == (0, True))
                trace.hovertemplate = plain(f"{quantity} %{{intensity:.4g}} {unit}") + "<extra></extra>"
                figure.add_trace(trace)
                shown.append((index, cutaway))
    title = plain(quantity) + (f"<br>({plain(unit)})" if unit else "")
    everything = np.concatenate([f.values for those in present for f in those])
    figure.update_layout(_layout(list(views), surfaces[0], (unit_nm, symbol), everything, title))
    figure.update_layout(updatemenus=[_menu(shown, names, [frame(those, unit_nm) for those in surfaces], len(views))])
    return figure


def _trace(surface: Surface, values: NDArray[np.float64], unit_nm: float) -> go.Mesh3d:
    import plotly.graph_objects as go

    return go.Mesh3d(**mesh_arguments(surface, unit_nm, EVEN), intensity=values.astype(np.float32), coloraxis="coloraxis")


def _layout(
    views: Sequence[str], first: list[Surface], length: tuple[float, str], values: NDArray[np.float64], title: str
) -> dict[str, Any]:
    scenes, headings = {}, []
    for n, name in enumerate(views):
        across = (0.9 * n / len(views), 0.9 * (n + 1) / len(views))
        scenes[scene_name(n)] = view(first, *length, across)
        headings.append(heading(name, sum(across) / 2))
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    bar = {"title": {"text": title}, "len": 0.75, "thickness": 16, "x": 0.93, "xanchor": "left"}
    colours = {"colorscale": _COLOURS, "cmin": low, "cmax": max(high, low + 1e-12), "colorbar": bar}
    return layout(500, annotations=headings, coloraxis=colours, **scenes)


def _menu(shown: list[tuple[int, bool]], names: Sequence[str], frames: Sequence[dict[str, Any]], views: int) -> dict[str, Any]:
    """A choice of object, whole or cut open; each shows its own traces and frames them in all views."""
    buttons = []
    for index, name in enumerate(names):
        framing = {f"{scene_name(n)}.{path}": value for n in range(views) for path, value in frames[index].items()}
        for cutaway in (False, True):
            visible = {"visible": [choice == (index, cutaway) for choice in shown]}
            label = plain(f"{name}, {'cut open' if cutaway else 'whole'}")
            buttons.append({"label": label, "method": "update", "args": [visible, framing]})
    place = {"x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"}
    return {"buttons": buttons, "active": 1, "showactive": True, **place}
