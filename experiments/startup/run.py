"""How long until a command answers: `python experiments/startup/run.py` (the machine should be idle)."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from cellml.report.results import write_study_results

_ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "0"}


def seconds(words: list[str], repeats: int = 9) -> float:
    """Median wall seconds of a whole process, after two warm-up runs."""
    times = []
    for _ in range(repeats + 2):
        begin = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_ENVIRONMENT)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[2:])


def main() -> None:
    cellml = str(Path(sys.executable).with_name("cellml"))
    bare = seconds([sys.executable, "-c", "pass"])
    values = {
        "help_time": (round(seconds([cellml, "--help"]), 3), "s"),
        "import_time": (round(seconds([sys.executable, "-c", "import cellml"]) - bare, 4), "s"),
        "train_compose_time": (round(seconds([cellml, "train", "experiment=segmentation/fib25", "--cfg", "job"], repeats=5), 3), "s"),
        "python_time": (round(bare, 3), "s"),
    }
    write_study_results(Path(__file__).parent, values, seed=0)
    for key, (value, unit) in values.items():
        print(f"{key:22} {value:8.3f} {unit}")


if __name__ == "__main__":
    main()
