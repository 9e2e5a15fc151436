"""Populations of shapes: what they are, how they are described by few numbers, and how new ones are made.

The public names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Alignment": "cellml.shapes.alignment",
    "Harmonics": "cellml.shapes.harmonics.coefficients",
    "Population": "cellml.shapes.population",
    "align": "cellml.shapes.alignment",
    "aligned_coefficients": "cellml.shapes.correspondence",
    "fit_star": "cellml.shapes.harmonics.star",
    "fit_star_voxels": "cellml.shapes.harmonics.voxels",
    "fit_vector": "cellml.shapes.harmonics.vector",
    "read_population": "cellml.shapes.reading",
}

if TYPE_CHECKING:
    from cellml.shapes.alignment import Alignment, align
    from cellml.shapes.correspondence import aligned_coefficients
    from cellml.shapes.harmonics.coefficients import Harmonics
    from cellml.shapes.harmonics.star import fit_star
    from cellml.shapes.harmonics.vector import fit_vector
    from cellml.shapes.harmonics.voxels import fit_star_voxels
    from cellml.shapes.population import Population
    from cellml.shapes.reading import read_population

__all__ = [
    "Alignment",
    "Harmonics",
    "Population",
    "align",
    "aligned_coefficients",
    "fit_star",
    "fit_star_voxels",
    "fit_vector",
    "read_population",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml.shapes' has no attribute {name!r}")
