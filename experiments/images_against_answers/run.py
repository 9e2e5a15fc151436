"""How wrong are simulated answers when the image is worse, and do filters help?

python experiments/images_against_answers/run.py                          # both studies in turn; an interrupted one goes on
python experiments/images_against_answers/run.py study=wedge minutes=20   # one of them, for so many minutes of processor time
python experiments/images_against_answers/run.py study=report             # tables, figures and results.json from the rows so far
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from cellml.report.rows import read_rows

HERE = Path(__file__).parent
# Whose neurites are asked about: filters are chosen by answers of the validation part.
JUDGED = {"wedge": ("test",), "filters": ("validation", "test")}
A_TURN = {"wedge": 1, "filters": 2}


def missing(study: str) -> deque[Any]:
    """Conditions without a row of scores."""
    module = import_module(study)
    done = {tuple(row[name] for name in module.KEY) for row in read_rows(HERE / f"{study}_scores.csv")}
    return deque(one for one in module.conditions(OmegaConf.load(HERE / f"{study}.yaml")) if one.key not in done)


def in_turn(studies: list[str]) -> Iterator[tuple[str, Any]]:
    """What the studies lack, so many conditions of each in turn."""
    waiting = {study: missing(study) for study in studies}
    while any(waiting.values()):
        for study, queue in waiting.items():
            for _ in range(min(A_TURN[study], len(queue))):
                yield study, queue.popleft()


def fill(studies: list[str], minutes: float) -> None:
    """Measure and append rows, until so many minutes of processor time are over."""
    from measure import Measured

    begin, measured = time.process_time(), None
    for study, one in in_turn(studies):
        module, config = import_module(study), OmegaConf.load(HERE / f"{study}.yaml")
        measured = measured or Measured.open(HERE)
        measured.measure(study, dict(zip(module.KEY, one.key, strict=True)), module.image(one, config), JUDGED[study])
        if time.process_time() - begin > 60 * minutes:
            return


def main() -> None:
    words: dict[str, Any] = dict(word.split("=", 1) for word in sys.argv[1:])
    asked = words.get("study", "wedge,filters,report").split(",")
    fill([study for study in JUDGED if study in asked], float(words.get("minutes", 60)))
    if "report" in asked:
        from report import report

        report()


if __name__ == "__main__":
    main()
