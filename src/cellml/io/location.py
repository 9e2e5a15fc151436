"""Where data stands: a path, and the name of an array inside it."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cellml.errors import FileError

_CONTAINER = re.compile(r"\.(npz|h5|hdf5|hdf|zarr):", re.IGNORECASE)


@dataclass(frozen=True)
class Location:
    """A file or folder, and the name of the array in it (None for the file's usual one)."""

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"


def locate(spec: str | os.PathLike[str]) -> Location:
    r"""Split FILE:NAME, such as `cells.npz:neurons` or `cells.h5:/volumes/raw`.

    A colon parts the two only after .npz, .h5, .hdf5, .hdf or .zarr, and only where no file or folder has the whole text as its name;
    so `C:\data\x.tif` and `run 10:30/x.npz` stay whole. Raises FileError where the name after the colon is empty.
    """
    text = os.fspath(spec)
    whole = Path(text).expanduser()
    if whole.exists():
        return Location(whole)
    for match in reversed(list(_CONTAINER.finditer(text))):
        head, member = text[: match.end() - 1], text[match.end() :]
        if "/" in member and Path(text).parent.is_dir():
            continue  # the colon belongs to a folder's name
        if not member.strip("/"):
            raise FileError(f"{text!r} ends in a colon: name the array after it, as in {head}:raw, or leave the colon out.")
        return Location(Path(head).expanduser(), member)
    return Location(whole)


def require(location: Location, *, folder: bool = False) -> None:
    """Raise FileError, with names that look alike, if there is no such file, or if it is none, empty or unreadable.

    folder: whether a folder will do. Pipes, devices and sockets are none: a reader would wait for them, perhaps for ever.
    """
    path = location.path
    if not path.exists():
        raise FileError(f"There is no file {path}.{_alike(path)}")
    if path.is_dir() and not folder:
        raise FileError(f"{path} is a folder, and a file is needed; name one in it.")
    if not (path.is_file() or path.is_dir()):
        raise FileError(f"{path} is not a regular file but a pipe, a device or a socket; save what it gives to a file, and name that.")
    if path.is_file() and path.stat().st_size == 0:
        raise FileError(f"{path} is empty (0 bytes); it was probably cut off while it was copied or written. Fetch or make it again.")
    if not os.access(path, os.R_OK):
        raise FileError(f"{path} may not be read; change its permissions.")


def _alike(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" Its folder {folder} does not exist either (the current folder is {Path.cwd()})."
    names = sorted(entry.name for entry in folder.iterdir())
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.6)
    if close:
        return f" Did you mean {' or '.join(str(folder / name) for name in close)}?"
    return f" The folder {folder} holds {len(names)} other entries." if names else f" The folder {folder} is empty."


def pick(location: Location, known: list[str], usual: str) -> str:
    """The named array, else the usual one, else the only one. Raises FileError, listing what is there."""
    listing = ", ".join(known) if known else "no arrays"
    if location.member is not None:
        wanted = location.member.strip("/")
        if wanted not in known:
            raise FileError(f"{location.path} has no array {wanted!r}; it has: {listing}.")
        return wanted
    if usual in known:
        return usual
    if len(known) == 1:
        return known[0]
    raise FileError(
        f"{location.path} has no array {usual!r}; it has: {listing}. Name one, as in {location.path.name}:{(known or ['NAME'])[0]}."
    )
