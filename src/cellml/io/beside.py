"""Files that another file names: they are read where they stand beside it."""

from __future__ import annotations

from pathlib import Path


def stands_beside(place: Path, path: Path) -> bool:
    """Whether `place`, which the file `path` names, is that file itself or stands in its folder, or below it.

    Links are followed, for a name inside a file from elsewhere can point at anything on the disk; the folder is that of `path` or of what
    `path` links to, so that data sets of several files can be linked to.
    """
    if place.absolute() == path.absolute():
        return True
    return any(place.resolve().is_relative_to(folder) for folder in (path.parent.resolve(), path.resolve().parent))
