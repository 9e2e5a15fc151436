"""cellml: from electron-microscopy volumes to simulated physical answers.

The public names are loaded when first used (PEP 562), so that `import cellml` costs milliseconds although torch, MONAI and Lightning stand
behind it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "CellmlError": "cellml.errors",
    "load": "cellml.checkpoint",
    "Volume": "cellml.types",
    "TiltSeries": "cellml.types",
    "Labels": "cellml.types",
    "Surface": "cellml.types",
    "TetMesh": "cellml.types",
}

if TYPE_CHECKING:
    from cellml.checkpoint import load
    from cellml.errors import CellmlError
    from cellml.types import Labels, Surface, TetMesh, TiltSeries, Volume

__all__ = ["CellmlError", "Labels", "Surface", "TetMesh", "TiltSeries", "Volume", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
