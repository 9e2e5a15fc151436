"""What rotatable views share: axes in one physical scale, light, and lettering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from cellml.report.palette import INK, RULE
from cellml.types import Surface

# The names must be plain words: where a digit stands alone in one, WebGL lettering shrinks to specks.
FONT = {"family": "Segoe UI, Helvetica Neue, Arial, Liberation Sans, DejaVu Sans, sans-serif", "size": 13, "color": INK}
# Light of the eye's own side models the shape; a coloured field is lit evenly, so that its colours are those of the colour bar.
SHADED = {"ambient": 0.62, "diffuse": 0.75, "specular": 0.15, "roughness": 0.55, "fresnel": 0.05}
EVEN = {"ambient": 0.9, "diffuse": 0.25, "specular": 0.03, "roughness": 0.8, "fresnel": 0.0}
# With this diagonal, in plotly's units, a box and its lettering fill the view from this eye without being cut.
_DIAGONAL = 1.42
_CAMERA = {"eye": {"x": 1.2, "y": -1.55, "z": 0.8}, "center": {"x": 0.0, "y": 0.0, "z": -0.08}}
# At these margins a caption, a colour bar and the legend fit without touching the views.
_MARGIN = {"l": 0, "r": 0, "t": 34, "b": 0}


def mesh_arguments(surface: Surface, unit_nm: float, light: Mapping[str, float]) -> dict[str, Any]:
    """Coordinates, triangles and light of a surface for plotly's Mesh3d, lengths divided by `unit_nm`.

    Single precision and the shortest integers keep the file small: 6 + 18 bytes or so per triangle.
    """
    x, y, z = (surface.vertices / unit_nm).astype(np.float32).T
    i, j, k = surface.faces.T
    return {
        **{"x": x, "y": y, "z": z, "i": i, "j": j, "k": k},
        "lighting": dict(light),
        "lightposition": {"x": 2000, "y": -3000, "z": 4000},
    }


def length_unit(surfaces: Sequence[Surface]) -> tuple[float, str]:
    """Micrometres for what is longer than a micrometre, else nanometres: size in nm and symbol."""
    low, high = bounds(surfaces)
    return (1000.0, "µm") if float((high - low).max()) > 1000.0 else (1.0, "nm")


def bounds(surfaces: Sequence[Surface]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner (x, y, z) in nm of all surfaces; the unit cube where there is no vertex."""
    filled = [s.vertices for s in surfaces if len(s.vertices)]
    if not filled:
        return np.zeros(3), np.ones(3)
    return np.min([v.min(axis=0) for v in filled], axis=0), np.max([v.max(axis=0) for v in filled], axis=0)


def view(surfaces: Sequence[Surface], unit_nm: float, symbol: str, across: tuple[float, float]) -> dict[str, Any]:
    """A plotly scene that spans `across` of the figure's width and frames all surfaces, in true proportions."""
    axis = {"backgroundcolor": "white", "gridcolor": RULE, "zeroline": False, "nticks": 5, "showspikes": False}
    scene: dict[str, Any] = {f"{name}axis": {**axis, "title": {"text": f"{name} ({symbol})"}} for name in "xyz"}
    for path, value in frame(surfaces, unit_nm).items():
        part, _, key = path.rpartition(".")
        (scene[part] if part else scene)[key] = value
    return {**scene, "aspectmode": "manual", "camera": _CAMERA, "domain": {"x": list(across), "y": [0.0, 1.0]}}


def frame(surfaces: Sequence[Surface], unit_nm: float) -> dict[str, Any]:
    """Axis ranges and proportions that frame surfaces, always with the same diagonal, by their path within a plotly scene."""
    low, high = bounds(surfaces)
    margin = 0.03 * max(float((high - low).max()), 1e-9)
    low, high = (low - margin) / unit_nm, (high + margin) / unit_nm
    sides = _DIAGONAL * (high - low) / np.linalg.norm(high - low)
    ranges = {f"{name}axis.range": [float(low[n]), float(high[n])] for n, name in enumerate("xyz")}
    return {**ranges, "aspectratio": {name: float(sides[n]) for n, name in enumerate("xyz")}}


def scene_name(n: int) -> str:
    """What plotly calls view n, from 0."""
    return f"scene{n + 1 if n else ''}"


def heading(text: str, centre: float) -> dict[str, Any]:
    """A line above a view, centred at a fraction of the figure's width."""
    return {
        **{"text": f"<b>{plain(text)}</b>", "x": centre, "y": 1.0, "xref": "paper", "yref": "paper"},
        **{"xanchor": "center", "yanchor": "bottom", "showarrow": False, "font": FONT},
    }


def plain(text: str) -> str:
    """Text that plotly, which reads a little markup, shows as it is."""
    return escape(text, quote=False)


def layout(height: int, **more: Any) -> dict[str, Any]:
    """The layout of a figure of views."""
    return {"height": height, "margin": _MARGIN, "font": FONT, "paper_bgcolor": "white", **more}
