"""Where a named data set is: the user's folder, the cache, a download, or a phantom made by code, in this order.

Three environment variables steer the search. `CELLML_DATA`: a folder that holds data sets under their catalogue file names.
`CELLML_CACHE`: where downloads and phantoms are kept, instead of the user's cache folder. `CELLML_OFFLINE=1`: never download.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np

from cellml.data.catalogue import CATALOGUE, DataSet
from cellml.data.download import download, write_npz
from cellml.errors import CellmlError, FileError

Kind = Literal["folder", "cache", "download", "phantom"]

_PHANTOM_SEED = 0
_PHANTOM_VERSION = 1  # raise it when the phantom is drawn differently, so that an older one is not taken from the cache
_LOCK_TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class Located:
    """A data set that was found.

    path: an .npz file with the catalogue's arrays and `voxel_nm`; kind: where it came from; warning: what a reader of any result made
    with it must be told, None where there is nothing. Results made with kind "phantom" are not about real tissue: pass the warning on.
    """

    path: Path
    kind: Kind
    warning: str | None
    description: str
    licence: str


def locate(name: str = "fib25_train2", *, allow_phantom: bool = True, base_url: str | None = None) -> Located:
    """Find a data set of the catalogue, fetching or making it if need be.

    Order: `$CELLML_DATA`, the cache, a download (converted on arrival, its content checked), and, if `allow_phantom` and the data set
    allows one, a phantom of the same shape, which is said loudly on the terminal. base_url: a mirror for the download. Processes that
    want the same file wait for each other. Raises CellmlError for an unknown name, FileError where the folder does not exist, the file
    in it is broken, or nothing could be found, with the reasons.
    """
    if name not in CATALOGUE:
        raise CellmlError(f"There is no data set {name!r}; the catalogue has {', '.join(sorted(CATALOGUE))}.")
    entry = CATALOGUE[name]
    found = _in_folder(entry)
    if found is not None:
        return Located(found, "folder", None, entry.description, entry.licence)
    with _locked_cache(entry) as cache:
        path = cache / entry.file
        if _whole(path, entry.arrays):
            return Located(path, "cache", None, entry.description, entry.licence)
        try:
            _download(entry, path, base_url)
        except FileError as error:
            if not (allow_phantom and entry.phantom_shape):
                raise FileError(f"{error} {_how_to_get(entry)}") from error
            return _phantom(entry, cache, str(error))
        return Located(path, "download", None, entry.description, entry.licence)


def cache_folder() -> Path:
    """The folder for downloads and phantoms: `$CELLML_CACHE`, or the user's cache folder of the operating system."""
    chosen = os.environ.get("CELLML_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("cellml"))


def _in_folder(entry: DataSet) -> Path | None:
    chosen = os.environ.get("CELLML_DATA")
    if not chosen:
        return None
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise FileError(f"CELLML_DATA names {chosen!r}, which is not a folder; correct it, or unset it to use the cache or a download.")
    path = folder / entry.file
    if not path.exists():
        return None
    if not _whole(path, entry.arrays):
        raise FileError(
            f"{path} is broken or lacks one of the arrays {', '.join(entry.arrays)}; copy it again, or remove it to have it fetched."
        )
    return path


def _whole(path: Path, arrays: tuple[str, ...]) -> bool:
    """Whether the file is an .npz archive with these arrays; the checksums of their bytes are checked when they are read."""
    try:
        with np.load(path) as archive:
            return set(arrays) <= set(archive.files)
    except (OSError, ValueError, EOFError, BadZipFile, AttributeError):  # AttributeError: a bare .npy array is no archive
        return False


@contextmanager
def _locked_cache(entry: DataSet) -> Iterator[Path]:
    """The cache folder, locked for one data set as long as the block runs."""
    from filelock import FileLock

    folder = cache_folder()
    lock = FileLock(folder / f".{entry.file}.lock", timeout=_LOCK_TIMEOUT_S)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:  # a lock that is not freed in time is a TimeoutError, which is one
        raise FileError(f"The cache folder {folder} cannot be used ({error}); set CELLML_CACHE to a folder you may write.") from error
    try:
        yield folder
    finally:
        lock.release()


def _download(entry: DataSet, path: Path, base_url: str | None) -> None:
    if not entry.routes:
        raise FileError(f"{entry.name!r} is not in a data folder, and cellml has no download for it.")
    if os.environ.get("CELLML_OFFLINE", "0") not in ("", "0"):
        raise FileError(f"{entry.name!r} was not downloaded because CELLML_OFFLINE is set.")
    download(entry, path, base_url=base_url)


def _how_to_get(entry: DataSet) -> str:
    return f"It comes from {entry.origin}: put it as {entry.file} into a folder and set CELLML_DATA to that folder (see data/README.md)."


def _phantom(entry: DataSet, cache: Path, reason: str) -> Located:
    from cellml.data.phantom import em_phantom

    assert entry.phantom_shape is not None
    shape = "x".join(map(str, entry.phantom_shape))
    path = cache / f"phantom{_PHANTOM_VERSION}_{shape}_seed{_PHANTOM_SEED}.npz"
    warning = (
        f"PHANTOM, NOT REAL DATA: a block drawn by code stands in for {entry.name!r}; no number made with it is about real tissue. {reason}"
    )
    _say_loudly(warning + " " + _how_to_get(entry))
    if not _whole(path, ("raw", "neurons")):
        raw, neurons = em_phantom(entry.phantom_shape, seed=_PHANTOM_SEED)
        write_npz(path, {"raw": raw.data, "neurons": neurons.data, "voxel_nm": np.array(raw.spacing), "phantom": np.array(True)})
    description = f"phantom of neuropil made by code, {shape.replace('x', ' × ')} voxels of 10 nm"
    return Located(path, "phantom", warning, description, "made by code; free")


@cache
def _say_loudly(message: str) -> None:
    """Once a process is loud enough: image and labels are looked for one after the other."""
    from rich.console import Console
    from rich.panel import Panel

    Console(stderr=True).print(Panel(message, title="no real data", border_style="bold red", style="bold yellow"))
