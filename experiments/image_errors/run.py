"""How image errors and filters change segmentation and the simulated answer: `CELLML_DATA=… python experiments/image_errors/run.py`.

stage=segment,thresholds,mitochondria,simulate,report chooses; draws=3; minutes=40 bounds the processor time of a stage. Rows are written as
they come, and an interrupted study goes on where it stood. About 40 minutes of one core. Rows of the blind-spot network need checkpoints:
`python experiments/image_errors/denoise.py 20 5`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from conditions import Condition, conditions, rethresholded, simulated
from tables import append_rows, done_keys

HERE = Path(__file__).parent
SCORES, THRESHOLDS, ANSWERS, MITOCHONDRIA = (HERE / f"{name}.csv" for name in ("scores", "thresholds", "answers", "mitochondria"))


def ready(one: Condition) -> bool:
    """Whether the condition's network, if it needs one, was trained."""
    return one.repair != "blind-spot network" or (HERE / f"denoise_{one.strength:g}.ckpt").is_file()


def fill(table: Path, wanted: Iterable[Any], measure: Callable[[Any], list[dict[str, Any]]], minutes: float) -> None:
    """Measure what the table lacks, for at most so many minutes of processor time, and append each row as it comes."""
    known, begin = done_keys(table), time.process_time()
    for one in wanted:
        if one.key not in known and time.process_time() - begin <= 60 * minutes:
            rows = measure(one)
            append_rows(table, rows)
            print(one.key, *rows, flush=True)


def main() -> None:
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    stages = words.get("stage", "segment,thresholds,mitochondria,simulate,report").split(",")
    draws, minutes = int(words.get("draws", 3)), float(words.get("minutes", 40))
    neurites = {"segment", "thresholds", "simulate"} & set(stages)
    if neurites:
        from neurites import Neurites

        study = Neurites.open()
        if "segment" in neurites:
            fill(SCORES, filter(ready, conditions(draws)), lambda one: [study.score(one)], minutes)
        if "thresholds" in neurites:
            fill(THRESHOLDS, filter(ready, rethresholded()), study.thresholds, minutes)
        if "simulate" in neurites:
            fill(ANSWERS, filter(ready, simulated()), study.simulate, minutes)
    if "mitochondria" in stages:
        from mitochondria import Mitochondria
        from mitochondria import conditions as filtered

        forest = Mitochondria.open()
        fill(MITOCHONDRIA, filtered(), lambda one: [forest.score(one)], minutes)
    if "report" in stages:
        from report import report

        report()


if __name__ == "__main__":
    main()
