"""The verb `compare` on ellipsoids: like ones, unlike ones, and copies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from cellml.cli import main
from cellml.shapes.evaluation.judgement import judge_shapes
from cellml.shapes.population import Population
from cellml.types import Surface


def ellipsoids(seed: int, count: int, stretch: float = 1.0) -> Population:
    rng, ball = np.random.default_rng(seed), trimesh.creation.icosphere(2, 200.0)
    axes = np.exp(0.25 * rng.normal(size=(count, 3))) * [1, 1, stretch]
    surfaces = tuple(Surface(np.asarray(ball.vertices) * a, np.asarray(ball.faces), f"{i}") for i, a in enumerate(axes))
    return Population(tuple(map(str, range(count))), surfaces, tuple(f"group {i % 5}" for i in range(count)), ("",) * count)


def test_like_shapes_are_not_told_apart_and_unlike_ones_are() -> None:
    real, train = ellipsoids(0, 30), ellipsoids(1, 40)
    like, unlike = judge_shapes(ellipsoids(2, 30).surfaces, real, train), judge_shapes(ellipsoids(3, 30, 3.0).surfaces, real, train)
    for kind in ("harmonic", "geometric"):
        assert 0.3 < like[kind]["one_nearest"]["accuracy"] < 0.7
        assert unlike[kind]["one_nearest"]["accuracy"] > 0.7
    assert unlike["descriptors"]["length_nm"]["value"] > 3 * like["descriptors"]["length_nm"]["value"]
    assert like["copied_share"] < 0.2
    assert judge_shapes(train.surfaces[:30], real, train)["copied_share"] == 1.0
    assert like["controls"]["most central shape"]["harmonic"]["coverage"] == pytest.approx(1 / 30)
    assert "not squared" in like["protocol"]


def test_command_reads_folders_and_writes_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("real", 0), ("made", 2)):
        (tmp_path / name).mkdir()
        for surface in ellipsoids(seed, 12).surfaces:
            trimesh.Trimesh(surface.vertices, surface.faces).export(tmp_path / name / f"{surface.name}.off")
    words = ["compare", f"generated={tmp_path}/made", f"real={tmp_path}/real", "draws=20", f"output={tmp_path}/scores.json"]
    assert main(words) == 0
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert 0 <= scores["harmonic"]["one_nearest"]["accuracy"] <= 1
    assert "12 generated against 12" in capsys.readouterr().out
    assert main([*words[:-1], "output=scores.txt"]) == 2
    assert "ends in .json" in capsys.readouterr().err
