"""Populations that took long to read, kept in the cache folder: repairs and closings of 292 spines take minutes, reading them takes none.

A file is named by all that the population follows from: the files of its source, the arguments, and `RULES`. Whatever is wrong with it or
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
from typing import Any
from zipfile import BadZipFile

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.shapes.population import Population
from cellml.types import Surface

_log = logging.getLogger(__name__)

RULES = 2  # raise it when shapes are read, repaired, closed or put into a frame differently, so that older files are not taken
SLOW_S = 2.0  # reading that takes less is not kept
_MOST_FILES = 24  # of the cache; the ones that were written first go
_TEXTS = ("names", "groups", "classes", "excluded", "repaired")


def kept_population(key: str | None, make: Callable[[], Population]) -> Population:
    """The population under this key from the cache, or `make()`, which is kept where it took longer than two seconds.

    key: of `population_key`; None where the source cannot be told, and nothing is kept. The folder is `$CELLML_CACHE`, or the user's cache
    folder (`cellml.data.sources.cache_folder`). A broken file is ignored with a warning and written anew; a folder that cannot be
    written is told of in a warning. Raises what `make` raises.
    """
    from cellml.data.sources import cache_folder

    if key is None:
        return make()
    path = cache_folder() / "populations" / f"{key}.npz"
    found = _read(path)
    if found is not None:
        _log.info("%d shapes were taken from %s, where an earlier reading left them.", len(found), path)
        return found
    started = time.perf_counter()
    population = make()
    if time.perf_counter() - started > SLOW_S:
        _write(path, population)
    return population


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


def _read(path: Path) -> Population | None:
    """The population in a file of the cache; None where there is none, or none that can be used."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            texts = json.loads(arrays["texts"].tobytes().decode())
            vertices = np.split(arrays["vertices"], np.cumsum(arrays["vertex_counts"])[:-1])
            faces = np.split(arrays["faces"], np.cumsum(arrays["face_counts"])[:-1])
        names, groups, classes = (tuple(texts[key]) for key in _TEXTS[:3])
        excluded, repaired = (tuple((name, said) for name, said in texts[key]) for key in _TEXTS[3:])
        surfaces = tuple(Surface(v, f, name=name) for name, v, f in zip(names, vertices, faces, strict=True))
        return Population(names, surfaces, groups, classes, excluded, repaired)
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, BadZipFile, CellmlError) as error:
        _log.warning("%s cannot be used (%s: %s); the shapes are read anew.", path, type(error).__name__, error)
        return None


def _write(path: Path, population: Population) -> None:
    """Keep a population for the next time, and drop the oldest where the cache holds many."""
    from cellml.io.atomic import atomic_path

    texts = json.dumps({key: getattr(population, key) for key in _TEXTS})
    arrays = {
        "texts": np.frombuffer(texts.encode(), np.uint8),
        "vertices": np.concatenate([s.vertices for s in population.surfaces]),
        "faces": np.concatenate([s.faces for s in population.surfaces]),
        "vertex_counts": np.array([len(s.vertices) for s in population.surfaces]),
        "face_counts": np.array([len(s.faces) for s in population.surfaces]),
    }
    try:
        with atomic_path(path, needed=sum(a.nbytes for a in arrays.values())) as aside:
            np.savez(aside, allow_pickle=False, **arrays)  # type: ignore[arg-type]  # its stubs take every keyword for an array
    except (FileError, OSError) as error:
        _log.warning("The shapes are not kept for the next time, which will take as long: %s", error)
        return
    with suppress(OSError):  # of another process that tidies too
        for old in sorted(path.parent.glob("*.npz"), key=lambda p: p.stat().st_mtime_ns)[:-_MOST_FILES]:
            old.unlink()
