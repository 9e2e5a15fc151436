"""The spine meshes of SpineTool with their expert classes, read from $CELLML_DATA/spinetool_spines.zip."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

from cellml.data.labelled_mesh import LabelledMesh
from cellml.errors import CellmlError, FileError
from cellml.memory import require_memory
from cellml.types import Surface

_ARCHIVE = "spinetool_spines.zip"
_CLASSES = "manual_classification_merged.json"


def spine_archive() -> Path:
    """Where the archive is. Raises FileError where $CELLML_DATA does not hold it."""
    return data_file(_ARCHIVE)


def data_file(name: str) -> Path:
    """A file of $CELLML_DATA. Raises FileError where it is not there."""
    path = Path(os.environ.get("CELLML_DATA", ""), name)
    if not path.is_file():
        raise FileError(f"There is no {path}; set CELLML_DATA to the folder that holds {name} (data/README.md says where it is from).")
    return path


def all_spines(path: Path | None = None) -> list[tuple[str, Surface, str, str]]:
    """Every spine of the archive, of whatever class: (name, surface as stored, in nm, image stack, class or ""), sorted by name.

    Raises FileError for a missing or damaged archive.
    """
    from cellml.io import read_surface

    path = path or spine_archive()
    try:
        with ZipFile(path) as archive, TemporaryDirectory() as folder:
            _require_room(archive, path)
            groups = json.loads(archive.read(_CLASSES))["groups"]
            kinds = {name.replace("\\", "/"): kind for kind, members in groups.items() for name in members}
            found = []
            for name in sorted(n for n in archive.namelist() if n.endswith(".off")):
                surface = read_surface(archive.extract(name, folder), unit="µm")
                found.append((name.split("/", 1)[-1], surface, stack_of(name.split("/")[-2]), kinds.get(name, "")))
    except (BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise FileError(f"{path} is not the archive of spine meshes that was expected ({type(error).__name__}: {error}).") from error
    return found


def _require_room(archive: ZipFile, path: Path) -> None:
    """Raise CellmlError where a part of the archive is larger than the free memory: all are read whole."""
    largest = max((one.file_size for one in archive.infolist()), default=0)
    require_memory(largest, f"A part of {path}", "It is not the archive of spine meshes; fetch it again (data/README.md).")


def stack_of(folder: str) -> str:
    """The image stack of a dendrite's folder: "5-1" and "5-2" are parts of stack 5, and "3_full_res (…)" are parts of one image."""
    return re.sub(r"(-\d+| \(.*\))$", "", folder)


def read_spines(classes: Sequence[str] = ("Mushroom", "Thin", "Stubby"), path: Path | None = None) -> list[LabelledMesh]:
    """The spines that the experts agreed to put into one of `classes`, whose order numbers the labels; lengths nm; sorted by name.

    path: the archive, $CELLML_DATA's where None. Raises FileError for a missing or damaged archive, CellmlError for an unknown class.
    """
    from cellml.io import read_surface

    path = path or spine_archive()
    try:
        with ZipFile(path) as archive, TemporaryDirectory() as folder:
            _require_room(archive, path)
            groups = json.loads(archive.read(_CLASSES))["groups"]
            unknown = sorted(set(classes) - set(groups))
            if unknown:
                raise CellmlError(f"The experts have no class {', '.join(unknown)}; they have {', '.join(sorted(groups))}.")
            found = []
            for name, label in sorted((name.replace("\\", "/"), n) for n, kind in enumerate(classes) for name in groups[kind]):
                surface = read_surface(archive.extract(name, folder), unit="µm")
                found.append(LabelledMesh(surface, label, stack_of(name.split("/")[-2]), name.split("/", 1)[-1]))
    except (BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise FileError(f"{path} is not the archive of spine meshes that was expected ({type(error).__name__}: {error}).") from error
    return found
