"""`cellml VERB --help`: what a verb does, what can be set and what it means, from the verb's own configuration file."""

from __future__ import annotations

import re
from pathlib import Path

from cellml.config import conf_dir


def verb_help(verb: str, summary: str) -> str:
    """The commented configuration of a verb, and the choices of the groups that it uses."""
    text = (conf_dir() / f"{verb}.yaml").read_text(encoding="utf-8").strip()
    body, settings = re.split(r"\n(?!#)", text, maxsplit=1)
    example, *more = [line.removeprefix("#").strip() for line in body.splitlines()]
    groups = list(re.findall(r"^ {2}- (?:(\w+)@)?(\w+): ", settings, flags=re.MULTILINE))
    settings = re.sub(r"^defaults:\n(?: .*\n)+", "", settings, flags=re.MULTILINE)
    settings = re.sub(r"^hydra:\n(?: .*\n?)+", "", settings, flags=re.MULTILINE)
    lines = [f"cellml {verb}: {summary}", *more, "", f"  {example}", "", "Settings, key=value (??? must be given):", ""]
    lines += [f"  {line}" if line else "" for line in settings.strip().splitlines()]
    if groups:
        lines += ["", "Groups, group=choice:", ""]
        lines += [f"  {key}: {', '.join(choices(group or key))}" for group, key in groups]
    lines += [
        "",
        f"cellml {verb} --cfg job shows the composed configuration; --multirun key=a,b runs each; --config-dir adds files of yours.",
    ]
    return "\n".join(lines)


def choices(group: str) -> list[str]:
    """The choices of a configuration group, those in subfolders with their path."""
    folder: Path = conf_dir() / group
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))
