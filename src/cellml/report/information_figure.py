"""What of a repaired volume was inferred, drawn: over its slices, in Fourier space, and object by object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import BLUE, MUTED, VERMILLION, colour_overlay, rgb
from cellml.report.slices import Plane, contrast, physical_size, position_text, scale_bar, show_plane
from cellml.tomography.geometry import SENSE
from cellml.tomography.inferred_spectrum import InferredSpectrum
from cellml.types import Triple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

_OPACITY = 0.8  # of the colour over the image where all was inferred
_SHARE = "share of energy inferred"


@dataclass(frozen=True, eq=False)
class Cut:
    """A plane of a volume and what stands in it, each (rows, columns) or None: grey values, inferred share, an ensemble's deviation in grey
    values, labels.
    """

    plane: Plane
    image: NDArray[Any] | None = None
    share: NDArray[Any] | None = None
    deviation: NDArray[Any] | None = None
    labels: NDArray[Any] | None = None


def map_figure(cuts: Sequence[Cut], shape: Sequence[int], spacing: Triple) -> Figure:
    """A row for each cut: the volume, the inferred share as colour over it, the share alone and, where there is one, the deviation.

    shape (Z, Y, X) and spacing (z, y, x) in nm are those of the volume.
    """
    columns = _columns(cuts)
    sizes = [physical_size(shape, spacing, cut.plane) for cut in cuts]
    with figure_style():
        panel = 11.5 / max(len(columns), 3)
        heights = [panel * h / max(w for _, w in sizes) for h, w in sizes]
        figure = new_figure(panel * len(columns), sum(heights) + 0.32 * len(cuts) + 0.6)
        grid = figure.subplots(len(cuts), len(columns), squeeze=False, gridspec_kw={"height_ratios": heights})
        for row, cut in enumerate(cuts):
            for column, (title, draw, _, _) in enumerate(columns):
                show_plane(grid[row, column], draw(cut), shape, spacing, cut.plane)
                grid[row, column].set_title(f"{title} · {position_text(cut.plane, spacing)}" if column == 0 else title)
            scale_bar(grid[row, 0], *sizes[row])
        for column, (_, _, colours, label) in enumerate(columns):
            figure.colorbar(colours, ax=grid[:, column], location="bottom", shrink=0.9, pad=0.02, label=label)
    return figure


def _columns(cuts: Sequence[Cut]) -> list[tuple[str, Callable[[Cut], NDArray[np.float64]], ScalarMappable, str]]:
    """Title of each panel, what draws it, its colours and what they mean."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    most = _mixed(np.full((1, 1), 0.6), np.ones((1, 1)))[0, 0]
    percentiles, shares = ScalarMappable(Normalize(1, 99), "gray"), ScalarMappable(Normalize(0, 1), "cividis")
    over = ScalarMappable(Normalize(0, 1), LinearSegmentedColormap.from_list("over", [(0.6,) * 3, tuple(most)]))
    columns: list[tuple[str, Callable[[Cut], NDArray[np.float64]], ScalarMappable, str]] = [
        ("volume", lambda c: np.repeat(_grey(c)[..., None], 3, axis=2), percentiles, "percentile of grey values"),
        ("inferred share over it", lambda c: _mixed(_grey(c), np.asarray(c.share)), over, _SHARE),
        ("inferred share", lambda c: _coloured(np.asarray(c.share)), shares, _SHARE),
    ]
    spread = max((float(np.percentile(c.deviation, 99)) for c in cuts if c.deviation is not None), default=0.0)
    if spread > 0:
        colours = ScalarMappable(Normalize(0, spread), "cividis")
        columns.append(
            ("disagreement of repairs", lambda c: _coloured(np.asarray(c.deviation) / spread), colours, "standard deviation (grey values)")
        )
    return columns


