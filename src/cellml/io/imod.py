"""IMOD's binary models (`.mod`, "IMOD Binary File Format, Version 1, Revision 2"): contours traced in 3dmod.

Big-endian. "IMODV1.2" and 232 bytes of model; for each object "OBJT" and 176 bytes, its contours ("CONT", 16 bytes, points), its meshes
("MESH") and optional chunks (four letters, size, data); chunks of the model; "IEOF". What cellml does not interpret (materials, views,
labels, meshes) is kept byte by byte, so that a model that is read and written is the same file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from cellml.errors import FileError
from cellml.io.atomic import atomic_path
from cellml.io.imod_model import Chunk, ImageTransformation, ImodContour, ImodModel, ImodObject

_MAGIC = b"IMODV1.2"
_MODEL, _OBJECT, _CONTOUR = struct.Struct(">128s4iI4i6f5ifii3f"), struct.Struct(">64s64siIii3fi8B2i"), struct.Struct(">iIii")
_MESH = struct.Struct(">iiIhh")
_MINX = struct.Struct(">18f")
_OF_CONTOUR, _OF_OBJECT = {"LABL", "SIZE", "COST"}, {"IMAT", "CLIP", "OLBL", "OBST", "MEPA", "SKLI"}
# What 3dmod starts a model and an object with: draw the model, contrast 0 to 255, three pixels between dragged points; circles of 3 pixels.
_NEW_MODEL = _MODEL.pack(b"", 0, 0, 0, 0, 0, 1, 1, 0, 255, 0, 0, 0, 1, 1, 1, 0, -1, -1, 3, 128, 1.0, 0, 0, 0, 0, 0)
_NEW_OBJECT = _OBJECT.pack(b"", bytes(64), 0, 0, 0, 1, 0.0, 1.0, 0.0, 0, 1, 3, 1, 1, 0, 0, 0, 0, 0, 0)


def read_imod(path: str | Path) -> ImodModel:
    """Read a binary IMOD model.

    Raises FileError for a missing file, one that is no binary model of version 1.2, and one that is truncated or whose counts disagree.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError(f"There is no file {path}.")
    content = path.read_bytes()
    if content[:8] != _MAGIC:
        raise FileError(_not_a_model(content[:8], path))
    return _Parser(content, path).model()


def write_imod(model: ImodModel, path: str | Path) -> None:
    """Write a binary IMOD model, atomically. Raises FileError if the place cannot be written."""
    with atomic_path(path) as aside:
        aside.write_bytes(b"".join(_pieces(model)))


def _not_a_model(head: bytes, path: Path) -> str:
    if head[:4] == b"IMOD":
        return f"{path} is an IMOD model of version {head[4:].decode('latin-1')!r}, not 'V1.2'; save it again in 3dmod."
    if head[:4].lower() == b"imod" or head[:1] == b"#":
        return f"{path} is an ASCII IMOD model; save it as binary in 3dmod (File > Save Model As)."
    return f"{path} is no IMOD model: it begins with {head!r} instead of {_MAGIC!r}."


@dataclass
class _Draft:
    """An object whose contours and chunks are still being read."""

    object: ImodObject
    contours_expected: int
    meshes_expected: int
    contours: list[ImodContour] = field(default_factory=list)
    meshes: list[bytes] = field(default_factory=list)
    extra: list[Chunk] = field(default_factory=list)

    def finished(self) -> ImodObject:
        return replace(self.object, contours=tuple(self.contours), meshes=tuple(self.meshes), extra=tuple(self.extra))


