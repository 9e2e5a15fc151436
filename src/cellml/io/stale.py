"""What killed processes left of their unfinished files: named so that the next one to write there can tell, and remove it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

_PART = re.compile(r"\.part-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")
_swept: set[Path] = set()


def part_name(suffix: str) -> str:
    """A new hidden name for an unfinished file: where it is written, by which process, something random, and the suffix."""
    return f".part-{_place()}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"


def remove_stale_parts(folder: Path) -> None:
    """Remove unfinished files and folders in `folder` whose process has died, looking once a process.

    A process can be judged only from where its number means the same: other machines, other containers and times before the last start of
    the machine are left alone, and so is what a process of the same number may own. A failure to look or to remove is no error.
    """
    if os.name != "posix" or folder in _swept:
        return
    _swept.add(folder)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _PART.match(entry.name)
            if found and found[1] == _place() and not _alive(int(found[2])):
                _remove(Path(entry.path))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()


@cache
def _place() -> str:
    """Machine, its last start and the space of process numbers, as eight digits; without /proc the machine's name alone."""
    known = [socket.gethostname()]
    with suppress(OSError):
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    with suppress(OSError):
        known.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:8]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
