"""Rotatable surfaces of several objects, truth beside prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cellml.report.decimate import decimate_together
from cellml.report.scene_layout import SHADED, heading, layout, length_unit, mesh_arguments, plain, scene_name, view
from cellml.types import Surface

if TYPE_CHECKING:
    import plotly.graph_objects as go

TRIANGLES = 50_000


def surfaces_3d(
    views: Mapping[str, Sequence[Surface | None]], colours: Sequence[str], names: Sequence[str], *, triangles: int = TRIANGLES
) -> go.Figure:
    """One rotatable view per entry of `views` (e.g. truth, prediction), side by side in the same frame.

    Entry n of every view is object n, None where it has none there; colours[n] is #rrggbb, names[n] its line in the legend, which turns
    the object on and off in all views. Surfaces are in nm and are reduced to `triangles` triangles a view.
    """
    import plotly.graph_objects as go

    reduced = {title: _reduced(surfaces, triangles) for title, surfaces in views.items()}
    everything = [s for surfaces in reduced.values() for s in surfaces if s is not None]
    unit_nm, symbol = length_unit(everything)
    figure, scenes, headings, listed = go.Figure(), {}, [], set[int]()
    for n, (title, surfaces) in enumerate(reduced.items()):
        key = scene_name(n)
        scenes[key] = view(everything, unit_nm, symbol, (n / len(views), (n + 1) / len(views)))
        headings.append(heading(title, (n + 0.5) / len(views)))
        for index, surface in enumerate(surfaces):
            if surface is not None:
                figure.add_trace(_trace(surface, unit_nm, key, index, colours[index], names[index], first=index not in listed))
                listed.add(index)
    legend = {"orientation": "h", "y": -0.02, "yanchor": "top", "groupclick": "togglegroup", "itemsizing": "constant"}
    figure.update_layout(layout(540, annotations=headings, legend=legend, **scenes))
    return figure


def _reduced(surfaces: Sequence[Surface | None], triangles: int) -> list[Surface | None]:
    present = iter(decimate_together([s for s in surfaces if s is not None], triangles))
    return [None if s is None else next(present) for s in surfaces]


def _trace(surface: Surface, unit_nm: float, key: str, index: int, colour: str, name: str, *, first: bool) -> go.Mesh3d:
    import plotly.graph_objects as go

    return go.Mesh3d(
        **mesh_arguments(surface, unit_nm, SHADED),
        color=colour,
        name=plain(name),
        legendgroup=str(index),
        showlegend=first,
        scene=key,
        flatshading=False,
        hovertemplate=f"{plain(name)}<extra></extra>",
    )
