"""docs/pipeline.md: its commands compose, its Python runs, and what it names exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from cellml.cli import VERBS
from cellml.config import conf_dir, group_choices, quote_paths
from cellml.pipeline.command import STEPS

GUIDE = (Path(__file__).parents[2] / "docs" / "pipeline.md").read_text(encoding="utf-8")


def composed(verb: str, *overrides: str) -> Any:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir().resolve()), version_base="1.3"):
        return compose(verb, list(overrides))


def test_every_command_composes() -> None:
    commands = re.findall(r"^cellml .+$", GUIDE, flags=re.MULTILINE) + re.findall(r"`(cellml report [^`]+)`", GUIDE)
    assert len(commands) >= 3
    for command in commands:
        _, verb, *words = shlex.split(command)
        assert verb in VERBS
        composed(verb, *quote_paths(group_choices(verb, words)))


def test_every_setting_that_is_named_is_one() -> None:
    config = composed("pipeline", "input=a", "output=b", "checkpoint=c")
    named = set(re.findall(r"`((?:image|segmentation|objects|samples|meshes|solve|posterior)\.\w+)", GUIDE))
    assert {"image.noise", "samples.thresholds", "posterior.calibration"} <= named
    for key in {k for k in named if k.rpartition(".")[2] not in ("tif", "json", "png", "csv")}:
        group, _, name = key.partition(".")
        assert name in config[group], key
    assert all(step in GUIDE for step in STEPS)


def test_the_python_of_the_guide_makes_a_calibration_that_the_posterior_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    exec(code, {})
    from cellml.pipeline.posterior import read_spread

    assert read_spread(str(tmp_path / "spread.json"), "first_passage_time").objects == 8
