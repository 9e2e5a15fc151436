"""Figures for the loggers that take pictures, such as Weights & Biases."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)


def log_figure(loggers: Sequence[Any], key: str, figure: Any, step: int) -> int:
    """Hand a matplotlib figure as an image to each logger that has `log_image`; returns how many took it.

    A logger that fails is warned of: the picture of a validation must not end the training.
    """
    taken, pixels = 0, None
    for logger in loggers:
        if not hasattr(logger, "log_image"):
            continue
        pixels = pixels_of(figure) if pixels is None else pixels
        try:
            logger.log_image(key=key, images=[pixels], step=step)
            taken += 1
        except Exception as error:
            log.warning("%s was not logged by %s: %s", key, type(logger).__name__, error)
    return taken


def pixels_of(figure: Any, dpi: int = 100) -> NDArray[np.uint8]:
    """The figure drawn, (height, width, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
