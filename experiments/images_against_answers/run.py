"""How wrong are simulated answers when the image is worse, and do filters help?

python experiments/images_against_answers/run.py                          # both studies; an interrupted one goes on
python experiments/images_against_answers/run.py study=wedge minutes=20   # one of them, for so many minutes of processor time
python experiments/images_against_answers/run.py study=report             # tables, figures and results.json from the rows so far
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

HERE = Path(__file__).parent
STUDIES = ("wedge", "filters")


def fill(study: str, minutes: float) -> None:
    """Rows that a study lacks, until so many minutes of processor time are over."""
    from measure import Measured, done

    module, config, begin = import_module(study), OmegaConf.load(HERE / f"{study}.yaml"), time.process_time()
    known = done(HERE / f"{study}_scores.csv", module.KEY)
    wanted = [one for one in module.conditions(config) if one.key not in known]
    if not wanted:
        return
    measured = Measured.open(HERE, study, module.KEY, module.JUDGED)
    for one, image in module.images(wanted, config):
        measured.measure(one.key, image)
        if time.process_time() - begin > 60 * minutes:
            return


def main() -> None:
    words: dict[str, Any] = dict(word.split("=", 1) for word in sys.argv[1:])
    asked = words.get("study", "wedge,filters,report").split(",")
    for study in STUDIES:
        if study in asked:
            fill(study, float(words.get("minutes", 60)))
    if "report" in asked:
        from report import report

        report()


if __name__ == "__main__":
    main()
