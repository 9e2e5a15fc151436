"""Populations of shapes: what they are, how they are described by few numbers, and how new ones are made.

The public names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Harmonics": "cellml.shapes.harmonics.coefficients",
    "Population": "cellml.shapes.population",
    "fit_star": "cellml.shapes.harmonics.star",
}

if TYPE_CHECKING:
    from cellml.shapes.harmonics.coefficients import Harmonics
    from cellml.shapes.harmonics.star import fit_star
    from cellml.shapes.population import Population

__all__ = ["Harmonics", "Population", "fit_star"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml.shapes' has no attribute {name!r}")
