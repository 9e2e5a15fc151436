"""Networks fine-tuned with and without a simulated answer in their loss: `python experiments/physics_loss/run.py`. See README.md.

Stages: validation (trains, and judges all settings on validation shapes), test (judges what they choose), gradients, summary; all of them
where none is named: `run.py stage=test,summary`. route=head,segmentation is what is trained, work=runs/physics_loss where checkpoints go.
Rows are written as they come; what has one is not done again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from choice import START, Setting, candidates, choose
from judge import PREDICTED, row_of
from routes import HERE, ROUTES, SEEDS, STEPS, Way, trained
from shapes import ANSWERS, TEST, TRAINED, VALIDATION, held_out_cell

from cellml.report.rows import append_row, read_rows

SHAPES, SEED_OF_SHAPES = {"validation": 12, "test": 40}, {"validation": VALIDATION, "test": TEST}
Network = tuple[Setting, int]  # and the seed of its training, 0 for the start


def main() -> None:
    """All stages, or those that are named."""
    torch.set_num_threads(1)
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    work = Path(options.get("work", "runs/physics_loss")).resolve()
    stages = options.get("stage", "validation,test,gradients,summary").split(",")
    for route in options.get("route", ",".join(ROUTES)).split(","):
        if "validation" in stages:
            judge(route, "validation", every(route), work)
        if "test" in stages:
            judge(route, "test", chosen(route), work)
    if "gradients" in stages:
        from gradients import measure_gradients

        measure_gradients(HERE / "gradients.csv")
    if "summary" in stages:
        from summary import summarise

        summarise(HERE)


def every(route: str) -> list[Network]:
    """All networks that a choice may fall on."""
    return [(START, 0), *((Setting(way, steps), SEEDS[0]) for way in ROUTES[route].ways for steps in STEPS)]


def settings_of(route: str) -> dict[str, Setting]:
    """The settings that test shapes judge: the start, what validation shapes choose for either arm, and voxels alone for as many steps."""
    rows = [row for row in read_rows(HERE / "validation.csv") if row["route"] == route]
    control, physics = (choose(rows, candidates(route, STEPS, physics=with_it), TRAINED) for with_it in (False, True))
    return {"start": START, "with": physics, "control": control, "equal": Setting(Way(0), physics.steps)}


def chosen(route: str) -> list[Network]:
    """The networks of `settings_of`, each once."""
    *first, equal = settings_of(route).values()
    found = [(START, 0), *((setting, seed) for seed in SEEDS for setting in first), *((equal, seed) for seed in SEEDS)]
    return list(dict.fromkeys((setting, seed if setting.steps else 0) for setting, seed in found))


def judge(route: str, name: str, networks: list[Network], work: Path) -> None:
    """A row of NAME.csv for each network and shape."""
    from cellml.checkpoint import load

    table, answers = HERE / f"{name}.csv", tuple(ANSWERS) if name == "test" else TRAINED
    done = {(row["route"], row["physics"], row["surfaces"], row["steps"], row["seed"], row["shape"]) for row in read_rows(table)}
    for setting, seed in networks:
        way = setting.way
        key = {"route": route, "physics": way.physics, "surfaces": way.surfaces, "steps": setting.steps, "seed": seed}
        missing = [number for number in range(SHAPES[name]) if (*map(str, key.values()), str(number)) not in done]
        task = load(trained(route, way, setting.steps, seed, work)).task if missing else None
        for number in missing:
            cell = held_out_cell(number, SEED_OF_SHAPES[name])
            append_row(table, key | {"shape": number} | row_of(PREDICTED[route](task, cell), cell, answers))


if __name__ == "__main__":
    main()
