"""Pictures of many shapes in one scale and from one side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.cutaway import Pose
from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.palette import SKY, rgb
from cellml.report.picture_frame import Frame, axes_cross, scale_bar, seen_from
from cellml.report.rasterise import rasterise
from cellml.report.shading import FINER, rims, shade
from cellml.types import Surface

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_COLUMNS = 6
_INCHES, _DPI = 1.55, 200
_TURN, _LIFT = 25.0, 15.0  # degrees, so that three axes are seen


def common_view(surfaces: Sequence[Surface]) -> tuple[Pose, float]:
    """A pose that shows surfaces of one frame upright from their broad side, and half the width in nm of a square that holds each.

    Up is the longest principal axis of all vertices, to the right the second; each axis points to where its largest entry is positive.
    """
    points = np.concatenate([surface.vertices for surface in surfaces])
    centre = np.mean([(s.vertices.min(axis=0) + s.vertices.max(axis=0)) / 2 for s in surfaces], axis=0)
    axes = np.linalg.eigh(np.cov((points - centre).T))[1]
    up, right = (axis if axis[np.abs(axis).argmax()] > 0 else -axis for axis in (axes[:, 2], axes[:, 1]))
    pose = Pose(right, up, np.cross(right, up), centre).turned(_TURN, _LIFT)
    seen = seen_from(points, pose)[:, :2]
    return pose, float(1.08 * np.abs(seen).max())


def picture(surface: Surface, pose: Pose, half_nm: float, pixels: int, colours: Floats | None = None) -> NDArray[np.floating]:
    """Red, green, blue and opacity (pixels, pixels, 4). colours: (F, 3) of the faces, one blue where None."""
    per_nm = FINER * pixels / (2 * half_nm)
    places = (seen_from(surface.vertices, pose) - [-half_nm, half_nm, 0.0]) * [per_nm, -per_nm, per_nm]
    corners = places[surface.faces]
    raster = rasterise(corners, FINER * pixels, FINER * pixels)
    shown = np.broadcast_to(np.array(rgb(SKY)), (len(corners), 3)) if colours is None else colours
    return shade(raster, corners, shown, rims(raster), relief=1.0 if colours is None else 0.6)


def gallery(surfaces: Sequence[Surface], titles: Sequence[str], header: str, *, columns: int = _COLUMNS) -> Figure:
    """Shapes in rows, all in one scale, with a scale bar and the axes in the first."""
    pose, half = common_view(surfaces)
    columns = min(columns, len(surfaces))
    rows = -(-len(surfaces) // columns)
    with figure_style():
        figure = new_figure(columns * _INCHES, rows * (_INCHES + 0.32) + 0.3)
        grid = np.ravel(figure.subplots(rows, columns, squeeze=False))
        for n, axes in enumerate(grid):
            axes.axis("off")
            if n < len(surfaces):
                panel(axes, surfaces[n], pose, half, titles[n], first=n == 0)
        figure.suptitle(literal(header), fontsize=9, x=0.01, ha="left")
    return figure


def panel(axes: Any, surface: Surface, pose: Pose, half: float, title: str, *, first: bool, colours: Floats | None = None) -> None:
    """One shape in its axes; the first has the scale bar and the directions of the axes."""
    frame = Frame(-half, half, -half, half, 2 * half)
    axes.imshow(picture(surface, pose, half, round(_INCHES * _DPI), colours), extent=frame.extent, interpolation="antialiased")
    axes.set_title(literal(title), fontsize=6.5, fontweight="normal", loc="center")
    axes.axis("off")
    if first:
        scale_bar(axes, frame)
        axes_cross(axes, pose, frame)


def save(figure: Figure, path: Path) -> None:
    """As a PNG file."""
    with figure_style():
        figure.savefig(path, format="png", dpi=_DPI)
