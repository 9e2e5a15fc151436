"""Surface extraction, conditioning, tetrahedra, quality and certificates.

The public names are loaded when first used, so that the worker process of MMG starts with numpy alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Certificate": "cellml.meshing.certificate",
    "Gate": "cellml.meshing.gate",
    "MeshResult": "cellml.meshing.mesher",
    "MeshingError": "cellml.meshing.errors",
    "ObjectCrop": "cellml.meshing.crop",
    "crop_object": "cellml.meshing.crop",
    "mesh_labels": "cellml.meshing.labels",
}

if TYPE_CHECKING:
    from cellml.meshing.certificate import Certificate
    from cellml.meshing.crop import ObjectCrop, crop_object
    from cellml.meshing.errors import MeshingError
    from cellml.meshing.gate import Gate
    from cellml.meshing.labels import mesh_labels
    from cellml.meshing.mesher import MeshResult

__all__ = ["Certificate", "Gate", "MeshResult", "MeshingError", "ObjectCrop", "crop_object", "mesh_labels"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml.meshing' has no attribute {name!r}")
