"""A file for libraries that cannot bear a failing disk."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any


class PatientFile(io.RawIOBase):
    """A file object that swallows write errors, keeps the first, and reads zeros where nothing could be written.

    HDF5 that meets a full disk while it flushes leaves freed memory behind, and the interpreter ends in a segmentation fault when the
    dataset is collected (h5py 3.16, HDF5 1.14). So HDF5 is told that all is well, closes in good order, and `check` raises the error.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the first OSError that a write met."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def readable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any) -> int:
        """Write everything, or nothing once a write has failed."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view) and self._error is None:
            try:
                done += self._file.write(view[done:])
            except OSError as error:
                self._error = error
        if done < len(view):
            self._file.seek(len(view) - done, 1)
        return len(view)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, with zeros past the end."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view):
            count = self._file.readinto(view[done:])
            if not count:
                view[done:] = bytes(len(view) - done)
                break
            done += count
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend, to the position where no size is given."""
        wanted = self._file.tell() if size is None else size
        try:
            return self._file.truncate(wanted)
        except OSError as error:
            self._error = self._error or error
            return wanted

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position, as in io.IOBase."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._file.tell()
