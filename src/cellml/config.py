"""Where the configuration lives and how a command gets its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Overrides whose value is a file, or a unit such as µm: quoted for Hydra's grammar, so that spaces, '=' and other characters of real
# paths need no second quotes.
_VERBATIM_KEYS = {
    "unit",
    "end",
    "input",
    "output",
    "checkpoint",
    "mesh",
    "model",
    "prediction",
    "truth",
    "mask",
    "scores",
    "meshes",
    "work",
    "resume",
    "picture",
    "probabilities",
    "figure",
    "temperature",
    "image",
    "labels",
    "recipe",
    "candidates",
    "decisions",
    "onto",
    "session",
    "data.path",
    "data.labels",
    "path",
}
# Overrides of texts by name, such as quantities with their units: parameters={k_on: 2 1/(uM*s)}.
_TEXTS_BY_NAME = {"parameters", "places"}
_SAFE = re.compile(r"[A-Za-z0-9_./:@%+-]*\Z")


def conf_dir() -> Path:
    """The folder of configuration files: inside the installed package, or at the top of a source checkout."""
    inside = Path(__file__).parent / "conf"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "conf"


def quote_paths(overrides: Sequence[str]) -> list[str]:
    """Overrides with values that are files or units quoted where Hydra's grammar would stumble; everything else is left as it is."""
    quoted = []
    for override in overrides:
        key, separator, value = override.partition("=")
        if separator and key in _TEXTS_BY_NAME and re.fullmatch(r"\s*\{.*\}\s*", value, re.DOTALL):
            override = f"{key}={_quoted_entries(value)}"
        elif separator and key in _VERBATIM_KEYS and not _SAFE.match(value) and value[:1] not in "'\"[{" and "${" not in value:
            override = f"{key}={_quoted(value)}"
        quoted.append(override)
    return quoted


def _quoted(value: str) -> str:
    """Text in Hydra's quotes, where a backslash is itself, unless it stands before a quote or at the end."""
    escaped = re.sub(r"(\\*)('|\Z)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), value)
    return f"'{escaped}'"


def _quoted_entries(text: str) -> str:
    """`{key: value, …}` with the values quoted that Hydra's grammar would stumble over; lists and quoted values stay as they are."""

    def entry(match: re.Match[str]) -> str:
        value = match[2].strip()
        keep = _SAFE.match(value) or value[:1] in ("'", '"', "[", "{")
        return f"{match[1]}: {value if keep else _quoted(value)}"

    return "{" + re.sub(r"([^,{}:\[\]]+):((?:\s*\[[^\]]*\])|[^,{}]*)", entry, text.strip()[1:-1]) + "}"


def experiment_file(overrides: Sequence[str]) -> list[str]:
    """Overrides in which `experiment=FILE.yaml`, a file that stands on its own as `cellml plan` writes it, became Hydra's flags for it.

    Raises CellmlError where there is no such file. Names of shipped recipes, which have no suffix, stay as they are.
    """
    from cellml.errors import CellmlError

    words: list[str] = []
    for override in overrides:
        key, _, value = override.partition("=")
        path = Path(value.strip("'\""))
        if key == "experiment" and path.suffix in (".yaml", ".yml"):
            if not path.is_file():
                raise CellmlError(f"There is no experiment file {path}; make one with cellml plan, or name a recipe without its suffix.")
            words += ["--config-dir", str(path.resolve().parent), "--config-name", path.stem]
        else:
            words.append(override)
    return words


def group_choices(verb: str, overrides: Sequence[str]) -> list[str]:
    """Overrides in which `KEY=NAME` chooses from GROUP, where the verb's file has `GROUP@KEY` among its defaults.

    Verbs share the names of groups: `method=sirt` of one verb would make a group `method`, and another's `method=particles`, which is a
    value, would then be looked for in it. So the group has a name of its own, and users type the key.
    """
    import yaml

    listed = yaml.safe_load((conf_dir() / f"{verb}.yaml").read_text(encoding="utf-8")).get("defaults", [])
    placed = [str(name) for entry in listed if isinstance(entry, dict) for name in entry if "@" in str(name)]
    groups = {name.partition("@")[2]: name for name in placed}
    words = []
    for override in overrides:
        key, _, value = override.partition("=")
        words.append(f"{groups[key]}={value}" if key in groups and re.fullmatch(r"[A-Za-z_][\w/,-]*", value) else override)
    return words


def plain(config: Any, verb: str | None = None) -> dict[str, Any]:
    """A composed configuration as plain dictionaries and lists, interpolations resolved.

    Raises CellmlError for a value that the user must give (`???`) and did not, naming all of them; with what the verb's file says of them.
    """
    from omegaconf import OmegaConf

    from cellml.errors import CellmlError

    missing = sorted(str(key) for key in OmegaConf.missing_keys(config))
    if missing:
        told = [f"\n  {key}: {meaning}" for key in missing if (meaning := _meaning(key, verb))]
        raise CellmlError(f"Missing: {', '.join(missing)}. Give each as an argument, for example {missing[0]}=VALUE.{''.join(told)}")
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def _meaning(key: str, verb: str | None) -> str:
    """The comment behind a value that must be given, in the verb's file; empty where there is none."""
    if verb is None:
        return ""
    text = (conf_dir() / f"{verb}.yaml").read_text(encoding="utf-8")
    found = re.search(rf"^ *{re.escape(key.rpartition('.')[2])}: \?\?\? *# *(.+)$", text, flags=re.MULTILINE)
    return found[1].strip() if found else ""
