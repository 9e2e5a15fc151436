"""Plain YAML that remembers the line of every key."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from cellml.sim.errors import SimulationError

KeyPath = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """Safe YAML with the booleans and numbers of YAML 1.2: `on` and `yes` are words (a place is an `on:`), 1e-3 is a number."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"),
    list("-+.0123456789"),
)

# What a file without `key: value` lines is, by the type that YAML makes of it.
_FOUND = {"NoneType": "is empty", "str": "is plain text", "list": "is a list of items (`- …`)"}


class LocatedDocument:
    """The mapping in a YAML file, and the line (from 1) at which each of its keys and list items stands.

    Raises SimulationError, with the line, for text that is no YAML, has a key twice, is no mapping, or stands for a section by an alias
    (a few lines of aliases can stand for more than any memory holds).
    """

    def __init__(self, text: str, path: Path) -> None:
        self.path = path
        self._lines: dict[KeyPath, int] = {(): 1}
        self._sections: set[int] = set()
        try:
            tree = yaml.compose(text, Loader=_Loader)
            self.content: Any = yaml.load(text, Loader=_Loader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise SimulationError(f"{path}:{line}: this is not YAML ({getattr(error, 'problem', None) or error}).") from None
        except (RecursionError, ValueError) as error:
            raise SimulationError(f"{path}:1: this is not a model file ({error}).") from None
        if not isinstance(self.content, dict):
            found = _FOUND.get(type(self.content).__name__, f"is the single value {self.content!r}")
            raise SimulationError(f"{path}:1: a model file is a list of `key: value` lines, such as `species:`; this one {found}.")
        self._locate(tree, ())

    def _locate(self, node: Any, path: KeyPath) -> None:
        if isinstance(node, yaml.CollectionNode):
            if id(node) in self._sections:
                raise self.error(path, "an alias stands for a whole section here; write the section out")
            self._sections.add(id(node))
        if isinstance(node, yaml.MappingNode):
            seen: set[Hashable] = set()
            for key, value in node.value:
                here = (*path, key.value)
                self._lines[here] = key.start_mark.line + 1
                if key.value in seen:
                    raise self.error(here, f"the key {key.value!r} stands here for a second time")
                seen.add(key.value)
                self._locate(value, here)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._lines[(*path, index)] = item.start_mark.line + 1
                self._locate(item, (*path, index))

    def where(self, path: KeyPath) -> str:
        """File and line of a key, or of the nearest key above it: "model.yaml:7"."""
        while path not in self._lines:
            path = path[:-1]
        return f"{self.path}:{self._lines[path]}"

    def error(self, path: KeyPath, message: str) -> SimulationError:
        """A SimulationError that names file, line and key."""
        key = ".".join(str(part) for part in path)
        return SimulationError(f"{self.where(path)}: {f'`{key}`: ' if key else ''}{message}.")
