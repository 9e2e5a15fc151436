"""Training that keeps the machine busy and volumes larger than memory: `python experiments/throughput/run.py stage=training,kills,summary`.

Stages: training (the machine should be idle), gpu (where there is one), kills (of trainings), those of blocks.py, and summary, which
writes results.json from what the others left. Finished rows are kept; delete a stage's files to measure it again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))


def summary() -> None:
    """Gather the numbers of all stages: NAME.json files of [value, unit], and the share of 1 in the column `same` of all kills_*.csv."""
    from cellml.report.results import write_study_results
    from cellml.report.rows import read_rows

    values: dict[str, tuple[float | None, str]] = {}
    for path in sorted(FOLDER.glob("*.json")):
        if path.name != "results.json":
            values |= {key: (number[0], number[1]) for key, number in json.loads(path.read_text(encoding="utf-8")).items()}
    kills = [row for path in sorted(FOLDER.glob("kills_*.csv")) for row in read_rows(path)]
    values["kills_survived_share"] = (sum(int(row["same"]) for row in kills) / len(kills) if kills else None, "1")
    values["kills"] = (len(kills), "1")
    write_study_results(FOLDER, values, seed=0)
    for key, (value, unit) in values.items():
        print(f"{key:26} {'not measured' if value is None else f'{value:.4g}'} {unit}")


def stages() -> dict[str, Callable[[], None]]:
    """All stages by name, in the order in which they run."""
    from kills_training import kill_trainings
    from training import measure_training

    found: dict[str, Callable[[], None]] = {"training": measure_training, "gpu": lambda: measure_training("cuda"), "kills": kill_trainings}
    if (FOLDER / "blocks.py").is_file():
        import blocks

        found |= blocks.STAGES
    return {**found, "summary": summary}


def main() -> None:
    known = stages()
    asked = next(
        (word.partition("=")[2].split(",") for word in sys.argv[1:] if word.startswith("stage=")), ["training", "kills", "summary"]
    )
    unknown = set(asked) - set(known)
    if unknown:
        sys.exit(f"There is no stage {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    for name, stage in known.items():
        if name in asked:
            stage()


if __name__ == "__main__":
    main()
