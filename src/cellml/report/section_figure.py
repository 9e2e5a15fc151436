"""One section while a network learns: the image, what is true, what is predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import colour_overlay, label_colours
from cellml.report.slices import Plane, contrast, length_text, matched_labels, scale_bar, show_plane
from cellml.types import Triple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PLANE = Plane(0, 0)


def section_figure(
    spacing: Triple, *, raw: NDArray[Any], truth: NDArray[Any], prediction: NDArray[Any], position_nm: float, labels: bool
) -> Figure:
    """Three panels side by side with a scale bar.

    raw, truth, prediction: (Y, X); spacing: (z, y, x) in nm; position_nm: of the section along z; labels: whether truth and prediction are
    numbers of objects or classes, drawn in colours over the image (negative numbers, where nobody labelled, stay bare; equal colours mean
    agreement), or images, drawn in the grey values of the truth.
    """
    grey = contrast(raw)
    if labels:
        true, found = np.maximum(truth.astype(np.int64), 0), np.maximum(prediction.astype(np.int64), 0)
        found = matched_labels(true[None], found[None])[0]
        pictures = [colour_overlay(grey, one, label_colours(np.unique(one).tolist()), 0.5) for one in (true, found)]
    else:
        low, high = np.percentile(truth[np.isfinite(truth)], (1, 99)) if np.isfinite(truth).any() else (0.0, 1.0)
        span = max(float(high - low), 1e-12)
        pictures = [_rgb(np.clip((np.nan_to_num(one) - low) / span, 0, 1)) for one in (truth, prediction)]
    shape = (1, *raw.shape)
    height, width = raw.shape[0] * spacing[1], raw.shape[1] * spacing[2]
    with figure_style():
        figure = new_figure(10.5, min(8.0, 3.5 * height / width) + 0.35)
        panels = figure.subplots(1, 3)
        titles = (f"image · z = {length_text(position_nm)}", "truth", "prediction")
        for axes, picture, title in zip(panels, (_rgb(grey), *pictures), titles, strict=True):
            show_plane(axes, picture, shape, spacing, _PLANE)
            axes.set_title(title)
        scale_bar(panels[0], height, width)
    return figure


def _rgb(grey: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.repeat(np.asarray(grey, float)[..., None], 3, axis=2)
