"""Populations that took long to read, and what follows from them, kept in the cache folder: 292 spines take minutes to repair and to lay
on spheres, and no time to load.

A file is named by all that it follows from: the files of its source, the arguments, and `RULES`. Whatever is wrong with it or
with the folder costs the time that it would have saved, and a warning; it is no error.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.shapes.population import Population
from cellml.types import Surface

_log = logging.getLogger(__name__)

Arrays = dict[str, NDArray[Any]]
T = TypeVar("T")

RULES = 2  # raise it when shapes are read, repaired, closed or put into a frame differently, so that older files are not taken
SLOW_S = 2.0  # reading that takes less is not kept
MOST_FILES = 24
_TEXTS = ("names", "groups", "classes", "excluded", "repaired")


def kept_population(key: str | None, make: Callable[[], Population]) -> Population:
    """The population under this key from the cache, or `make()`, which is kept where it took longer than two seconds.

    key: of `population_key`; None where the source cannot be told, and nothing is kept. The folder is `$CELLML_CACHE`, or the user's cache
    folder (`cellml.data.sources.cache_folder`). A broken file is ignored with a warning and written anew; a folder that cannot be
    written is told of in a warning. Raises what `make` raises.
    """
    return make() if key is None else kept("populations", key, make, _packed, _unpacked)


def kept(
    kind: str,
    key: str,
    make: Callable[[], T],
    pack: Callable[[T], Arrays],
    unpack: Callable[[Arrays], T],
    *,
    slow_s: float | None = None,
    most: int | None = None,
) -> T:
    """What took long to make, from the cache, as `kept_population` says.

    kind: folder within the cache; pack, unpack: to named arrays and back; slow_s: what takes less is not kept (two seconds where None);
    most: files in that folder (24 where None), of which the ones that were written first go.
    """
    from cellml.data.sources import cache_folder

    path = cache_folder() / kind / f"{key}.npz"
    found = _read(path, unpack)
    if found is not None:
        _log.debug("%s were taken from %s, where an earlier run left them.", kind, path)
        return found
    started = time.perf_counter()
    made = make()
    if time.perf_counter() - started > (SLOW_S if slow_s is None else slow_s):
        _write(path, pack(made), MOST_FILES if most is None else most)
    return made


def population_key(source: str, files: Iterable[Path], arguments: Mapping[str, Any]) -> str | None:
    """A name for what is read of these files with these arguments: SHA-256, 32 hexadecimal digits; None where a file cannot be read.

    source: as the user names it; files: files, of which the content counts, and folders, in which path, size and time of the last change of
    every file count; arguments: whatever else changes what is read.
    """
    try:
        stamps = [_stamp(path) for path in files]
    except OSError:
        return None
    told = json.dumps([RULES, source, sorted(arguments.items()), stamps], default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:32] if stamps else None


def _stamp(path: Path) -> list[Any]:
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.is_file())
        return [[p.relative_to(path).as_posix(), p.stat().st_size, p.stat().st_mtime_ns] for p in inside]
    with path.open("rb") as file:
        return [path.name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]


def _read(path: Path, unpack: Callable[[Arrays], T]) -> T | None:
    """What a file of the cache holds; None where there is none, or none that can be used."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return unpack(dict(arrays))
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, BadZipFile, CellmlError) as error:
        _log.warning("%s cannot be used (%s: %s); it is made anew.", path, type(error).__name__, error)
        return None


def _unpacked(arrays: Arrays) -> Population:
    texts = json.loads(arrays["texts"].tobytes().decode())
    vertices = np.split(arrays["vertices"], np.cumsum(arrays["vertex_counts"])[:-1])
    faces = np.split(arrays["faces"], np.cumsum(arrays["face_counts"])[:-1])
    names, groups, classes = (tuple(texts[key]) for key in _TEXTS[:3])
    excluded, repaired = (tuple((name, said) for name, said in texts[key]) for key in _TEXTS[3:])
    surfaces = tuple(Surface(v, f, name=name) for name, v, f in zip(names, vertices, faces, strict=True))
    return Population(names, surfaces, groups, classes, excluded, repaired)


def _packed(population: Population) -> Arrays:
    texts = json.dumps({key: getattr(population, key) for key in _TEXTS})
    return {
        "texts": np.frombuffer(texts.encode(), np.uint8),
        "vertices": np.concatenate([s.vertices for s in population.surfaces]),
        "faces": np.concatenate([s.faces for s in population.surfaces]),
        "vertex_counts": np.array([len(s.vertices) for s in population.surfaces]),
        "face_counts": np.array([len(s.faces) for s in population.surfaces]),
    }


def _write(path: Path, arrays: Arrays, most: int) -> None:
    """Keep arrays for the next time, and drop the oldest where the cache holds many."""
    from cellml.io.atomic import atomic_path

    try:
        with atomic_path(path, needed=sum(a.nbytes for a in arrays.values())) as aside:
            np.savez(aside, allow_pickle=False, **arrays)  # type: ignore[arg-type]  # its stubs take every keyword for an array
    except (FileError, OSError) as error:
        _log.warning("What was made is not kept for the next time, which will take as long: %s", error)
        return
    with suppress(OSError):  # of another process that tidies too
        for old in sorted(path.parent.glob("*.npz"), key=lambda p: p.stat().st_mtime_ns)[:-most]:
            old.unlink()
