"""MCell's MDL: one POLYGON_LIST a compartment, one surface region (DEFINE_SURFACE_REGIONS) a tag.

Coordinates are µm, MCell's unit, with 17 digits; reading gives back nm. Names are words of letters, digits and underscores; the names as
they are stand in a comment. MCell needs closed surfaces that share no wall, as `compartments` gives them: before it starts it looks for
walls that coincide (`-with_checks yes`, its default) and ends where it finds any, so a wall between two neighbours cannot be in both; at
an edge where three walls meet it links two by their normals, so that one surface with inner walls leaves it open which compartment is
closed. Tetrahedra have no place in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.surface_names import SurfaceNames, read_surface_line, surface_line, words
from cellml.io.tagged_surface import TaggedSurface
from cellml.types import Surface

_NOT_WORD = r"[^A-Za-z0-9_]"
# Keywords of MDL (src/mdllex.l) that could be names of compartments and membranes.
_KEYWORDS = """
ABS ACOS ASCII ASIN ATAN BACK BOTTOM BOX BRIEF CEIL CELLBLENDER CHARGE COLOR COMPARTMENT CONCENTRATION CORNERS COS COUNT CUBIC DEFINE
DELAY DENSITY DX EFFECTOR ELEMENT ELLIPTIC ERROR EXIT EXP EXPRESSION EXTERN FALSE FILENAME FLOOR FORMAT FRONT GEOMETRY INCLUDE
INSTANTIATE ITERATIONS LEFT LIGAND LIST LOCATION LOG MAX MESHES MIN MOD MODE MOLECULE MOLECULES NAME NEGATIVE NO NONE NORMAL NULL
NUMBER OBJECT OFF ON ORIENTATION PART PARTS PI POSITIONS POSITIVE REFLECTIVE REGION RELEASE RIGHT ROTATE SCALE SEED SHAPE SIN SINGLE
SPHERICAL SQRT STATE STATES STEP STRING SUBUNIT TAN TARGET TIME TO TOP TRANSFORM TRANSLATE TRANSPARENT TRUE UNLIMITED VARY WARNING
WORLD X XY XYZ XZ Y YES YZ Z fclose fopen fprintf printf sprintf
"""
_OBJECT = re.compile(r"(?:/\*\s*(cellml_names .*?)\*/\s*)?([A-Za-z_][\w.]*)\s+POLYGON_LIST\s*\{", re.DOTALL)

_REGION = re.compile(r"([A-Za-z_][\w.]*)\s*\{\s*(?:ELEMENT_LIST|INCLUDE_ELEMENTS)\s*=\s*\[([^\]]*)\]")


def read(path: Path) -> tuple[list[TaggedSurface], str]:
    """Read every POLYGON_LIST with its surface regions, and the unit, µm. A face in several regions keeps the last."""
    text = path.read_text(encoding="utf-8")
    found = list(_OBJECT.finditer(text))
    if not found:
        raise FileError(f"{path} holds no POLYGON_LIST.")
    return [_read_object(path, match, _block(text, match.end() - 1, path)) for match in found], "µm"


def write(surfaces: Sequence[TaggedSurface], path: Path, unit: str) -> None:
    """Write every surface as one object; `unit` must be what the coordinates are in, µm for MCell."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            f"/* Surfaces of compartments for MCell, lengths in {unit.replace('µ', 'u')}; INSTANTIATE them where the model needs them. */\n"
        )
        for tagged, word in zip(surfaces, _objects(surfaces), strict=True):
            file.writelines(_lines(tagged, word, unit))


def _objects(surfaces: Sequence[TaggedSurface]) -> list[str]:
    words: list[str] = []
    for number, tagged in enumerate(surfaces, 1):
        word = _word(tagged.surface.name)
        words.append(f"{word}_{number}" if word in words else word)
    return words


def _word(name: str) -> str:
    """A name that MDL takes: begins with a letter and is no keyword."""
    word = re.sub(_NOT_WORD, "_", name)
    word = word if re.match("[A-Za-z]", word) else f"n{word}"
    return f"{word}_" if word in _KEYWORDS.split() else word


def _lines(tagged: TaggedSurface, word: str, unit: str) -> Iterator[str]:
    yield f"\n/* {surface_line(tagged, unit)} */\n{word} POLYGON_LIST\n{{\n  VERTEX_LIST\n  {{\n"
    yield from (f"    [ {x!r}, {y!r}, {z!r} ]\n" for x, y, z in tagged.surface.vertices.tolist())
    yield "  }\n  ELEMENT_CONNECTIONS\n  {\n"
    yield from (f"    [ {a}, {b}, {c} ]\n" for a, b, c in tagged.surface.faces.tolist())
    yield "  }\n"
    regions = {tag: _word(name) for tag, name in words(tagged.used, _NOT_WORD).items()}
    if regions:
        yield "  DEFINE_SURFACE_REGIONS\n  {\n"
        for tag, name in regions.items():
            elements = ", ".join(map(str, np.flatnonzero(tagged.tags == tag).tolist()))
            yield f"    {name}\n    {{\n      ELEMENT_LIST = [ {elements} ]\n    }}\n"
        yield "  }\n"
    yield "}\n"


def _read_object(path: Path, match: re.Match[str], body: str) -> TaggedSurface:
    names = read_surface_line(match[1], path) if match[1] else SurfaceNames(match[2])
    vertices, faces = (_numbers(body, what, kind, path) for what, kind in (("VERTEX_LIST", float), ("ELEMENT_CONNECTIONS", int)))
    names.check(path, len(vertices), len(faces))
    tags, found = np.zeros(len(faces), np.int32), dict[int, str]()
    known = {_word(word): tag for tag, word in words(names.tags, _NOT_WORD).items()}
    for region in _REGION.finditer(body.partition("DEFINE_SURFACE_REGIONS")[2]):
        tag = known.get(region[1], max([0, *names.tags, *found]) + 1)
        found[tag] = names.tags.get(tag, region[1])
        tags[_elements(region[2], len(faces), path)] = tag
    return TaggedSurface(Surface(vertices, faces, names.name), tags, found)


def _elements(text: str, faces: int, path: Path) -> list[int]:
    """Numbers of faces, with ranges such as `3 TO 7`."""
    numbers: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        low, _, high = part.partition("TO")
        numbers += range(int(low), int(high or low) + 1)
    if numbers and max(numbers) >= faces:
        raise FileError(f"{path} is damaged: a surface region names face {max(numbers)}, but there are {faces}.")
    return numbers


def _numbers(body: str, what: str, kind: type, path: Path) -> NDArray[Any]:
    begin = body.find(what)
    if begin < 0:
        raise FileError(f"{path} has a POLYGON_LIST without {what}.")
    rows = re.findall(r"\[([^\]]*)\]", _block(body, body.index("{", begin), path))
    return np.array([[kind(number) for number in row.replace(",", " ").split()] for row in rows], kind).reshape(-1, 3)


def _block(text: str, opening: int, path: Path) -> str:
    """What stands between the brace at `opening` and the one that closes it."""
    depth = 0
    for match in re.finditer(r"[{}]", text[opening:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return text[opening + 1 : opening + match.start()]
    raise FileError(f"{path} is truncated: a block that opens in it does not close.")
