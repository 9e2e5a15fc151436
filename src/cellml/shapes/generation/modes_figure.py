"""The average shape and the modes of variation: from one extreme to the other, and how well each is known."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.shapes.generation.pictures import common_view, panel
from cellml.types import Surface

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_STEPS = (-3.0, -1.5, 0.0, 1.5, 3.0)  # standard deviations
_MAP = "cividis"


def mode_codes(model: Any, mode: int, steps: tuple[float, ...] = _STEPS) -> Floats:
    """Codes along a mode of a statistical model (0 the first), with all others and the size at the mean, (S, K)."""
    peak = np.zeros(model.likeliest().shape[1])
    codes = np.repeat(peak[None], len(steps), axis=0)
    codes[:, mode] = steps
    return codes


def band_of(model: Any, mode: int) -> Floats:
    """Half width in nm of the 90 % confidence band of a mode at the vertices of the decoded average, (P,).

    What one standard deviation of the mode moves each vertex by, and how far that lies from what replicas of the population say.
    """
    found, net = model.net.distribution, model.net
    shape = tuple(net.shape.long().tolist())
    unit = float(np.exp(found.size[0]))
    replicas = net.mode_bands.replicas[:, mode]
    middle = replicas.mean(axis=0)
    base = model.representation.surface(found.components.mean.reshape(shape), unit).vertices
    moved = []
    for replica in replicas:
        away = (found.components.mean + replica - middle).reshape(shape)
        moved.append(np.linalg.norm(model.representation.surface(away, unit).vertices - base, axis=1))
    return np.asarray(np.percentile(np.stack(moved), 90, axis=0))


def modes_figure(model: Any, count: int, header: str) -> Figure:
    """A row a mode: shapes from −3 to +3 deviations, those that are not the average in one colour; the average coloured by the band."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    table = model.net.mode_bands.table(model.net.distribution.components)
    rows = [model.decode(mode_codes(model, mode)) for mode in range(count)]
    pose, half = common_view([surface for row in rows for surface in row])
    bands = [band_of(model, mode) for mode in range(count)]
    top = max(float(np.percentile(band, 98)) for band in bands)
    with figure_style():
        figure = new_figure(1.55 * len(_STEPS) + 0.8, 1.9 * count + 0.4)
        grid = figure.subplots(count, len(_STEPS), squeeze=False)
        for mode, (row, band) in enumerate(zip(rows, bands, strict=True)):
            for column, (step, surface) in enumerate(zip(_STEPS, row, strict=True)):
                title = f"mode {mode + 1}: {_told(table[mode])}" if step == 0 else f"{step:+g} SD"
                colours = None
                if step == 0:
                    at = band[surface.faces].mean(axis=1) / max(top, 1e-12)
                    colours = np.asarray(colormaps[_MAP](np.clip(at, 0, 1))[:, :3], np.float64)
                panel(grid[mode, column], surface, pose, half, title, first=mode == column == 0, colours=colours)
        bar = figure.colorbar(ScalarMappable(Normalize(0, top), colormaps[_MAP]), ax=grid, shrink=0.5, pad=0.01, aspect=30)
        bar.set_label("half width of the 90 % band of one SD (nm)", fontsize=7)
        bar.ax.tick_params(labelsize=6.5)
        figure.suptitle(literal(header), fontsize=9, x=0.01, ha="left")
    return figure


def _told(row: dict[str, float]) -> str:
    """Share of the variance with its interval."""
    return f"{100 * row['share']:.0f} % ({100 * row['share_low']:.0f}–{100 * row['share_high']:.0f})"


def write_modes(model: Any, path: Path) -> None:
    """The table of modes as CSV: share of the variance with its 90 % interval, and how alike the mode is in replicas."""
    rows = model.net.mode_bands.table(model.net.distribution.components)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows([{key: value if key == "mode" else f"{value:.5g}" for key, value in row.items()} for row in rows])


def average_surfaces(model: Any) -> list[Surface]:
    """The shapes whose codes are all 0 but for the size, at its mean: the average."""
    codes = np.zeros_like(model.likeliest())
    return list(model.decode(codes))
