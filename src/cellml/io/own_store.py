"""A Zarr folder that is read as it stands: no link in it leads out of it, and every part of it is a regular file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zarr.storage import LocalStore

from cellml.errors import FileError


class OwnStore(LocalStore):
    """As `zarr.storage.LocalStore`, read-only; every file that is asked for raises FileError where `require_inside` does.

    A link to the store itself is followed, for whoever opens the store made it or named it; a link inside came with the store.
    """

    def __init__(self, root: Path | str, *, read_only: bool = True) -> None:
        super().__init__(root, read_only=read_only)
        self._real = self.root.resolve()

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        """As in zarr, and FileError."""
        self._require(key)
        return await super().get(key, prototype, byte_range)

    def get_sync(self, key: str, *, prototype: Any = None, byte_range: Any = None) -> Any:
        """As in zarr, and FileError."""
        self._require(key)
        return super().get_sync(key, prototype=prototype, byte_range=byte_range)

    async def get_partial_values(self, prototype: Any, key_ranges: Iterable[tuple[str, Any]]) -> list[Any]:
        """As in zarr, and FileError."""
        ranges = list(key_ranges)
        for key, _ in ranges:
            self._require(key)
        return await super().get_partial_values(prototype, ranges)

    async def getsize(self, key: str) -> int:
        """As in zarr, and FileError."""
        self._require(key)
        return await super().getsize(key)

    def _require(self, key: str) -> None:
        require_inside(self.root, key, self._real)


def require_inside(store: Path, key: str, real: Path) -> None:
    """Raise FileError where a file of a store stands outside of it once links are followed, or is a pipe, a device or a socket.

    key: its name in the store; real: the path of the store with all links followed.
    """
    place = (real / key).resolve()
    if not place.is_relative_to(real):
        raise FileError(
            f"{key} of {store} leads to {place}, outside of the store, which is not followed. If the numbers there are yours, copy the "
            f"store with what its links lead to: cp -rL {store} NEW.zarr"
        )
    if place.exists() and not (place.is_file() or place.is_dir()):
        raise FileError(f"{key} of {store} is not a regular file (a pipe, a device or a socket); copy the store without it.")
