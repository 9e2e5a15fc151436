"""YAML with a reason above each value."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WIDTH = 118


@dataclass(frozen=True)
class Because:
    """A value, or a mapping of values, and why it was chosen."""

    value: Any
    why: str


def commented_yaml(tree: Mapping[str, Any], header: str = "") -> str:
    """YAML text of nested mappings; each `Because` is preceded by its reason as a comment, wrapped at the text's indent.

    header: paragraphs of a comment at the top. Lists are written on one line, lists of mappings one a line.
    """
    lines = [
        line for text in header.splitlines() for line in ([f"# {text}"] if text.startswith("cellml ") else _comment(text, ""))
    ]  # commands are kept on one line, to be copied
    return "\n".join([*lines, *_mapping(tree, "")]) + "\n"


def _mapping(tree: Mapping[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for key, entry in tree.items():
        value = entry
        if isinstance(entry, Because):
            lines += _comment(entry.why, indent)
            value = entry.value
        if isinstance(value, Mapping) and value and not str(key).startswith("{"):
            lines.append(f"{indent}{key}:")
            lines += _mapping(value, indent + "  ")
        elif isinstance(value, list) and value and any(isinstance(one, Mapping | Because) for one in value):
            lines.append(f"{indent}{key}:")
            lines += _items(value, indent + "  ")
        else:
            lines.append(f"{indent}{key}: {_flow(value)}")
    return lines


def _items(values: list[Any], indent: str) -> list[str]:
    lines = []
    for entry in values:
        if isinstance(entry, Because):
            lines += _comment(entry.why, indent)
            entry = entry.value
        lines.append(f"{indent}- {_flow(entry)}")
    return lines


def _comment(text: str, indent: str) -> list[str]:
    return [f"{indent}# {line}".rstrip() for line in textwrap.wrap(text, _WIDTH - len(indent), break_on_hyphens=False) or [""]]


def _flow(value: Any) -> str:
    """One line of YAML. Interpolations stay bare."""
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True).strip()
    return text.removesuffix("\n...").strip()
