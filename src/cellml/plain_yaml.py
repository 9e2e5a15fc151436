"""YAML from elsewhere that stands for itself: no aliases, no tags of Python, no depth beyond any stack."""

from __future__ import annotations

from typing import Any

import yaml

from cellml.errors import FileError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 100


def plain_yaml(text: str, where: str) -> Any:
    """What YAML text holds, in plain containers.

    where: what messages call it, such as a path. Raises FileError for text that is no YAML, has an alias (a few of them can stand for more
    than any memory holds), or is nested more than a hundred deep.
    """
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise FileError(f"{where} is nested more than {_DEEPEST} deep, which nobody writes; it is damaged.")
            if isinstance(event, yaml.AliasEvent):
                raise FileError(f"{where} has an alias (*name), and a few of them can stand for more than any memory holds; write it out.")
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{where} is no YAML: {str(error).splitlines()[0]}.") from error
