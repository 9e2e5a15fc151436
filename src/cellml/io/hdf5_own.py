"""Data sets of HDF5 files from elsewhere: their numbers stand beside the file, and fit into memory before they are read whole."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.beside import stands_beside
from cellml.memory import require_memory

_NUMBERED = re.compile(r"%\d*b")  # a virtual data set's block number, in the name of a file for each


def require_own(dataset: Any, path: Path) -> None:
    """Raise FileError where the numbers of an h5py.Dataset would come from outside of the folder of `path`.

    A name there can point at anything on the disk: that of a raw file, of the file of a virtual data set, whose own numbers may come from
    elsewhere again, or of the file that a link led to.
    """
    for place in _places(dataset, path, set()):
        if not stands_beside(place, path):
            raise FileError(
                f"{path}:{dataset.name} takes its numbers from {place}, outside of its own folder, which is not followed. Copy them in "
                "(h5repack), or put the files side by side."
            )


def sound_dataset(file: Any, name: str, path: Path) -> Any:
    """The h5py.Dataset `name` of an open h5py.File, to be read whole.

    Raises FileError where it is none or `require_own` refuses it, and CellmlError where it is larger than the free memory: a few bytes of
    metadata can promise any size.
    """
    import h5py

    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise FileError(f"{path} is damaged: {name} is no array.")
    require_own(dataset, path)
    held = max(math.prod(dataset.shape or (0,)), math.prod(dataset.chunks or (0,))) * dataset.dtype.itemsize
    require_memory(held, f"{name} of {path}", "Read it on a machine with more memory, or have it stored anew.")
    return dataset


def whole_array(file: Any, name: str, path: Path) -> NDArray[Any]:
    """All numbers of a data set; arguments and errors as in `sound_dataset`."""
    return np.asarray(sound_dataset(file, name, path)[()])


def _places(dataset: Any, path: Path, seen: set[tuple[str, str]]) -> Iterator[Path]:
    """Every file that numbers of a data set come from. path: the file that the user named."""
    import h5py

    here = Path(os.fsdecode(dataset.file.filename)).absolute()
    if (str(here), dataset.name) in seen:
        return
    seen.add((str(here), dataset.name))
    yield here
    yield from (Path(os.fsdecode(name)).absolute() for name, _, _ in dataset.external or ())  # HDF5 reckons from the current folder
    for source in dataset.virtual_sources() if dataset.is_virtual else ():
        for other in [here] if source.file_name == "." else _matching(here.parent, source.file_name):
            yield other
            if other == here:
                yield from _places_of(dataset.file, source.dset_name, path, seen)
            elif other.is_file() and stands_beside(other, path):
                with h5py.File(other, "r") as file:
                    yield from _places_of(file, source.dset_name, path, seen)


def _places_of(file: Any, name: str, path: Path, seen: set[tuple[str, str]]) -> Iterator[Path]:
    import h5py

    found = file.get(name)
    if isinstance(found, h5py.Dataset):
        yield from _places(found, path, seen)


def _matching(folder: Path, name: str) -> list[Path]:
    """The files that a virtual data set means by a name: in its own folder, else in the current one; at least one, there or not."""
    for base in (folder, Path.cwd()):
        pattern = _NUMBERED.search(name) and not Path(name).is_absolute()
        found = list(base.glob(_NUMBERED.sub("*", name))) if pattern else [base / name]
        if there := [place for place in found if place.is_file()]:
            return there
    return [folder / name]
