"""Every command of the README and of the guides in docs/ composes, and the Python of the guide of shapes runs."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from cellml.cli import VERBS
from cellml.config import conf_dir, group_choices, quote_paths

ROOT = Path(__file__).parents[1]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(path: Path) -> list[list[str]]:
    """Words after `cellml` of the commands on lines of their own, continued lines joined, and in the text; sketches with … are left out."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if re.match(r"(    )?cellml [a-z-]+ ", line)]
    within = re.findall(r"`(cellml [a-z-]+ [^`]*=[^`]*)`", text)
    return [shlex.split(line, comments=True)[1:] for line in dict.fromkeys([*lines, *within]) if "…" not in line]


@cache
def require_composable(verb: str, *words: str) -> None:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir().resolve()), version_base="1.3"):
        compose(verb, quote_paths(group_choices(verb, words)))


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_commands_compose(path: Path) -> None:
    for verb, *words in commands(path):
        assert verb in VERBS, verb
        given = [word for word in words if not word.startswith("--")]
        simple = [word.split(",")[0] if "--multirun" in words and "[" not in word and "(" not in word else word for word in given]
        simple = [word for word in simple if not re.match(r".*=interval\(|experiment=.*\.yaml$", word)]  # of sweeps; files on their own
        require_composable(verb, *simple)


def test_guides_have_commands() -> None:
    assert sum(len(commands(path)) for path in GUIDES) > 150


def test_the_python_of_the_guide_of_shapes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "shapes.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(code, {})
    assert "inside" in capsys.readouterr().out
