"""Networks fine-tuned with and without a simulated answer in their loss: `python experiments/physics_loss/run.py`. See README.md.

Stages: validation (trains, and judges all settings on validation shapes), test (judges what they choose), gradients, summary; all of them
where none is named: `run.py stage=test,summary`. route=head,segmentation is what is trained, work=runs/physics_loss where checkpoints go.
Rows are written as they come; what has one is not done again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from choice import START, Setting, candidates, choose
from judge import PREDICTED, by_truth, row_of_all, row_of_answers
from routes import HERE, ROUTES, SEEDS, STEPS, trained
from shapes import TEST, TRAINED, VALIDATION, held_out_cell

from cellml.report.rows import append_row, read_rows

SHAPES = {"validation": 16, "test": 40}
Network = tuple[Setting, int]  # and the seed of its training, 0 for the start


def main() -> None:
    """All stages, or those that are named."""
    torch.set_num_threads(1)
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    work = Path(options.get("work", "runs/physics_loss")).resolve()
    stages = options.get("stage", "validation,test,gradients,summary").split(",")
    for route in options.get("route", ",".join(ROUTES)).split(","):
        if "validation" in stages:
            judge(route, "validation", list(every(route)), work, VALIDATION, row_of_answers)
        if "test" in stages:
            judge(route, "test", list(chosen(route)), work, TEST, row_of_all)
    if "gradients" in stages:
        from gradients import measure_gradients

        measure_gradients(HERE / "gradients.csv")
    if "summary" in stages:
        from summary import summarise

        summarise(HERE)


def every(route: str) -> Iterator[Network]:
    """All networks that a choice may fall on."""
    yield START, 0
    for seed in SEEDS:
        for way in ROUTES[route].ways:
            yield from ((Setting(way, steps), seed) for steps in STEPS)


def settings_of(route: str) -> dict[str, Setting]:
    """The settings that test shapes judge: the start, what validation shapes choose for either arm, and the control of equal length."""
    rows = [row for row in read_rows(HERE / "validation.csv") if row["route"] == route]
    control, physics = (choose(rows, candidates(route, STEPS, physics=with_it), TRAINED) for with_it in (False, True))
    return {"start": START, "control": control, "equal": Setting(ROUTES[route].ways[0], physics.steps), "with": physics}


def chosen(route: str) -> Iterator[Network]:
    """The networks of `settings_of`, each once."""
    for setting in dict.fromkeys(settings_of(route).values()):
        yield from ((setting, seed) for seed in (SEEDS if setting.steps else (0,)))


def judge(
    route: str, name: str, networks: list[Network], work: Path, seed_of_shapes: int, row_of: Callable[[Any, dict[str, Any]], dict[str, Any]]
) -> None:
    """A row of NAME.csv for each network and shape; in the test another for the true distances."""
    from cellml.checkpoint import load

    @lru_cache(maxsize=1)
    def cell(number: int) -> dict[str, Any]:
        return held_out_cell(number, seed_of_shapes)

    table = HERE / f"{name}.csv"
    done = {(row["route"], row["physics"], row["surfaces"], row["steps"], row["seed"], row["shape"]) for row in read_rows(table)}
    tasks = {net: load(trained(route, net[0].way, net[0].steps, net[1], work)).task for net in networks}
    for number in range(SHAPES[name]):
        for (setting, seed), task in tasks.items():
            key = {"route": route, "physics": setting.way.physics, "surfaces": setting.way.surfaces, "steps": setting.steps, "seed": seed}
            key |= {"shape": number}
            if tuple(map(str, key.values())) not in done:
                append_row(table, key | row_of(PREDICTED[route](task, cell(number)), cell(number)))
        key = {"route": "true distances", "physics": 0, "surfaces": False, "steps": 0, "seed": 0, "shape": number}
        if name == "test" and tuple(map(str, key.values())) not in done:
            done.add(tuple(map(str, key.values())))
            append_row(table, key | row_of(by_truth(cell(number)), cell(number)))


if __name__ == "__main__":
    main()