def objects_figure(
    cuts: Sequence[Cut], shares: Mapping[int, float], marked: Sequence[int], shape: Sequence[int], spacing: Triple
) -> Figure:
    """Objects in the colour of their mean inferred share, a panel for each cut; those that are mostly inferred (`marked`) outlined."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    sizes = [physical_size(shape, spacing, cut.plane) for cut in cuts]
    with figure_style():
        width = 11.5 / max(len(cuts), 2)
        figure = new_figure(width * len(cuts), width * max(h / w for h, w in sizes) + 1.2)
        grid = figure.subplots(1, len(cuts), squeeze=False)
        for axes, cut, size in zip(grid[0], cuts, sizes, strict=True):
            show_plane(axes, _objects(np.asarray(cut.labels), shares, marked), shape, spacing, cut.plane)
            axes.set_title(f"objects · {position_text(cut.plane, spacing)}")
            scale_bar(axes, *size)
        colours = ScalarMappable(Normalize(0, 1), "cividis")
        figure.colorbar(colours, ax=grid[0].tolist(), location="bottom", shrink=0.5, pad=0.03, label=f"mean {_SHARE} of an object")
    return figure


def spectrum_figure(spectrum: InferredSpectrum, tilts: Sequence[float]) -> Figure:
    """Fourier space across the tilt axis, and the inferred share by direction and by frequency. tilts: (N,) degrees."""
    with figure_style():
        figure = new_figure(11.5, 3.7)
        grid = figure.subplots(1, 3)
        _fourier_plane(figure, grid[0], spectrum, tilts)
        _curves(grid[1], spectrum.direction, spectrum.by_direction, spectrum.unmeasured.sum(axis=0), spectrum.total.sum(axis=0))
        grid[1].axvspan(max(min(tilts), -90), min(max(tilts), 90), color=MUTED, alpha=0.15, linewidth=0, label="range of tilts")
        grid[1].set(title="by direction", xlabel="direction, as a tilt (degrees)", xticks=range(-90, 91, 30))
        inside = slice(0, len(spectrum.radius) - 2)
        _curves(
            grid[2],
            spectrum.radius[:-1],
            spectrum.by_radius[inside],
            *(e.sum(axis=1)[inside] for e in (spectrum.unmeasured, spectrum.total)),
        )
        grid[2].set(title="by frequency", xlabel="frequency across the tilt axis (1/nm)")
        for axes in grid[1:]:
            axes.set(ylim=(0, 1.02), ylabel="share of energy")
        grid[1].legend(loc="upper center", fontsize=7.5)
    return figure


def _fourier_plane(figure: Figure, axes: Axes, spectrum: InferredSpectrum, tilts: Sequence[float]) -> None:
    from matplotlib import colormaps

    colours = colormaps["cividis"].with_extremes(bad="0.85")  # cells near the origin that no coefficient falls into
    angle, radius = np.deg2rad(spectrum.direction), spectrum.radius[:-1]
    x, z = radius[:, None] * np.cos(angle), SENSE * radius[:, None] * np.sin(angle)
    for sign in (1, -1):  # the transform of a real volume has the same energy at k and −k
        mesh = axes.pcolormesh(sign * x, sign * z, spectrum.share[:-1], cmap=colours, vmin=0, vmax=1, rasterized=True)
    for tilt in (min(tilts), max(tilts)):
        c, s = radius[-1] * np.cos(np.deg2rad(tilt)), radius[-1] * SENSE * np.sin(np.deg2rad(tilt))
        axes.plot([-c, c], [-s, s], color="white", linewidth=1.0, linestyle="--")
    axes.set(title="Fourier space across the tilt axis", xlabel="$k_x$ (1/nm)", ylabel="$k_z$ (1/nm)", aspect="equal")
    axes.grid(visible=False)
    figure.colorbar(mesh, ax=axes, label="share of energy inferred", shrink=0.85)


def _curves(axes: Axes, edges: NDArray[Any], share: NDArray[Any], unmeasured: NDArray[Any], total: NDArray[Any]) -> None:
    axes.stairs(share, edges, color=BLUE, linewidth=1.6, label="inferred")
    nothing = np.divide(unmeasured, total, out=np.full_like(total, np.nan), where=total > 0)
    axes.stairs(nothing, edges, color=VERMILLION, linewidth=1.2, linestyle="--", label="nothing measured")
    axes.set_xlim(edges[0], edges[-1])


def _objects(labels: NDArray[Any], shares: Mapping[int, float], marked: Sequence[int]) -> NDArray[np.float64]:
    """Opaque colours, as mixtures with a grey image could not be read off the colour bar; background light grey, outlines white."""
    from matplotlib.colors import to_hex

    colours = {n: to_hex(_coloured(np.array([[share]]))[0, 0]) for n, share in shares.items()}
    picture = colour_overlay(np.full(labels.shape, 0.85), labels, colours, 1.0)
    picture[_edges(labels, 1)] = 1.0
    picture[_edges(np.where(np.isin(labels, list(marked)), labels, 0), 2)] = rgb(VERMILLION)
    return picture


def _edges(labels: NDArray[Any], width: int) -> NDArray[np.bool_]:
    """Pixels of (H, W) labels at most `width` from another label, on the side of the larger number."""
    found = np.zeros(labels.shape, bool)
    for step in range(1, width + 1):
        for axis in (0, 1):
            moved, edge = np.moveaxis(labels, axis, 0), np.moveaxis(found, axis, 0)
            edge[step:] |= moved[step:] > moved[:-step]
            edge[:-step] |= moved[:-step] > moved[step:]
    return found


def _grey(cut: Cut) -> NDArray[np.float64]:
    return contrast(np.asarray(cut.image))


def _coloured(values: NDArray[Any]) -> NDArray[np.float64]:
    from matplotlib import colormaps

    return np.asarray(colormaps["cividis"](np.clip(values, 0.0, 1.0))[..., :3])


def _mixed(grey: NDArray[np.float64], share: NDArray[Any]) -> NDArray[np.float64]:
    """A grey image (H, W) that turns to vermillion with the inferred share."""
    weight = _OPACITY * np.clip(np.asarray(share, np.float64), 0, 1)[..., None]
    return np.asarray(grey[..., None] * (1 - weight) + np.asarray(rgb(VERMILLION)) * weight)
