"""docs/pipeline.md: what it names exists, and its Python runs (tests/test_guides.py composes its commands)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cellml.config import conf_dir
from cellml.pipeline.command import STEPS

GUIDE = (Path(__file__).parents[2] / "docs" / "pipeline.md").read_text(encoding="utf-8")


def test_every_setting_that_is_named_is_one() -> None:
    config = yaml.safe_load((conf_dir() / "pipeline.yaml").read_text(encoding="utf-8"))
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
