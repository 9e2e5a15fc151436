"""Harmonics of surfaces, kept in the cache: to lay a population on spheres takes minutes."""

from __future__ import annotations

import hashlib

import numpy as np

from cellml.errors import CellmlError
from cellml.shapes.cache import Arrays, kept
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.harmonics.sphere_map import SphereMap
from cellml.shapes.harmonics.vector import VectorFit, fit_vector
from cellml.types import Surface

RULES = 1  # raise it when maps or fits change, so that older files are not taken

Fit = VectorFit | str

_SLOW_S = 0.05  # a fit that takes less is not kept
_MOST_FILES = 5000  # of some ten kilobytes each


def kept_fit(surface: Surface, degree: int) -> Fit:
    """`fit_vector` of a surface, or what it says of one that has no harmonics; from the cache where it is there.

    The file is named by the vertices, the faces and the degree, so that a surface that was turned or repaired otherwise has another.
    """
    return kept("harmonics", _key(surface, degree), lambda: _fit(surface, degree), _packed, _unpacked, slow_s=_SLOW_S, most=_MOST_FILES)


def _fit(surface: Surface, degree: int) -> Fit:
    try:
        return fit_vector(surface, degree)
    except CellmlError as error:
        return str(error)


def _key(surface: Surface, degree: int) -> str:
    told = hashlib.sha256(f"{RULES} {degree} {surface.name} {surface.vertices.shape} {surface.faces.shape}".encode())
    told.update(np.ascontiguousarray(surface.vertices, np.float64).tobytes())
    told.update(np.ascontiguousarray(surface.faces, np.int64).tobytes())
    return told.hexdigest()[:32]


def _packed(fit: Fit) -> Arrays:
    if isinstance(fit, str):
        return {"said": np.frombuffer(fit.encode(), np.uint8)}
    place = fit.map
    return {
        "name": np.frombuffer(fit.harmonics.name.encode(), np.uint8),
        "values": fit.harmonics.values,
        "centre": fit.harmonics.centre,
        "numbers": np.array([fit.error, fit.splits, place.flips, place.coverage, place.angle_distortion, *place.area_ratios]),
        "directions": place.directions,
    }


def _unpacked(arrays: Arrays) -> Fit:
    if "said" in arrays:
        return arrays["said"].tobytes().decode()
    error, splits, flips, coverage, distortion, low, middle, high = arrays["numbers"].tolist()
    place = SphereMap(arrays["directions"], int(flips), coverage, (low, middle, high), distortion)
    shape = Harmonics(arrays["values"], arrays["centre"], arrays["name"].tobytes().decode())
    return VectorFit(shape, place, error, int(splits))
