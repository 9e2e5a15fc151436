"""Pictures of tetrahedral meshes for papers and reports: static (.png) or rotatable in a browser (.html)."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.atomic import atomic_path, write_text
from cellml.meshing.quality import dihedral_angles, radius_ratio
from cellml.report.cutaway import Pose, broad_side
from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.markup import number
from cellml.report.mesh_panels import BEST_DIHEDRAL, QUALITY_MAP, Panel, panels
from cellml.report.palette import VERMILLION
from cellml.report.picture_frame import Frame, axes_cross, frame_of, scale_bar, seen_from
from cellml.report.rasterise import Raster, rasterise
from cellml.report.shading import FINER, ink, shade
from cellml.types import TetMesh

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cellml.meshing.certificate import Certificate

Floats = NDArray[np.float64]

_DPI = 300
_NARROW, _WIDE = 3.3, 6.4  # inches of a panel, side by side and below each other
_HEADER = 9.5  # points
_GATE = 10.0  # degrees; below it a tetrahedron spoils the condition of the stiffness matrix
_TURN, _LIFT = 24.0, 20.0  # degrees that the eye stands to the right of and above the normal of the cut


def draw_mesh(mesh: TetMesh, path: str | os.PathLike[str], *, certificate: Certificate | None = None) -> None:
    """Draw a mesh whole by membrane, and cut open by region and by quality, with a scale bar.

    path: .png for a figure of 300 dots per inch, .html for the same views to be turned in a browser, in one file that asks nothing of any
    network. certificate: what the mesher certified; its volume error is named in the title. Whole tetrahedra are removed in front of a
    plane across the direction in which the mesh is thinnest, at the depth that shows most of all regions (see `broad_side`). Raises
    FileError for other suffixes and where the file cannot be written.
    """
    place = Path(path).expanduser()
    suffix = place.suffix.lower()
    if suffix not in (".png", ".html"):
        raise FileError(f"{place} has no suffix of a picture that cellml draws; use .png, or .html for one that can be turned.")
    summary = _summary(mesh, certificate)
    if suffix == ".html":
        from cellml.report.mesh3d import mesh_page

        write_text(place, mesh_page(mesh, summary))
        return
    figure = mesh_figure(mesh, f"{mesh.name}: {summary}")
    with atomic_path(place) as aside:
        figure.savefig(aside, format="png", dpi=_DPI, pil_kwargs={"compress_level": 4})


def mesh_figure(mesh: TetMesh, title: str = "") -> Figure:
    """The static picture as a matplotlib figure: panels side by side, or below each other where the mesh is much wider than high."""
    front = broad_side(mesh)
    pose = front.turned(_TURN, _LIFT)
    seen = seen_from(mesh.points[np.unique(mesh.tets)], pose)[:, :2]
    width, height = np.ptp(seen, axis=0)
    stacked = width > 1.5 * height
    across = _WIDE if stacked else _NARROW
    frame = frame_of(seen, width * _NARROW / across)
    canvas = _Canvas(mesh, pose, frame, round(across * _DPI))
    drawn = panels(mesh, front)
    rows, columns = (len(drawn), 1) if stacked else (1, len(drawn))
    header = _lines(title, columns * across)
    tall = across * (frame.top - frame.bottom) / (frame.right - frame.left) + 0.7
    with figure_style():
        figure = new_figure(columns * across, rows * tall + 0.25 + 0.16 * max(len(header) - 1, 0))
        for panel, axes in zip(drawn, np.ravel(figure.subplots(rows, columns)), strict=True):
            _draw_panel(axes, panel, pose, frame, canvas)
        figure.suptitle(literal("\n".join(header)), fontsize=_HEADER, x=0.01, ha="left")
    return figure


def _lines(title: str, width: float) -> list[str]:
    """A header in lines of at most a width in inches, as far as its letters are of a mean width."""
    from matplotlib.textpath import TextPath

    if not title:
        return []
    letter = TextPath((0, 0), literal(title), size=_HEADER).get_extents().width / 72.0 / len(title)
    return textwrap.wrap(title, max(int(0.9 * width / letter), 1))


def _draw_panel(axes: Axes, panel: Panel, pose: Pose, frame: Frame, canvas: _Canvas) -> None:
    axes.imshow(canvas.picture(panel), extent=frame.extent, interpolation="antialiased")
    axes.set_title(literal(panel.title))
    axes.set_anchor("N")
    axes.axis("off")
    scale_bar(axes, frame)
    axes_cross(axes, pose, frame)
    if panel.groups:
        _legend(axes, panel)
    else:
        _colour_bar(axes)


class _Canvas:
    """Draws panels in one frame; panels of the same faces are rasterised once."""

    def __init__(self, mesh: TetMesh, pose: Pose, frame: Frame, pixels: int) -> None:
        per_nm = FINER * pixels / (frame.right - frame.left)
        self._size = (round((frame.top - frame.bottom) * per_nm), FINER * pixels)
        self._places = (seen_from(mesh.points, pose) - [frame.left, frame.top, 0.0]) * [per_nm, -per_nm, per_nm]
        self._drawn: tuple[NDArray[np.int64], Raster, NDArray[np.float32]] | None = None

    def picture(self, panel: Panel) -> NDArray[np.floating]:
        """Red, green, blue and opacity of a panel; colours that a bar explains are shaded less."""
        corners = self._places[panel.faces]
        if self._drawn is None or self._drawn[0] is not panel.faces:
            raster = rasterise(corners, *self._size)
            self._drawn = (panel.faces, raster, ink(raster, corners))
        _, raster, lines = self._drawn
        return shade(raster, corners, panel.colours(), lines, relief=1.0 if panel.groups else 0.45)


def _legend(axes: Axes, panel: Panel) -> None:
    from matplotlib.patches import Patch

    shown = [panel.groups[n] for n in sorted(panel.groups) if (panel.values == n).any()]
    handles = [Patch(facecolor=colour, label=literal(name)) for name, colour in shown[:9]]
    if len(shown) > len(handles):
        handles.append(Patch(facecolor="none", label=f"and {len(shown) - len(handles)} more"))
    columns = 3 if max(len(name) for name, _ in shown) < 14 else 2
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.0, -0.01), ncols=columns, fontsize=8, handlelength=1.0, borderpad=0.0)


def _colour_bar(axes: Axes) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = ScalarMappable(Normalize(0.0, BEST_DIHEDRAL), QUALITY_MAP)
    inset: Any = axes.inset_axes((0.05, -0.05, 0.9, 0.03))
    bar: Any = axes.figure.colorbar(colours, cax=inset, orientation="horizontal", ticks=[0, 10, 20, 30, 40, 50, 60, 70])
    bar.ax.axvline(_GATE, color=VERMILLION, linewidth=1.4)
    bar.ax.tick_params(labelsize=7.5, length=2)
    bar.set_label(f"degrees (line: gate of {_GATE:g}°; regular tetrahedron {BEST_DIHEDRAL:.1f}°)", fontsize=7.5)
    bar.outline.set_linewidth(0.4)


def _summary(mesh: TetMesh, certificate: Certificate | None) -> str:
    worst = float(dihedral_angles(mesh.points, mesh.tets).min())
    ratio = float(radius_ratio(mesh.points, mesh.tets).min())
    parts = [f"{number(len(mesh.tets))} tetrahedra", f"dihedral angles from {worst:.1f}°", f"radius ratios from {ratio:.2f}"]
    if certificate is not None and certificate.volume_error is not None:
        parts.append(f"volumes within {100 * certificate.volume_error:.2g} % of the source")
    return ", ".join(parts)
