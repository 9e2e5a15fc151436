"""How image errors and filters change segmentation and the simulated answer: `CELLML_DATA=… python experiments/image_errors/run.py`.

stage=segment,thresholds,mitochondria,simulate,report chooses; draws=3; minutes=40 bounds the processor time of a stage. Rows are written as
they come, and an interrupted study goes on where it stood. About 40 minutes of one core. Rows of the blind-spot network need checkpoints:
`python experiments/image_errors/denoise.py 20 5`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from conditions import Condition, conditions, rethresholded, simulated
from tables import append_rows, done_keys

HERE = Path(__file__).parent
SCORES, THRESHOLDS, ANSWERS, MITOCHONDRIA = (HERE / f"{name}.csv" for name in ("scores", "thresholds", "answers", "mitochondria"))


def ready(one: Condition) -> bool:
    """Whether the condition's network, if it needs one, was trained."""
    return one.repair != "blind-spot network" or (HERE / f"denoise_{one.strength:g}.ckpt").is_file()


def segment(draws: int, minutes: float) -> None:
    from neurites import Neurites

    study, known, begin = Neurites.open(), done_keys(SCORES), time.process_time()
    for one in conditions(draws):
        if one.key in known or not ready(one) or time.process_time() - begin > 60 * minutes:
            continue
        row = study.score(one)
        append_rows(SCORES, [row])
        print(row, flush=True)


def simulate(minutes: float) -> None:
    from neurites import Neurites

    study, known, begin = Neurites.open(), done_keys(ANSWERS), time.process_time()
    for one in simulated():
        if one.key in known or not ready(one) or time.process_time() - begin > 60 * minutes:
            continue
        rows = study.simulate(one)
        append_rows(ANSWERS, rows)
        print(one.key, [r["rel_error"] for r in rows], flush=True)


def thresholds(minutes: float) -> None:
    from neurites import Neurites

    study, known, begin = Neurites.open(), done_keys(THRESHOLDS), time.process_time()
    for one in rethresholded():
        if one.key in known or not ready(one) or time.process_time() - begin > 60 * minutes:
            continue
        rows = study.thresholds(one)
        append_rows(THRESHOLDS, rows)
        print(one.key, [r["adapted_rand_error"] for r in rows], flush=True)


def mitochondria(minutes: float) -> None:
    from mitochondria import Mitochondria
    from mitochondria import conditions as filtered

    study, known, begin = Mitochondria.open(), done_keys(MITOCHONDRIA), time.process_time()
    for one in filtered():
        if one.key in known or time.process_time() - begin > 60 * minutes:
            continue
        row = study.score(one)
        append_rows(MITOCHONDRIA, [row])
        print(row, flush=True)


def main() -> None:
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    stages = words.get("stage", "segment,thresholds,mitochondria,simulate,report").split(",")
    draws, minutes = int(words.get("draws", 3)), float(words.get("minutes", 40))
    if "segment" in stages:
        segment(draws, minutes)
    if "thresholds" in stages:
        thresholds(minutes)
    if "mitochondria" in stages:
        mitochondria(minutes)
    if "simulate" in stages:
        simulate(minutes)
    if "report" in stages:
        from report import report

        report()


if __name__ == "__main__":
    main()
