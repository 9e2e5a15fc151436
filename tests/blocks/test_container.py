"""The container recipe names what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_the_recipe_copies_and_installs_exists() -> None:
    text = (ROOT / "container" / "Dockerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", text, flags=re.MULTILINE) for name in line.split()]
    assert {"constraints.txt", "pyproject.toml", "conf", "src"} <= set(copied) and all((ROOT / name).exists() for name in copied)
    allowed = {line[1:] for line in (ROOT / "container" / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) <= allowed
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"\.\[([\w,]+)\]", text)[0].split(",")) <= set(extras)
    assert re.search(r"^torch==[\d.]+", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
