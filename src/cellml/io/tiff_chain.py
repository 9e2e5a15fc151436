"""The chain of pages of a TIFF file, followed before a reader loses itself in one that bites its own tail."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from cellml.errors import FileError

# Number of the version → how its counts of tags and its offsets are stored, and bytes of a tag (TIFF 6.0, section 2; BigTIFF).
_LAYOUTS = {42: ("H", "I", 12), 43: ("Q", "Q", 20)}


def require_chain(path: Path) -> None:
    """Raise FileError where a page of a TIFF file is followed by one that came before it; other defects are for the reader of the pages."""
    with path.open("rb") as stream:
        start = stream.read(16)
        order = {b"II": "<", b"MM": ">"}.get(start[:2])
        layout = _LAYOUTS.get(struct.unpack(f"{order}H", start[2:4])[0]) if order and len(start) == 16 else None
        if layout is None:
            return
        tags, offset, tag_size = struct.Struct(f"{order}{layout[0]}"), struct.Struct(f"{order}{layout[1]}"), layout[2]
        page, seen = offset.unpack_from(start, offset.size)[0], set[int]()
        while page:
            if page in seen:
                raise FileError(
                    f"{path} is damaged: its page {len(seen)} is followed by one that came before (at byte {page}), without end. "
                    "Fetch or make it again."
                )
            seen.add(page)
            count = _number(stream, page, tags)
            page = 0 if count is None else _number(stream, page + tags.size + count * tag_size, offset) or 0


def _number(stream: BinaryIO, place: int, kind: struct.Struct) -> int | None:
    """The number at a place of a file, None beyond its end."""
    try:
        stream.seek(place)
    except (OSError, OverflowError, ValueError):
        return None
    data = stream.read(kind.size)
    return int(kind.unpack(data)[0]) if len(data) == kind.size else None
