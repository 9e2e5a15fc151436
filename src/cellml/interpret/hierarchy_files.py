"""Hierarchies from files: our YAML, and the ontology files of DCell and DrugCell.

YAML names what each subsystem is made of; what is no subsystem is a descriptor:

    subsystems:
      spine: [geometry, transport]
      geometry: [neck_length, neck_radius]
      transport: [diffusion, buffer]
    descriptors: [neck_length, neck_radius, diffusion, buffer]   # optional: names outside this list are then typing errors

An ontology file has a line for each pair, `parent child default` for two terms and `term gene gene` for a gene of a term, separated by
tabs or blanks (Ma et al. 2018; Kuenzi et al. 2020); without the third column a child that is never a parent is a descriptor. An index
file (`gene2ind.txt`: `number name`) gives the order of descriptors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, FileError
from cellml.interpret.hierarchy import Edge, Hierarchy, hierarchy_of

_YAML = (".yaml", ".yml")
_KINDS = ("default", "gene")
_LARGEST = 50_000_000  # bytes; the ontology of DrugCell has 1.4 MB


def read_hierarchy(source: str | Path | Mapping[str, Any], index: str | Path | None = None) -> Hierarchy:
    """A hierarchy from a file (`.yaml`, `.yml`: ours; else an ontology file), or from the mapping that our YAML holds.

    index: a file of numbers and names that orders the descriptors and declares them. Raises FileError for a file that cannot be read and
    CellmlError, with the line, for what `hierarchy_of` refuses.
    """
    declared = None if index is None else _read_index(Path(index))
    if isinstance(source, Mapping):
        return _from_mapping(source, "The hierarchy", declared)
    path = Path(source)
    if path.suffix.lower() in _YAML:
        return _from_yaml(path, declared)
    return _from_ontology(path, declared)


def _text(path: Path) -> str:
    if not path.is_file():
        raise FileError(f"There is no hierarchy file {path}.")
    if path.stat().st_size > _LARGEST:
        raise FileError(f"{path} has {path.stat().st_size / 1e6:.0f} MB; a hierarchy file has at most {_LARGEST / 1e6:.0f}.")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"The hierarchy file {path} cannot be read as text: {error}.") from None


def _from_yaml(path: Path, declared: list[str] | None) -> Hierarchy:
    from cellml.sim.yaml_lines import LocatedDocument

    document = LocatedDocument(_text(path), path)
    content = document.content
    subsystems = content.get("subsystems")
    where: dict[Edge, str] = {}
    if isinstance(subsystems, Mapping):
        for whole, parts in subsystems.items():
            for number, part in enumerate(parts if isinstance(parts, list) else []):
                where.setdefault((str(whole), str(part)), document.where(("subsystems", str(whole), number)))
    return _from_mapping(content, str(path), declared, where)


def _from_mapping(
    content: Mapping[str, Any], source: str, declared: list[str] | None, where: Mapping[Edge, str] | None = None
) -> Hierarchy:
    strange = sorted(set(content) - {"subsystems", "descriptors"})
    subsystems = content.get("subsystems")
    if strange or not isinstance(subsystems, Mapping):
        what = f"the key {strange[0]!r}" if strange else "no mapping `subsystems`"
        raise CellmlError(
            f"{source} has {what}; a hierarchy has `subsystems: {{whole: [part, part]}}` and, if wanted, `descriptors: [name]`."
        )
    for whole, parts in subsystems.items():
        if not isinstance(parts, list | tuple):
            raise CellmlError(f"{source}: `{whole}` is {parts!r}; write the list of its parts in brackets.")
    edges = [(str(whole), str(part)) for whole, parts in subsystems.items() for part in parts]
    names = content.get("descriptors")
    known = declared if declared is not None else None if names is None else [str(name) for name in names]
    return hierarchy_of(edges, source=source, where=where, subsystems=map(str, subsystems), descriptors=known)


def _from_ontology(path: Path, declared: list[str] | None) -> Hierarchy:
    edges, where = [], dict[Edge, str]()
    terms, genes = dict[str, str](), dict[str, str]()
    width = 0
    for number, line in enumerate(_text(path).splitlines(), start=1):
        words, spot = line.split("#")[0].split(), f"{path}:{number}"
        if not words:
            continue
        width = width or len(words)
        if len(words) not in (2, 3) or len(words) != width:
            raise CellmlError(f"{spot}: {len(words)} columns; each line has `parent child`, or each `parent child default|gene`.")
        if width == 3 and words[2] not in _KINDS:
            raise CellmlError(f"{spot}: the third column is {words[2]!r}; it says {' or '.join(_KINDS)}.")
        edge = (words[0], words[1])
        if edge in where:
            raise CellmlError(f"{spot}: {edge[1]!r} is given as part of {edge[0]!r} a second time, after {where[edge]}; strike one line.")
        where[edge] = spot
        edges.append(edge)
        if width == 3:
            (genes if words[2] == "gene" else terms).setdefault(words[1], spot)
    for name, spot in genes.items():
        if name in terms or any(whole == name for whole, _ in edges):
            raise CellmlError(f"{spot}: {name!r} is a gene here and a term elsewhere; names must differ.")
    return hierarchy_of(edges, source=str(path), where=where, subsystems=terms, descriptors=declared)


def _read_index(path: Path) -> list[str]:
    names: list[str] = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        words = line.split()
        if words and (len(words) != 2 or words[0] != str(len(names))):
            raise CellmlError(
                f"{path}:{number}: an index file has `number name` lines that count from 0; this one should begin with {len(names)}."
            )
        names += words[1:]
    return names
