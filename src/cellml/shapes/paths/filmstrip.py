"""A path as a filmstrip with its density below, and as a movie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.palette import BLUE, INK, MUTED
from cellml.shapes.generation.likelihood import rarity_text
from cellml.shapes.generation.made import Made
from cellml.shapes.generation.pictures import common_view, panel, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

_MOST = 9  # frames in the strip
_INCHES = 1.25
_PIXELS = 360  # of the movie
_FRAME_MS, _LAST_MS = 160, 1200


def filmstrip(made: Sequence[Made], header: str) -> Figure:
    """At most nine frames in one scale, evenly chosen with both ends, and the log density of all frames below."""
    surfaces = [one.surface for one in made]
    chosen = sorted({round(n) for n in np.linspace(0, len(made) - 1, min(_MOST, len(made)))})
    pose, half = common_view(surfaces)
    dense = np.isfinite([one.log_density for one in made]).all()
    width = max(len(chosen) * _INCHES, 4.0)
    with figure_style():
        figure = new_figure(width, _INCHES + (2.1 if dense else 0.7))
        parts: Any = figure.subfigures(2 if dense else 1, 1, height_ratios=(1.05 * _INCHES + 0.2, 1.5)[: 2 if dense else 1], squeeze=False)
        upper, lower = parts[0, 0], parts[1, 0] if dense else None
        for place, n in enumerate(chosen):
            panel(upper.add_subplot(1, len(chosen), place + 1), surfaces[n], pose, half, f"frame {n}", first=place == 0)
        if lower is not None:
            _density(lower.add_subplot(), made)
        figure.suptitle(literal(header), fontsize=8.5, x=0.01, ha="left")
    return figure


def _density(axes: Any, made: Sequence[Made]) -> None:
    """Log density of each frame, and how rare shapes of that density are."""
    density = [one.log_density for one in made]
    axes.plot(range(len(made)), density, marker="o", markersize=3, color=BLUE)
    axes.set_xlabel("frame")
    axes.set_ylabel("log density (nats)")
    axes.set_xlim(-0.3, len(made) - 0.7)
    for n in sorted({0, len(made) // 2, len(made) - 1}):
        side = "left" if n == 0 else "right" if n == len(made) - 1 else "center"
        at: Any = (n, density[n])
        axes.annotate(rarity_text(made[n].rarity), at, textcoords="offset points", xytext=(0, 7), fontsize=7, ha=side, color=MUTED)
    axes.margins(y=0.25)


def draw_movie(made: Sequence[Made], path: File) -> None:
    """The frames there and back as an animated GIF, each with its number and density."""
    surfaces = [one.surface for one in made]
    pose, half = common_view(surfaces)
    frames = [_frame(picture(s, pose, half, _PIXELS), _caption(n, one)) for n, (s, one) in enumerate(zip(surfaces, made, strict=True))]
    shown = [*frames, *frames[-2:0:-1]]
    durations = [_LAST_MS if n in (0, len(frames) - 1) else _FRAME_MS for n in range(len(shown))]
    shown[0].save(path, format="GIF", save_all=True, append_images=shown[1:], duration=durations, loop=0, optimize=False)


def _caption(number: int, made: Made) -> str:
    density = f", log density {made.log_density:.1f}" if np.isfinite(made.log_density) else ""
    return f"frame {number}{density}"


def _frame(shape: NDArray[np.floating], caption: str) -> Image:
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(File(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), 13)
    canvas = Image.new("RGB", (_PIXELS, _PIXELS + 24), "white")
    drawn = Image.fromarray((255 * np.asarray(shape)).round().astype(np.uint8))
    canvas.paste(drawn, (0, 24), drawn)
    ImageDraw.Draw(canvas).text((6, 4), caption, fill=INK, font=font)
    return canvas.quantize(96, dither=Image.Dither.NONE)
