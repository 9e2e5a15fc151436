"""The distribution of mesh quality, as papers on meshing show it: histogram, density curve and gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.distribution import kernel_density
from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.markup import number
from cellml.report.palette import OKABE_ITO, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

DIHEDRAL_GATE = (10.0, 180.0)  # below 10° a tetrahedron spoils the condition of the stiffness matrix
SURFACE_GATE = (20.0, 130.0)
_BINS = 72
_FINE = 10  # steps of the density curve for each bin
MOST_GROUPS = 6  # the seventh colour of the palette, a yellow, is too pale for a line


@dataclass(frozen=True)
class QualitySample:
    """Measured values of some tetrahedra, each array flat.

    dihedrals: degrees, six a tetrahedron; ratios: radius ratio 3 r_in / r_circ of each; surface_angles: degrees, three for each triangle of
    their boundary; edges: nm.
    """

    tets: int
    dihedrals: Floats
    ratios: Floats
    surface_angles: Floats
    edges: Floats


def pooled(samples: Iterable[QualitySample]) -> QualitySample:
    """Several samples as one."""
    every = list(samples)
    arrays = [np.concatenate([getattr(s, name) for s in every]) for name in ("dihedrals", "ratios", "surface_angles", "edges")]
    return QualitySample(sum(s.tets for s in every), *arrays)


def outside(angles: Floats, gate: tuple[float, float]) -> int:
    """How many angles lie outside a gate (degrees, ends included)."""
    return int(((angles < gate[0]) | (angles > gate[1])).sum())


def quality_figure(groups: Mapping[str, QualitySample]) -> Figure:
    """Dihedral angles, radius ratios, surface angles and edges of some groups of tetrahedra, each with its gate where there is one.

    Each histogram and its curve have an area of 1, so that groups of different sizes compare. Draws the first six groups.
    """
    shown = dict(list(groups.items())[:MOST_GROUPS])
    longest = max((float(np.max(s.edges)) for s in shown.values()), default=1.0)
    with figure_style():
        figure = new_figure(10.2, 7.0)
        figure.set_layout_engine("constrained", hspace=0.08, wspace=0.05)
        panels = figure.subplots(2, 2).ravel()
        degrees = ("angle (°)", "density (1/°)", np.arange(0.0, 181.0, 30.0))
        _panel(panels[0], {n: s.dihedrals for n, s in shown.items()}, "Dihedral angles of tetrahedra", 180.0, *degrees, DIHEDRAL_GATE)
        _panel(panels[1], {n: s.surface_angles for n, s in shown.items()}, "Angles of surface triangles", 180.0, *degrees, SURFACE_GATE)
        ratios = ("3 r$_{in}$ / r$_{circ}$  (1: regular)", "density", np.linspace(0, 1, 6))
        _panel(panels[2], {n: s.ratios for n, s in shown.items()}, "Radius ratio of tetrahedra", 1.0, *ratios)
        _panel(panels[3], {n: s.edges for n, s in shown.items()}, "Edges", longest, "length (nm)", "density (1/nm)", None)
        handles = panels[0].get_legend_handles_labels()[0]
        labels = [f"{literal(name)}: {number(s.tets)} tetrahedra" for name, s in shown.items()]
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 3), handlelength=1.4)
    return figure


def _panel(
    axes: Axes,
    groups: Mapping[str, Floats],
    title: str,
    high: float,
    xlabel: str,
    ylabel: str,
    ticks: Floats | None,
    gate: tuple[float, float] = (0.0, 0.0),
) -> None:
    opacity = 0.28 if len(groups) < 3 else 0.12
    for (name, values), colour in zip(groups.items(), OKABE_ITO, strict=False):
        axes.hist(values, np.linspace(0.0, high, _BINS + 1).tolist(), density=True, histtype="stepfilled", color=colour, alpha=opacity)
        axes.plot(*kernel_density(values, 0.0, high, high / (_BINS * _FINE)), color=colour, label=literal(name))
    for limit in gate:
        if 0.0 < limit < high:
            axes.axvline(limit, color=VERMILLION, linestyle="--", linewidth=1.1)
            axes.annotate(
                f"{limit:g}°",
                (limit, 1.0),
                (2, -2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                color=VERMILLION,
                va="top",
            )
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel, xlim=(0.0, high), ylim=(0.0, None))
    if ticks is not None:
        axes.set_xticks(ticks)
