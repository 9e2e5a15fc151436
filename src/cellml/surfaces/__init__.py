"""Triangle surfaces: extraction, repair, curvature, sizing and conditioning.

The public names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Curvature": "cellml.surfaces.curvature",
    "condition": "cellml.surfaces.conditioning",
    "curvature": "cellml.surfaces.curvature",
    "extract_surface": "cellml.surfaces.extraction",
    "repair": "cellml.surfaces.repair",
    "signed_distance_of": "cellml.surfaces.distance",
    "sizing_field": "cellml.surfaces.sizing",
}

if TYPE_CHECKING:
    from cellml.surfaces.conditioning import condition
    from cellml.surfaces.curvature import Curvature, curvature
    from cellml.surfaces.distance import signed_distance_of
    from cellml.surfaces.extraction import extract_surface
    from cellml.surfaces.repair import repair
    from cellml.surfaces.sizing import sizing_field

__all__ = ["Curvature", "condition", "curvature", "extract_surface", "repair", "signed_distance_of", "sizing_field"]


def __getattr__(name: str) -> Any:
    # `repair` is a module as well as a function: the function wins, as `from cellml.surfaces import repair` promises.
    if name in _PUBLIC:
        value = getattr(import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cellml.surfaces' has no attribute {name!r}")
