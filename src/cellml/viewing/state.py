"""The state of a Neuroglancer: which layers it shows, from where, and how it stands before them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from cellml.types import Triple

VIEWER = "https://neuroglancer-demo.appspot.com"
_GREY = "#uicontrol invlerp normalized\nvoid main() {\n  emitGrayscale(normalized());\n}\n"
# Cubehelix (Green 2011) grows evenly in lightness, so that it is read without colours too.
_UNCERTAINTY = "#uicontrol invlerp normalized\nvoid main() {\n  emitRGBA(vec4(colormapCubehelix(normalized()), normalized()));\n}\n"


@dataclass(frozen=True)
class ViewLayer:
    """A layer as it lies in the view's folder.

    kind: "image", "labels", "uncertainty" or "meshes"; paths: relative to the folder, the first with the data, a second with names;
    limits: of grey values; segments: numbers that are shown at once; channels: of an image with several.
    """

    kind: str
    name: str
    paths: tuple[str, ...]
    limits: tuple[float, float] = (0.0, 1.0)
    segments: Sequence[int] = field(default_factory=tuple)
    channels: int = 0


def viewer_state(layers: Sequence[ViewLayer], url: str, *, spacing: Triple, shape: Sequence[int], origin: Triple) -> dict[str, Any]:
    """The JSON of Neuroglancer.

    url: where the folder is served from; spacing, origin: (z, y, x) in nm and shape: voxels of what is looked at, whose middle the
    viewer stands before, with all of it in sight.
    """
    axes = dict(zip("zyx", zip(spacing, shape, origin, strict=True), strict=True))
    extent = max(size * count for size, count, _ in axes.values())
    return {
        "dimensions": {axis: [axes[axis][0] * 1e-9, "m"] for axis in "xyz"},
        "position": [axes[axis][2] / axes[axis][0] + axes[axis][1] / 2 for axis in "xyz"],
        "crossSectionScale": extent / axes["x"][0] / 500,
        "projectionScale": 1.5 * extent / axes["x"][0],
        "layers": [_layer(layer, url.rstrip("/")) for layer in layers],
        "layout": "4panel",
        "showSlices": False,
    }


def link(state: Mapping[str, Any], viewer: str = VIEWER) -> str:
    """An address that opens a viewer in this state."""
    return f"{viewer}/#!{quote(json.dumps(state, separators=(',', ':')), safe='')}"


def _layer(layer: ViewLayer, url: str) -> dict[str, Any]:
    addresses = [f"{url}/{path}" for path in layer.paths]
    if layer.kind == "meshes":
        sources = [f"precomputed://{address}" for address in addresses]
        return {"type": "segmentation", "name": layer.name, "source": sources, "segments": [str(n) for n in layer.segments]}
    source = f"zarr://{addresses[0]}"
    if layer.kind == "labels":
        return {"type": "segmentation", "name": layer.name, "source": source, "segments": [], "selectedAlpha": 0.35}
    shader = _UNCERTAINTY if layer.kind == "uncertainty" else _GREY
    more: dict[str, Any] = {"opacity": 0.6, "blend": "default"} if layer.kind == "uncertainty" else {}
    if layer.channels:  # the first channel is shown; others by the slider of the layer's own dimension
        more |= {"localDimensions": {"c'": [1, ""]}, "localPosition": [0]}
    return {
        "type": "image",
        "name": layer.name,
        "source": source,
        "shader": shader,
        "shaderControls": {"normalized": {"range": list(layer.limits)}},
        **more,
    }
