"""XML without definitions of its own: no entities, which can multiply without end or stand for another file, and UTF-8."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from cellml.errors import FileError

_CHUNK = 4096
_REST = 1 << 20  # bytes of what cannot be parsed that are searched
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00", b"\x00\x00")  # how UTF-16 and UTF-32 begin
_REMEDY = "No plain file of its kind has that; ask where it comes from, or remove the definitions and what uses them."


class _HeadEndError(Exception):
    """What ends the look at the head: the text says what was found, "" for the first element."""


def require_plain_xml(path: Path, text: str | None = None, *, doctype: bool = False) -> None:
    """Raise FileError where an XML document has a DOCTYPE or declares entities before its first element, or is UTF-16.

    path: its file; text: the document, where it is a part of that file; doctype: whether a DOCTYPE without entities will do, as the
    writers of XDMF set one. Only what is before the first element is parsed; what is no XML at all is left to the reader.
    """
    if text is not None:
        found = _definition(io.BytesIO(text.encode("utf-8", "surrogateescape")), doctype)
    else:
        with path.open("rb") as stream:
            if stream.read(4).startswith(_WIDE):
                raise FileError(
                    f"{path} is XML in UTF-16 or UTF-32; save it as UTF-8, as in: iconv -f UTF-16 -t UTF-8 {path.name} > NEW{path.suffix}, "
                    'and write encoding="UTF-8" in its first line.'
                )
            stream.seek(0)
            found = _definition(stream, doctype)
    if found:
        raise FileError(f"{path} {found}, which is not followed. {_REMEDY}")


def _definition(stream: BinaryIO, doctype: bool) -> str:
    """What a document defines before its first element, "" for nothing."""
    parser = expat.ParserCreate()

    def of_doctype(name: str, *_: object) -> None:
        if not doctype:
            raise _HeadEndError(f"has a DOCTYPE ({name})")

    def of_entity(name: str, *_: object) -> None:
        raise _HeadEndError(f"declares an XML entity ({name})")

    def of_element(*_: object) -> None:
        raise _HeadEndError("")

    parser.StartDoctypeDeclHandler, parser.EntityDeclHandler, parser.StartElementHandler = of_doctype, of_entity, of_element
    try:
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
    except _HeadEndError as found:
        return str(found)
    except (expat.ExpatError, ValueError, LookupError):  # in an unknown encoding, for example, which another parser may know
        return "has a DOCTYPE" if not doctype and b"<!DOCTYPE" in chunk + stream.read(_REST) else ""
    return ""
