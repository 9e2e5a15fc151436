"""Triangle surfaces: extraction, repair, curvature, sizing and conditioning.

The public names are loaded when first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
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
    if name in _PUBLIC:
        value = getattr(import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cellml.surfaces' has no attribute {name!r}")


class _Package(ModuleType):
    """`repair` and `curvature` are modules as well as functions: the functions win, as `from cellml.surfaces import repair` promises."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _PUBLIC and isinstance(value, ModuleType):  # importing a module names it in its package
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