class _Parser:
    def __init__(self, content: bytes, path: Path) -> None:
        self.content, self.path, self.at = content, path, len(_MAGIC)
        self.drafts: list[_Draft] = []
        self.extra: list[Chunk] = []
        self.minx: ImageTransformation | None = None

    def model(self) -> ImodModel:
        header = self._take(_MODEL.size, "the model's header")
        values = _MODEL.unpack(header)
        while (word := self._take(4, "a chunk or the end mark IEOF")) != b"IEOF":
            {b"OBJT": self._object, b"CONT": self._contour, b"MESH": self._mesh}.get(word, lambda word=word: self._chunk(word))()
        self._require("the model", "objects", values[4], len(self.drafts))
        for number, draft in enumerate(self.drafts, 1):
            self._require(f"object {number}", "contours", draft.contours_expected, len(draft.contours))
            self._require(f"object {number}", "meshes", draft.meshes_expected, len(draft.meshes))
        return ImodModel(
            tuple(draft.finished() for draft in self.drafts),
            size=values[1:4],
            name=_text(values[0]),
            pixel_size=values[21],
            unit=values[22],
            z_scale=values[15],
            flags=values[5],
            transformation=self.minx,
            extra=tuple(self.extra),
            header=header,
        )

    def _object(self) -> None:
        header = self._take(_OBJECT.size, f"the header of object {len(self.drafts) + 1}")
        values = _OBJECT.unpack(header)
        read = ImodObject(name=_text(values[0]), colour=values[6:9], flags=values[3], header=header)
        self.drafts.append(_Draft(read, values[2], values[-2]))

    def _contour(self) -> None:
        draft = self._last("a contour")
        where = f"contour {len(draft.contours) + 1} of object {len(self.drafts)}"
        count, flags, time, surface = _CONTOUR.unpack(self._take(_CONTOUR.size, where))
        points = np.frombuffer(self._take(12 * count, f"{count} points of {where}"), ">f4").reshape(-1, 3)
        if not np.isfinite(points).all():
            raise FileError(f"{self.path} is damaged: {where} has coordinates that are not finite.")
        draft.contours.append(ImodContour(points.astype(np.float32), flags, time, surface))

    def _mesh(self) -> None:
        draft = self._last("a mesh")
        where = f"mesh {len(draft.meshes) + 1} of object {len(self.drafts)}"
        header = self._take(_MESH.size, where)
        points, indices = _MESH.unpack(header)[:2]
        draft.meshes.append(header + self._take(12 * points + 4 * indices, f"{points} points and {indices} indices of {where}"))

    def _chunk(self, word: bytes) -> None:
        name = word.decode("latin-1")
        size = struct.unpack(">i", self._take(4, f"the size of the chunk {name!r}"))[0]
        chunk = Chunk(name, self._take(size, f"the {size} bytes of the chunk {name!r}"))
        if name == "MINX" and size == _MINX.size:
            values = _MINX.unpack(chunk.data)
            self.minx = ImageTransformation(*(values[i : i + 3] for i in range(0, 18, 3)))
            self.extra.append(Chunk(name, b""))  # its place among the others
        elif self.drafts and name in _OF_CONTOUR and self.drafts[-1].contours:
            contours = self.drafts[-1].contours
            contours[-1] = replace(contours[-1], extra=(*contours[-1].extra, chunk))
        elif self.drafts and name == "MEST" and self.drafts[-1].meshes:
            self.drafts[-1].meshes[-1] += b"".join(_chunks((chunk,)))
        elif self.drafts and name in _OF_OBJECT:
            self.drafts[-1].extra.append(chunk)
        else:
            self.extra.append(chunk)

    def _last(self, what: str) -> _Draft:
        if not self.drafts:
            raise FileError(f"{self.path} is damaged: {what} stands before the first object, at byte {self.at - 4}.")
        return self.drafts[-1]

    def _take(self, size: int, what: str) -> bytes:
        left = len(self.content) - self.at
        if size < 0 or size > left:
            raise FileError(
                f"{self.path} is truncated or damaged: {what} should take {size} bytes at byte {self.at}, "
                f"but {left} are left. Save it again."
            )
        self.at += size
        return self.content[self.at - size : self.at]

    def _require(self, whose: str, what: str, stated: int, found: int) -> None:
        if stated != found:
            raise FileError(f"{self.path} is damaged: {whose} states {stated} {what}, but {found} are there. Save it again.")


def _pieces(model: ImodModel) -> Iterator[bytes]:
    yield _MAGIC
    yield _model_header(model)
    for thing in model.objects:
        yield b"OBJT"
        yield _object_header(thing)
        for contour in thing.contours:
            yield b"CONT" + _CONTOUR.pack(len(contour.points), contour.flags, contour.time, contour.surface)
            yield contour.points.astype(">f4").tobytes()
            yield from _chunks(contour.extra)
        for mesh in thing.meshes:
            yield b"MESH" + mesh
        yield from _chunks(thing.extra)
    yield from _chunks(_with_minx(model))
    yield b"IEOF"


def _with_minx(model: ImodModel) -> Iterator[Chunk]:
    """The model's chunks, MINX where it stood in the file, or first."""
    minx = model.transformation
    own = None
    if minx is not None:
        groups = (minx.old_scale, minx.old_translation, minx.old_rotation, minx.scale, minx.translation, minx.rotation)
        own = Chunk("MINX", _MINX.pack(*(value for group in groups for value in group)))
    if own is not None and all(chunk.id != "MINX" for chunk in model.extra):
        yield own
    for chunk in model.extra:
        if chunk.id != "MINX":
            yield chunk
        elif own is not None:
            yield own


def _chunks(chunks: Iterable[Chunk]) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk.id.encode("latin-1") + struct.pack(">i", len(chunk.data)) + chunk.data


def _model_header(model: ImodModel) -> bytes:
    values = list(_MODEL.unpack(model.header or _NEW_MODEL))
    values[0] = _named(values[0], model.name)
    values[1:6] = [*model.size, len(model.objects), model.flags]
    values[15], values[21], values[22] = model.z_scale, model.pixel_size, model.unit
    return _MODEL.pack(*values)


def _object_header(thing: ImodObject) -> bytes:
    values = list(_OBJECT.unpack(thing.header or _NEW_OBJECT))
    values[0] = _named(values[0], thing.name)
    values[2], values[3], values[6:9] = len(thing.contours), thing.flags, thing.colour
    values[-2] = len(thing.meshes)
    return _OBJECT.pack(*values)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", errors="replace")


def _named(old: bytes, name: str) -> bytes:
    """A name field: unchanged, with what stands behind its end, where the name is the old one."""
    if _text(old) == name:
        return old
    return name.encode("utf-8")[: len(old) - 1].decode("utf-8", errors="ignore").encode("utf-8")
