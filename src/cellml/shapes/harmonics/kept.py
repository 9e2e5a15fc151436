"""Surfaces laid on spheres, kept in the cache: for a population it takes minutes, and series of any degree follow from it in no time."""

from __future__ import annotations

import hashlib

import numpy as np

from cellml.errors import CellmlError
from cellml.shapes.cache import Arrays, kept
from cellml.shapes.harmonics.sphere_map import SphereMap, sphere_map
from cellml.types import Surface

RULES = 1  # raise it when maps change, so that older files are not taken

_SLOW_S = 0.05  # a map that takes less is not kept
_MOST_FILES = 5000  # of some ten kilobytes each


def kept_map(surface: Surface) -> SphereMap:
    """`sphere_map` of a surface, from the cache where it is there. Raises CellmlError for a surface that has none, kept as well.

    The file is named by the vertices and the faces, so that a surface that was turned or repaired otherwise has another.
    """
    found = kept("spheres", _key(surface), lambda: _map(surface), _packed, _unpacked, slow_s=_SLOW_S, most=_MOST_FILES)
    if isinstance(found, str):
        raise CellmlError(found)
    return found


def _map(surface: Surface) -> SphereMap | str:
    try:
        return sphere_map(surface)
    except CellmlError as error:
        return str(error)


def _key(surface: Surface) -> str:
    told = hashlib.sha256(f"{RULES} {surface.name} {surface.vertices.shape} {surface.faces.shape}".encode())
    told.update(np.ascontiguousarray(surface.vertices, np.float64).tobytes())
    told.update(np.ascontiguousarray(surface.faces, np.int64).tobytes())
    return told.hexdigest()[:32]


def _packed(found: SphereMap | str) -> Arrays:
    if isinstance(found, str):
        return {"said": np.frombuffer(found.encode(), np.uint8)}
    numbers = [found.flips, found.coverage, found.angle_distortion, *found.area_ratios]
    return {"directions": found.directions, "numbers": np.array(numbers)}


def _unpacked(arrays: Arrays) -> SphereMap | str:
    if "said" in arrays:
        return arrays["said"].tobytes().decode()
    flips, coverage, distortion, low, middle, high = arrays["numbers"].tolist()
    return SphereMap(arrays["directions"], int(flips), coverage, (low, middle, high), distortion)
