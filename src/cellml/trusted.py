"""What a file from elsewhere may have built: classes under named prefixes, and nothing that begins like them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, ContractError

_REMEDY = "if you know the author, name the module: trust=[{module}]"


def targets_of(node: Any) -> Iterator[str]:
    """Every `_target_` in a tree of mappings and lists."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "_target_":
                yield str(value)
            else:
                yield from targets_of(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from targets_of(value)


def texts_of(node: Any) -> Iterator[str]:
    """Every text in a tree of mappings and lists, keys too."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key)
            yield from texts_of(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from texts_of(value)
    elif isinstance(node, str):
        yield node


def require_trusted(target: str, trusted: Sequence[str], path: str | Path, *, functions: Sequence[str] = (), remedy: str = _REMEDY) -> None:
    """A target must be named under a trusted prefix, and be a class that was defined under one, or a function under one of `functions`.

    The second half matters: `cellml.nets.unet.torch.load` begins like a friend. remedy: the end of the message, with {module}. Raises
    ContractError where it is not, CellmlError where this installation has no such thing.
    """
    said = remedy.format(module=f"{target.rsplit('.', 1)[0]}.")
    refusal = ContractError(f"{path} wants to build {target!r}, which is not trusted. Trusted are {', '.join(trusted)}; {said}")
    if not target.startswith(tuple(trusted)):
        raise refusal
    parts = target.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        try:
            for part in parts[cut:]:
                found = getattr(found, part)
        except AttributeError:
            break
        home = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
        if not home.startswith(tuple(trusted)) or not (isinstance(found, type) or (callable(found) and home.startswith(tuple(functions)))):
            raise refusal
        return
    raise CellmlError(f"{path} was made with {target!r}, which this installation does not have; install the version {path} names.")
