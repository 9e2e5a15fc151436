"""Decompression that ends where memory would."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Protocol

from cellml import memory
from cellml.errors import CellmlError

_SHARE = 4  # what reads the parts joins, converts and copies them


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Allowance:
    """Bytes that the parts of one file may have together when they are unpacked: a quarter of the memory that is free."""

    def __init__(self, path: Path) -> None:
        self._path, self._limit = path, int(memory.free_memory_gb() * 1e9 / _SHARE)
        self._left = self._limit

    def zlib(self, data: bytes) -> bytes:
        """As zlib.decompress. Raises CellmlError where more comes out than is left of the allowance."""
        return self._unpacked(zlib.decompressobj(), data, zlib.error)

    def lzma(self, data: bytes) -> bytes:
        """As lzma.decompress, likewise."""
        return self._unpacked(lzma.LZMADecompressor(), data, lzma.LZMAError)

    def _unpacked(self, unpacker: _Decompressor, data: bytes, damaged: type[Exception]) -> bytes:
        found = unpacker.decompress(bytes(data), self._left + 1)
        self._left -= len(found)
        if self._left < 0:
            raise CellmlError(
                f"{self._path} has {self._path.stat().st_size / 1e6:.1f} MB, and unpacks to more than {self._limit / 1e9:.2f} GB, a "
                "quarter of the memory that is free. Read it on a machine with more memory."
            )
        if not unpacker.eof:
            raise damaged("the compressed data end too early")
        return found


@contextmanager
def bounded(module: ModuleType, path: Path) -> Iterator[None]:
    """Let a library's module that calls zlib.decompress and lzma.decompress unpack no more than `Allowance` permits for the file `path`."""
    allowance = Allowance(path)
    before = {name: getattr(module, name) for name in ("zlib", "lzma") if hasattr(module, name)}
    for name in before:
        setattr(module, name, SimpleNamespace(decompress=getattr(allowance, name)))
    try:
        yield
    finally:
        for name, one in before.items():
            setattr(module, name, one)
