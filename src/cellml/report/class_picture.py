"""A section with what a prediction of one class found, missed and invented."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.palette import BLUE, VERMILLION, YELLOW, colour_overlay

COLOURS = {1: BLUE, 2: VERMILLION, 3: YELLOW}
MEANING = {1: "found", 2: "invented", 3: "missed"}


def class_picture(raw: NDArray[Any], truth: NDArray[Any], predictions: Mapping[str, NDArray[Any]], path: Path, *, pixel_nm: float) -> None:
    """Draw one section under each prediction's name, coloured by what is found, invented and missed.

    raw: (Y, X) grey values; truth and each prediction: (Y, X) bool; pixel_nm: size of a pixel, for the axes in µm; path: a .png file.
    """
    from matplotlib.patches import Patch

    from cellml.io.atomic import atomic_path
    from cellml.report.figure_style import figure_style, new_figure

    low, high = np.percentile(raw, [1, 99])
    grey = np.clip((raw.astype(float) - low) / max(high - low, 1e-9), 0, 1)
    extent = (0.0, raw.shape[1] * pixel_nm / 1000, raw.shape[0] * pixel_nm / 1000, 0.0)
    wide = raw.shape[1] > 2 * raw.shape[0]  # flat strips stand below one another
    rows, columns = (len(predictions), 1) if wide else (1, len(predictions))
    width = 9.0 if wide else 5.2
    with figure_style():
        figure = new_figure(width * columns, (width * raw.shape[0] / raw.shape[1] + 0.7) * rows + 0.4)
        for axis, (name, predicted) in zip(np.ravel(figure.subplots(rows, columns)), predictions.items(), strict=True):
            kinds = np.select([truth & predicted, predicted & ~truth, truth & ~predicted], [1, 2, 3], 0)
            axis.imshow(colour_overlay(grey, kinds, COLOURS, 0.5), extent=extent, interpolation="nearest")
            axis.set(title=name, xlabel="x (µm)", ylabel="y (µm)")
            axis.grid(visible=False)
        handles = [Patch(color=COLOURS[kind], label=MEANING[kind]) for kind in COLOURS]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
        with atomic_path(path) as aside:
            figure.savefig(aside, dpi=110)
