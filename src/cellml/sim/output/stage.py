"""Frames of a movie: a figure drawn once, and pictures that change put into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style
from cellml.report.palette import INK
from cellml.sim.output.species_view import MAP

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

_TITLE_POINTS = 10.0


class Stage:
    """A figure with a place for each picture.

    figure: laid out, with images of nothing and an empty title; images: matplotlib's images by name. Drawing text, axes and colour bars
    takes matplotlib most of a second, which a movie must not pay for every frame.
    """

    def __init__(self, figure: Figure, images: Mapping[str, Any]) -> None:
        from matplotlib import get_data_path
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from PIL import Image, ImageFont

        canvas = FigureCanvasAgg(figure)
        with figure_style():
            canvas.draw()
        self._empty = Image.fromarray(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))
        self._boxes = {name: _box(image, self._empty.height) for name, image in images.items()}
        font = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
        self._palette = Image.new("P", (1, 1))
        self._palette.putpalette(_palette().ravel().tolist())
        self._font = ImageFont.truetype(str(font), round(_TITLE_POINTS * figure.dpi / 72))

    def frame(self, pictures: Mapping[str, NDArray[np.floating]], title: str) -> Image:
        """The figure with pictures (H, W, 4) in [0, 1] in their places, in 256 colours."""
        from PIL import Image, ImageDraw

        canvas = self._empty.copy()
        for name, picture in pictures.items():
            left, top, width, height = self._boxes[name]
            shown = Image.fromarray((255 * np.asarray(picture)).round().astype(np.uint8)).resize((width, height), Image.Resampling.BILINEAR)
            canvas.paste(shown, (left, top), shown)
        ImageDraw.Draw(canvas).text((6, 3), title, fill=INK, font=self._font)
        return canvas.quantize(palette=self._palette, dither=Image.Dither.NONE)


def _palette() -> NDArray[np.uint8]:
    """The 256 colours of all frames, (256, 3): the colour map in full light and in three shades, and greys; one palette, so that nothing
    flickers.
    """
    from matplotlib import colormaps

    shades = [
        np.asarray(colormaps[MAP](np.linspace(0, 1, n))[:, :3]) * light for n, light in ((112, 1.0), (48, 0.88), (32, 0.76), (24, 0.6))
    ]
    greys = np.linspace([0.10, 0.11, 0.14], [1.0, 1.0, 1.0], 40)
    return np.asarray(np.round(255 * np.concatenate([*shades, greys])), np.uint8)


def _box(image: Any, height: int) -> tuple[int, int, int, int]:
    """Left, top, width and height in pixels of a place, rows counted downwards."""
    extent = image.get_window_extent()
    return round(extent.x0), round(height - extent.y1), round(extent.width), round(extent.height)
