"""A hierarchy: descriptors below, subsystems of them above, one root that answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cellml.errors import CellmlError

Edge = tuple[str, str]


@dataclass(frozen=True)
class Hierarchy:
    """Subsystems and what they are made of.

    children: of each subsystem, its subsystems and descriptors (a name that is no key is a descriptor), in the order of the file;
    descriptors: all of them, in the order in which the network takes them. A subsystem may stand below several others, as a term of an
    ontology does. Made by `hierarchy_of`, which checks it.
    """

    children: Mapping[str, tuple[str, ...]]
    descriptors: tuple[str, ...]

    @property
    def root(self) -> str:
        """The one subsystem that is part of no other."""
        return self.order[-1]

    @cached_property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """Subsystems by height: the first level is made of descriptors alone, each further one of what stands below; the root is last."""
        height: dict[str, int] = {}

        def of(name: str) -> int:
            if name not in self.children:
                return -1
            if name not in height:
                height[name] = 1 + max(of(child) for child in self.children[name])
            return height[name]

        top = max(of(name) for name in self.children)
        return tuple(tuple(name for name in self.children if height[name] == level) for level in range(top + 1))

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All subsystems, parts before wholes; the root is last."""
        return tuple(name for level in self.levels for name in level)

    def below(self, name: str) -> tuple[str, ...]:
        """The descriptors that a subsystem sees, its own and those of its parts, in the order of `descriptors`."""
        seen, queue = set(), [name]
        while queue:
            for child in self.children[queue.pop()]:
                if child not in seen:
                    seen.add(child)
                    queue += [child] if child in self.children else []
        return tuple(descriptor for descriptor in self.descriptors if descriptor in seen)

    def as_mapping(self) -> dict[str, Any]:
        """Plain containers that `read_hierarchy` and the YAML format take: {"subsystems": {…}, "descriptors": […]}."""
        return {"subsystems": {name: list(parts) for name, parts in self.children.items()}, "descriptors": list(self.descriptors)}


def hierarchy_of(
    edges: Iterable[Edge],
    *,
    source: str,
    where: Mapping[Edge, str] | None = None,
    subsystems: Iterable[str] = (),
    descriptors: Sequence[str] | None = None,
) -> Hierarchy:
    """A checked hierarchy from pairs (whole, part).

    source: for messages; where: file and line of an edge; subsystems: names that must be wholes; descriptors: all names that may stand at
    the bottom, and their order (None: what is no whole, in the order of appearance).
    Raises CellmlError for no pairs, a pair that stands twice, a cycle, a subsystem of nothing, several roots, a descriptor that is not
    declared or declared and not used, and a name of both kinds.
    """
    places = dict(where or {})
    children: dict[str, list[str]] = {}
    pairs = list(edges)
    for whole, part in pairs:
        if part in children.setdefault(whole, []):
            raise CellmlError(f"{places.get((whole, part), source)}: {part!r} is given as part of {whole!r} twice; strike one line.")
        children[whole].append(part)
    if not children:
        raise CellmlError(f"{source} declares no subsystem; write what each is made of.")
    _require_parts(children, places, source, subsystems)
    _require_no_cycle(children, source)
    _require_one_root(children, source)
    found = dict.fromkeys(part for _, part in pairs if part not in children)
    chosen = list(found) if descriptors is None else [str(name) for name in descriptors]
    if descriptors is not None:
        _require_declared(children, list(found), chosen, places, source)
    return Hierarchy({name: tuple(parts) for name, parts in children.items()}, tuple(chosen))


def _require_parts(children: Mapping[str, list[str]], places: Mapping[Edge, str], source: str, subsystems: Iterable[str]) -> None:
    for name in subsystems:
        if not children.get(name):
            spots = [spot for (_, part), spot in places.items() if part == name]
            raise CellmlError(f"{(spots or [source])[0]}: {name!r} is named as a subsystem, but nothing says what it is made of.")


def _require_no_cycle(children: Mapping[str, list[str]], source: str) -> None:
    done: set[str] = set()
    for start in children:
        path, stack = [start], [iter(children[start])]
        while stack and start not in done:
            part = next(stack[-1], None)
            if part is None:
                done.add(path.pop())
                stack.pop()
            elif part in path:
                circle = " → ".join([*path[path.index(part) :], part])
                raise CellmlError(f"{source}: a subsystem is part of itself: {circle}. Strike one of these pairs.")
            elif part in children and part not in done:
                path.append(part)
                stack.append(iter(children[part]))


def _require_one_root(children: Mapping[str, list[str]], source: str) -> None:
    parts = {part for names in children.values() for part in names}
    roots = [name for name in children if name not in parts]
    if len(roots) > 1:
        raise CellmlError(
            f"{source}: {len(roots)} subsystems are part of no other: {_some(roots)}. One root answers; make the others parts of it, "
            "strike them, or add a root above them all."
        )


def _require_declared(children: Mapping[str, Any], found: list[str], declared: list[str], places: Mapping[Edge, str], source: str) -> None:
    from difflib import get_close_matches

    both = [name for name in declared if name in children]
    twice = sorted({name for name in declared if declared.count(name) > 1})
    if both or twice:
        raise CellmlError(
            f"{source}: {(both or twice)[0]!r} is " + ("a descriptor and a subsystem." if both else "declared as a descriptor twice.")
        )
    for name in found:
        if name not in declared:
            near = get_close_matches(name, [*declared, *children], n=1)
            spots = [spot for (_, part), spot in places.items() if part == name]
            hint = f"; did you mean {near[0]!r}?" if near else "; declare it, or say what it is made of."
            raise CellmlError(f"{(spots or [source])[0]}: {name!r} is neither a subsystem nor a declared descriptor{hint}")
    unused = [name for name in declared if name not in found]
    if unused:
        raise CellmlError(f"{source}: no subsystem uses {_some(unused)}; put each into one, or do not declare it.")


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(map(repr, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")
