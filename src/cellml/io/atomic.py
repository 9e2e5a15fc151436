"""Files and folders that appear under their final name only when they are complete."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.io.stale import part_name, remove_stale_parts

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_BAD_PLACE = {errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTEMPTY}


@contextmanager
def atomic_path(final: str | os.PathLike[str], *, needed: int | None = None) -> Iterator[Path]:
    """Give a temporary sibling of `final` to write to, and rename it to `final` on normal exit.

    The sibling has the suffix of `final` and does not exist yet: make it a file or a folder. On exit it is flushed to the disk
    (fsync) and replaces `final`; an older folder there is removed. On any exception, KeyboardInterrupt included, it is removed and
    `final` stays as it was. What killed processes left unfinished beside it goes (`cellml.io.stale`). needed: bytes expected, named in the
    message when the disk is full. Missing parent folders are made.
    Raises FileError if the disk is full or the place cannot be written.
    """
    target = Path(final)
    if target.is_symlink():
        target = target.resolve()  # replace what the link points at, not the link
    aside = target.with_name(part_name("".join(target.suffixes[-2:])[-40:]))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_stale_parts(target.parent)
        yield aside
        _flush(aside)
        replace(aside, target)
    except BaseException as error:
        _remove(aside)
        reason = _refusal(error, aside, target)
        if reason is None:
            raise
        raise file_error(reason, target, needed=needed) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 text atomically. Raises FileError if the disk is full or the place cannot be written."""
    with atomic_path(path, needed=len(text)) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write plain containers as indented JSON atomically; NaN and infinity are refused (ValueError), for they are no JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def file_error(error: OSError, path: Path, *, needed: int | None = None) -> FileError:
    """The FileError that explains why writing `path` failed: full disk, no permission or no such place."""
    if error.errno in _FULL:
        return FileError(_full_disk(error, path, needed))
    if error.errno in _FORBIDDEN:
        return FileError(f"May not write {path}: {error.strerror}. Choose another place, or change the permissions of {path.parent}.")
    if error.errno in _BAD_PLACE:
        return FileError(
            f"Cannot write {path}: {error.strerror}. Check the folder {path.parent}, and that no folder or file stands in the way."
        )
    return FileError(f"Cannot write {path}: {error}.")


def full_disk(error: BaseException) -> OSError | None:
    """The full disk, quota or file-size limit behind an exception, as the operating system told it; None where it is something else."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return seen
        if "No space left on device" in str(seen):  # some libraries, and processes of their own, hide the number in their text
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        seen = seen.__cause__ or seen.__context__
    return None


def _full_disk(error: OSError, path: Path, needed: int | None) -> str:
    try:
        free = f"{gigabytes(shutil.disk_usage(path.parent).free)} are free in {path.parent}"
    except OSError:
        free = "the free space is not known"
    need = f"about {gigabytes(needed)} are needed, " if needed is not None else ""
    limit = "a file-size limit (ulimit -f) or " if error.errno == errno.EFBIG else ""
    return f"Cannot write {path}: {limit}no space is left: {need}{free}. Nothing was left there; free some space or choose another disk."


def gigabytes(size: int) -> str:
    """A number of bytes for people: '12.3 MB'."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _refusal(error: BaseException, aside: Path, target: Path) -> OSError | None:
    """The operating system's refusal to write behind an exception of a library, if there is one."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, FileError):
        if isinstance(seen, OSError) and (
            seen.errno in _FULL or (seen.errno in _FORBIDDEN | _BAD_PLACE and _concerns(seen, aside, target))
        ):
            return seen
        if "No space left on device" in str(seen):  # HDF5 hides the number in its text
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        seen = seen.__cause__ or seen.__context__
    return None


def _concerns(error: OSError, aside: Path, target: Path) -> bool:
    """Whether an error is about the place written to, not about some other file that was read meanwhile."""
    if not isinstance(error.filename, str | os.PathLike):
        return True
    path = Path(error.filename)
    return path in (aside, target, *target.parents) or aside in path.parents


def _flush(aside: Path) -> None:
    if not aside.is_dir():
        _fsync(aside)
        return
    for folder, _, files in os.walk(aside):
        for name in files:
            _fsync(Path(folder) / name)
        _fsync(Path(folder))


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(aside: Path, target: Path) -> None:
    """Give a file or folder the name of another, which goes: of folders in one step where the system can."""
    if not (aside.is_dir() and target.is_dir()):
        aside.replace(target)
    elif _exchanged(aside, target):
        shutil.rmtree(aside, ignore_errors=True)  # the older folder, under a name that the next process removes if this one is killed
    else:
        # A folder cannot be renamed over another: the old one steps aside, and comes back if the rename fails.
        old = target.with_name(f".old-{secrets.token_hex(4)}")
        target.rename(old)
        try:
            aside.rename(target)
        except BaseException:
            old.rename(target)
            raise
        shutil.rmtree(old)
    _fsync(target.parent)


def _exchanged(aside: Path, target: Path) -> bool:
    """Whether two folders changed their names with each other, in one step: Linux's renameat2, where the file system knows it.

    Between two renames there would be a moment without any folder of that name, in which a process can be killed.
    """
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # an older C library, another system
        return False
    return int(rename(here, os.fsencode(aside.absolute()), here, os.fsencode(target.absolute()), exchange)) == 0


def _remove(aside: Path) -> None:
    """Remove what was written so far; a failure to do so must not hide the error that led here."""
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
        return
    with suppress(OSError):
        aside.unlink(missing_ok=True)
