from __future__ import annotations

import yaml

from cellml.plan.commented import Because, commented_yaml


def test_the_text_says_the_values_and_the_reasons() -> None:
    command = "cellml train " + "a=1 " * 50
    tree = {
        "defaults": ["train", Because({"override /task": "semantic"}, "Classes."), "_self_"],
        "data": Because({"patch": Because([1, 2, 3], "As large as fits. " * 20), "path": "a: b.npz", "seed": "${seed}"}, "Where."),
        "values": {0: 0, 5: 1},
        "nothing": None,
        "flag": True,
        "empty": [],
        "steps": [{"_target_": "a.B", "keys": ["x"]}],
    }
    text = commented_yaml(tree, f"First line.\n\nSecond.\n{command}")
    assert yaml.safe_load(text) == {
        "defaults": ["train", {"override /task": "semantic"}, "_self_"],
        "data": {"patch": [1, 2, 3], "path": "a: b.npz", "seed": "${seed}"},
        "values": {0: 0, 5: 1},
        "nothing": None,
        "flag": True,
        "empty": [],
        "steps": [{"_target_": "a.B", "keys": ["x"]}],
    }
    lines = text.splitlines()
    assert lines[:4] == ["# First line.", "#", "# Second.", f"# {command}"]
    assert lines[lines.index("data:") - 1] == "# Where." and "  # Classes." in lines
    assert max(map(len, lines[4:])) <= 120 and text.count("As large") == 20
