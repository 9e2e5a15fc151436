"""Layers in a napari viewer: arrays in nanometres, labels, uncertainty over them, and surfaces."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from cellml.io.source import ImageSource
from cellml.viewing.meshes import NamedSurface
from cellml.viewing.pyramid import contrast


def napari_missing() -> str | None:
    """Why no napari window can be opened here, None where one can."""
    if find_spec("napari") is None:
        return "napari is not installed (pip install 'cellml[annotate]')"
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no display"
    return None


def fill_viewer(
    viewer: Any,
    *,
    image: ImageSource | None,
    labels: Sequence[tuple[str, ImageSource]],
    uncertainty: Sequence[tuple[str, ImageSource]],
    surfaces: Sequence[NamedSurface],
) -> None:
    """Add one layer for each to a viewer or to napari's model of one.

    Everything stands in nm (z, y, x); images with channels get a layer a channel; uncertainty is drawn over what is below it; surfaces,
    whose points are (x, y, z), are turned.
    """
    if image is not None:
        low, high, _ = contrast(image)
        more = {"channel_axis": image.axes.index("C"), "name": list(image.channels)} if "C" in image.axes else {"name": image.name}
        viewer.add_image(image.read(), contrast_limits=(low, high), **more, **_frame(image))
    for name, source in labels:
        data = source.read()
        viewer.add_labels(data.astype(np.uint64 if data.dtype.itemsize > 4 else np.uint32), name=name, opacity=0.4, **_frame(source))
    for name, source in uncertainty:
        low, high, _ = contrast(source)
        plain = {"channel_axis": source.axes.index("C")} if "C" in source.axes else {}
        viewer.add_image(
            source.read(), name=name, colormap="viridis", opacity=0.5, blending="additive", contrast_limits=(low, high), **plain,
            **_frame(source),
        )  # fmt: skip
    for one in surfaces:
        viewer.add_surface((one.surface.vertices[:, ::-1], one.surface.faces), name=one.name, opacity=0.8)


def open_viewer() -> Any:
    """A napari window with the axes z, y, x."""
    import napari

    return napari.Viewer(title="cellml view", axis_labels=("z", "y", "x"))


def _frame(source: ImageSource) -> dict[str, Any]:
    """Scale and place of (Z, Y, X), and of the times before them; napari takes the channels away itself."""
    times = 1 if source.axes[0] == "T" else 0
    return {"scale": [1.0] * times + list(source.spacing), "translate": [0.0] * times + list(source.origin)}
