"""The distribution of mesh angles, as papers on meshing show it: histogram, density curve and gates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.markup import number
from cellml.report.palette import OKABE_ITO, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

DIHEDRAL_GATE = (10.0, 180.0)  # below 10° a tetrahedron spoils the condition of the stiffness matrix
SURFACE_GATE = (20.0, 130.0)
_STEP = 0.25  # degrees; resolution of the density curve


def angle_density(angles: Floats) -> tuple[Floats, Floats]:
    """Gaussian kernel density of angles in [0, 180]°, with Silverman's bandwidth h = 0.9 min(σ, IQR/1.34) n^(−1/5).

    The kernel is applied to counts in bins of 0.25° and reflected at 0° and 180°, so that the density integrates to 1 there. Returns
    the bins' centres in degrees and the density per degree.
    """
    from scipy.ndimage import gaussian_filter1d

    angles = np.ravel(angles)
    edges = np.arange(0.0, 180.0 + _STEP, _STEP)
    counts = np.histogram(angles, edges)[0].astype(float)
    quartiles = np.percentile(angles, (25, 75))
    spread = min(float(angles.std()), float(quartiles[1] - quartiles[0]) / 1.34) or float(angles.std())
    bandwidth = max(0.9 * spread * angles.size**-0.2, _STEP)
    density = gaussian_filter1d(counts, bandwidth / _STEP, mode="reflect") / (angles.size * _STEP)
    return (edges[:-1] + edges[1:]) / 2.0, density


def outside(angles: Floats, gate: tuple[float, float]) -> int:
    """How many angles lie outside a gate (degrees, ends included)."""
    return int(((angles < gate[0]) | (angles > gate[1])).sum())


def angle_histograms(dihedrals: Mapping[str, Floats] | Floats, surface_angles: Mapping[str, Floats] | Floats) -> Figure:
    """Dihedral angles of tetrahedra and corner angles of surface triangles, in degrees, each with its gate.

    Give one array, or several by name (truth, prediction) to lay them over each other.
    """
    with figure_style():
        figure = new_figure(10.2, 3.9)
        left, right = figure.subplots(1, 2)
        _histogram(left, _named(dihedrals), "Dihedral angles of tetrahedra", DIHEDRAL_GATE)
        _histogram(right, _named(surface_angles), "Angles of surface triangles", SURFACE_GATE)
    return figure


def _named(angles: Mapping[str, Floats] | Floats) -> Mapping[str, Floats]:
    return angles if isinstance(angles, Mapping) else {"": angles}


def _histogram(axes: Axes, groups: Mapping[str, Floats], title: str, gate: tuple[float, float]) -> None:
    for (name, angles), colour in zip(groups.items(), OKABE_ITO, strict=False):
        if np.size(angles) == 0:
            continue
        axes.hist(np.ravel(angles), np.arange(0.0, 182.5, 2.5).tolist(), density=True, color=colour, alpha=0.28)
        label = f"{literal(name)}: {number(np.size(angles))} angles, {np.min(angles):.1f}°–{np.max(angles):.1f}°".lstrip(": ")
        axes.plot(*angle_density(angles), color=colour, label=label)
    for limit in gate:
        if 0.0 < limit < 180.0:
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
    axes.set(title=title, xlabel="angle (°)", ylabel="density (1/°)", xlim=(0.0, 180.0), xticks=np.arange(0, 181, 30))
    if any(np.size(angles) for angles in groups.values()):
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), handlelength=1.4)
