"""Are the values of a command of the kind that its function takes? Said before anything heavy is loaded or done."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError


def check_arguments(function: Callable[..., Any], arguments: Mapping[str, Any], verb: str, prefix: str = "") -> None:
    """Raise CellmlError for a key that the function does not have (naming the nearest) or a value of another kind (naming the kind).

    prefix: what stands before the keys on the command line, such as `samples.`.
    """
    known = {name: p for name, p in inspect.signature(function).parameters.items() if name != "self"}
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
    for name in () if takes_all else arguments:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"it has {', '.join(known)}."
            raise CellmlError(f"{verb} has no argument {prefix}{name}; {hint}")
    # What the function returns may be of a type that only type checkers load.
    taken = types.SimpleNamespace(__annotations__={n: a for n, a in getattr(function, "__annotations__", {}).items() if n != "return"})
    for name, kind in typing.get_type_hints(taken, globalns=getattr(function, "__globals__", {})).items():
        if name in arguments and not _fits(arguments[name], kind):
            raise CellmlError(f"{prefix}{name}={arguments[name]} is not {_words(kind)}.")


def _fits(value: Any, kind: Any) -> bool:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any or kind is inspect.Parameter.empty:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is typing.Literal:
        return value in inner
    if origin in (collections.abc.Sequence, list, tuple):
        elements = [one for one in inner if one is not Ellipsis] or [Any]
        return isinstance(value, list | tuple) and all(_fits(v, elements[0]) for v in value)
    if origin in (collections.abc.Mapping, dict):
        return isinstance(value, Mapping)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in (str, Path):
        return isinstance(value, str | int | float | Path) and not isinstance(value, bool)  # a file may be called 7
    return not isinstance(kind, type) or isinstance(value, kind) or (kind is type(None) and value is None)


def _words(kind: Any) -> str:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_words(one) for one in inner))
    if origin is typing.Literal:
        return "one of " + ", ".join(map(str, inner))
    if origin in (collections.abc.Sequence, list, tuple):
        return "a list such as [1,2,3]"
    if origin in (collections.abc.Mapping, dict):
        return "a mapping such as {key: value}"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "text", type(None): "null"}.get(
        kind, str(kind)
    )
