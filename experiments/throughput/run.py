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
    import yaml

    from cellml.report.results import write_study_results
    from cellml.report.rows import read_rows

    targets = yaml.safe_load((FOLDER.parent / "targets.yaml").read_text(encoding="utf-8"))["throughput"]
    values: dict[str, tuple[float | None, str]] = {key: (None, str(unit)) for key, (_, _, unit) in targets.items()}
    for path in sorted(FOLDER.glob("*.json")):
        if path.name != "results.json":
            values |= {key: (number[0], str(number[1])) for key, number in json.loads(path.read_text(encoding="utf-8")).items()}
    kills = {path.stem: read_rows(path) for path in sorted(FOLDER.glob("kills_*.csv"))}
    rows = [row for each in kills.values() for row in each]
    values["kills_survived_share"] = (sum(int(row["same"]) for row in rows) / len(rows) if rows else None, "1")
    values |= {name: (len(each), "1") for name, each in kills.items()}
    write_study_results(FOLDER, values, seed=0, gpu="none: gpu_use_share is not measured" if values["gpu_use_share"][0] is None else "yes")
    draw(read_rows(FOLDER / "training.csv"), kills.get("kills_training", []))
    for key, (value, unit) in values.items():
        print(f"{key:36} {'not measured' if value is None else f'{value:.4g}'} {unit}")


def draw(training: list[dict[str, str]], kills: list[dict[str, str]]) -> None:
    """throughput.png: what a training step waits for, and where trainings were killed."""
    from cellml.report.figure_style import figure_style, new_figure
    from cellml.report.palette import BLUE, ORANGE, VERMILLION

    with figure_style():
        figure = new_figure(8.2, 3.2)
        left, right = figure.subplots(1, 2)
        rows = [row for row in training if row["loader_processes"] != "none"]
        names = [
            f"{row['device']}, {row['loader_processes']} loader process{'es' if row['loader_processes'] != '1' else ''}" for row in rows
        ]
        shares = [100 * float(row["wait_share"]) for row in rows]
        left.barh(names, shares, height=0.5, color=BLUE)
        for place, share in enumerate(shares):
            left.annotate(f"{share:.2g} %", (share, place), xytext=(4, 0), textcoords="offset points", va="center")
        left.axvline(5, color=ORANGE, linestyle="--", label="target: at most 5 %")
        left.set(title="Waiting for patches", xlabel="share of the time of a training step (%)", xlim=(0, max([6.5, *shares]) * 1.1))
        left.legend(loc="center right")
        for same, colour, label in (("1", BLUE, "ends as the undisturbed run"), ("0", VERMILLION, "ends otherwise")):
            steps = [int(row["step"]) for row in kills if row["same"] == same]
            if steps or same == "1":
                right.hist(steps, bins=range(0, 26, 2), color=colour, label=f"{label}: {len(steps)}", rwidth=0.9)
        right.set(title=f"{len(kills)} trainings of 24 steps, killed", xlabel="steps in the last checkpoint", ylabel="trainings")
        right.legend(loc="upper right")
        figure.savefig(FOLDER / "throughput.png", dpi=130)


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
