"""Steps whose artefacts stand in a folder with a manifest: done once for the same inputs, and again where anything before them changed.

The key of a step is the SHA-256 of its settings and of the keys of the steps that it reads. The manifest is written when the step begins,
with its key, and again when it is done, with the SHA-256 of each artefact. So a step that was killed goes on with what it has finished,
artefacts that were changed or lost since are made again, and a folder of another key is emptied first.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError
from cellml.io.atomic import file_error, write_json

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
FORMAT = 1  # of artefacts: a change of it makes every step begin anew
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Done:
    """A finished step. folder: its artefacts; key: what they depend on; numbers: what the step says of itself; reused: whether nothing
    had to be done; seconds, cpu_s: of the work, when it was done, cpu_s with that of its processes.
    """

    name: str
    folder: Path
    key: str
    numbers: Mapping[str, Any]
    reused: bool
    seconds: float
    cpu_s: float


def run_step(
    folder: Path,
    settings: Mapping[str, Any],
    before: Sequence[str],
    make: Callable[[Path], Mapping[str, Any]],
    *,
    tell: Callable[[str], Any],
) -> Done:
    """Do a step, unless its folder holds what the same step left.

    settings: plain values that its artefacts depend on; before: keys of the steps and files that it reads; make(folder) → numbers: writes
    the artefacts, each of them atomically, and leaves alone those that are there already, for they are of the same key; tell: one line on
    each step. Raises CellmlError where the folder is no step's.
    """
    key = key_of({"format": FORMAT, "step": folder.name, "settings": settings, "before": list(before)})
    found = read_manifest(folder)
    changed = "" if found is None or found.get("state") != "done" else _difference(folder, found)
    if found is not None and found["key"] == key and found["state"] == "done" and not changed:
        tell(f"{folder.name}: as it was ({found['seconds']:.1f} s when it was made)")
        return Done(folder.name, folder, key, found["numbers"], True, found["seconds"], float(found.get("cpu_s", 0.0)))
    before_s, before_cpu = _prepare(folder, found, key, changed, tell)
    write_json(folder / MANIFEST, {"step": folder.name, "state": "begun", "key": key, "settings": dict(settings), "seconds": before_s})
    begin, begin_cpu = time.perf_counter(), _cpu_s()
    numbers = dict(make(folder))
    seconds, cpu_s = before_s + time.perf_counter() - begin, before_cpu + _cpu_s() - begin_cpu
    artefacts = {str(path.relative_to(folder)): file_hash(path) for path in _files(folder)}
    done = {"step": folder.name, "state": "done", "key": key, "settings": dict(settings), "seconds": round(seconds, 3)}
    done["cpu_s"] = round(cpu_s, 3)
    write_json(folder / MANIFEST, {**done, "numbers": numbers, "artefacts": artefacts})
    tell(f"{folder.name}: done in {seconds:.1f} s")
    return Done(folder.name, folder, key, numbers, False, seconds, cpu_s)


def key_of(value: Any) -> str:
    """SHA-256 of plain containers, in an order that does not depend on that of their keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=list).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder with their names, also of hidden ones (Zarr keeps its attributes in such).

    Raises CellmlError where there is none.
    """
    digest = hashlib.sha256()
    if path.is_dir():
        for one in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(f"{one.relative_to(path)}\n{file_hash(one)}\n".encode())
        return digest.hexdigest()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise CellmlError(f"{path} cannot be read ({error.strerror}).") from error
    return digest.hexdigest()


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What a step's folder says of itself, None where it is new. Raises CellmlError where it is no step's folder."""
    path = folder / MANIFEST
    if not path.is_file():
        if folder.exists() and (not folder.is_dir() or any(p.name[:1] != "." for p in folder.iterdir())):
            raise CellmlError(f"{folder} exists and is no step of a pipeline (it has no {MANIFEST}); choose another output folder.")
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["state"] == "done":
            found |= {"numbers": dict(found["numbers"]), "artefacts": dict(found["artefacts"])}
        return {**found, "key": str(found["key"]), "state": str(found["state"]), "seconds": float(found["seconds"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CellmlError(f"{path} is damaged ({error}); remove the folder {folder}, and the step is done again.") from error


def _prepare(folder: Path, found: dict[str, Any] | None, key: str, changed: str, tell: Callable[[str], Any]) -> tuple[float, float]:
    """Empty the folder unless it can be gone on with; returns the seconds, by the clock and of processors, that were told of what is
    kept. Raises FileError where the folder cannot be written.
    """
    if found is not None and found["key"] == key and found["state"] != "done":
        tell(f"{folder.name}: going on where it was stopped")
        return found["seconds"], float(found.get("cpu_s", 0.0))
    if found is not None and changed and found["key"] == key:
        tell(f"{folder.name}: done again, because {changed}")
    try:
        if folder.exists():
            aside = folder.with_name(f".old-{folder.name}")
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)
            shutil.rmtree(aside)
        folder.mkdir(parents=True)
    except OSError as error:
        raise file_error(error, folder) from error
    return 0.0, 0.0


def _cpu_s() -> float:
    """Processor seconds of this process and of those that it has started and that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _difference(folder: Path, found: Mapping[str, Any]) -> str:
    """In what the artefacts are not those of the manifest, in words; empty where they are."""
    for name, digest in found.get("artefacts", {}).items():
        path = folder / name
        if not path.is_file():
            return f"{name} is gone"
        if file_hash(path) != digest:
            return f"{name} was changed"
    return ""


def _files(folder: Path) -> Iterator[Path]:
    """Artefacts below a folder in the order of their names; hidden files are not, and the manifest is not one of them."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and str(relative) != MANIFEST and not any(part.startswith(".") for part in relative.parts):
            yield path
