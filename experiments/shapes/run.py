"""Populations of shapes, generated and judged: `python experiments/shapes/run.py`. See README.md.

Stages: harmonics, vae, generators, organelles, synthetic (each in a file of its own), real (times of real spines), bases (a sheet of their
bases), generated (times of what trained models generate), compare, summary; all of them where none is named:
`run.py stage=real,summary`. part=0 parts=2 share the rows of real and generated between processes. Rows are written when they are finished,
and what has a row is not computed again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OTHERS = ("harmonics", "vae", "generators", "organelles", "synthetic", "classes")


def main(words: list[str]) -> None:
    import comparison
    import generated
    import spines
    import summary

    stages_of_all = ",".join([*OTHERS, "real", "bases", "generated", "compare", "summary"])
    options = {"stage": stages_of_all, "part": "0", "parts": "1", "count": "60", **dict(word.split("=", 1) for word in words)}
    part, parts, count = (int(options[name]) for name in ("part", "parts", "count"))
    stages: dict[str, Callable[[], Any]] = {
        **{name: (lambda name=name: import_module(name).judge(HERE / f"{name}.csv")) for name in OTHERS},
        "generators": lambda: import_module("generators").main([]),
        "real": lambda: spines.judge_real(part, parts),
        "bases": lambda: spines.draw_bases(),
        "generated": lambda: generated.judge_generated(count, part, parts),
        "compare": lambda: comparison.compare(count),
        "summary": lambda: summary.summarise(HERE),
    }
    for name in options["stage"].split(","):
        stages[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
