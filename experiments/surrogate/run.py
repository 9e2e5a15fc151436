"""How many simulations a surrogate needs when a rule chooses them; see README.md.

CELLML_DATA=… python experiments/surrogate/run.py           # on the times of real spines that experiments/shapes has solved
python experiments/surrogate/run.py on=population          # on the tables of experiments/population: four observables, idealised ones too

Curves that are there are not computed again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.populations.scales import Columns
from cellml.populations.surrogate.acquisition import RULES
from cellml.populations.surrogate.conformal import conformal_factor, coverage
from cellml.populations.surrogate.ensemble import DeepEnsemble, out_of_fold
from cellml.populations.surrogate.learning import Budget, learning_curve, solves_needed
from cellml.populations.table import read_simulated
from cellml.report.results import write_study_results
from cellml.report.rows import append_row, read_rows
from cellml.shapes.descriptors import DESCRIPTORS

HERE = Path(__file__).parent
TABLES, SOLVED = HERE.parent / "population", HERE.parent / "shapes" / "real.csv"
TIMES = ("cut_time_s", "time_s")  # to the base by the cut in the file, and by the rule for all shapes
SEEDS, LEVEL = 20, 0.9
BUDGET = Budget(begin=12, batch=12, end=96, members=6, steps=120)
Floats = NDArray[np.float64]
Values = dict[str, tuple[float | None, str]]


def describe() -> None:
    """Rows of spines that have both times: their descriptors, from their surfaces alone, and the area of the cut; in shapes.csv."""
    from cellml.shapes.descriptors import descriptors
    from cellml.shapes.reading import read_population

    spines, path = read_population("spines:base"), HERE / "shapes.csv"
    surfaces = dict(zip(spines.names, spines.surfaces, strict=True))
    done = {row["name"] for row in read_rows(path)}
    for row in read_rows(SOLVED):
        name = row["spine"]
        if name in done or name not in surfaces or not all(row[key] for key in TIMES):
            continue
        found = descriptors(surfaces[name], axis=(1.0, 0.0, 0.0))
        found["base_nm2"] = float(row["cut_share"]) * found["area_nm2"]
        cells = {key: f"{value:.8g}" for key, value in found.items()}
        append_row(path, {"name": name, "group": row["stack"], "class": row["class"], **cells, **{key: row[key] for key in TIMES}})


def population(on: str) -> tuple[Floats, Floats, NDArray[np.str_], NDArray[np.bool_]]:
    """Features (N, K) and observables (N, T) on their scales, stacks (N,), and whether a shape is a real spine (N,)."""
    if on == "shapes":
        read = [read_simulated(HERE / "shapes.csv", [*DESCRIPTORS, "base_nm2"], TIMES)]
    else:
        read = [read_simulated(TABLES / kind) for kind in ("real", "capsule", "ball_and_stick") if (TABLES / kind / "table.csv").is_file()]
    x = Columns.of({name: np.concatenate([one.features[name] for one in read]) for name in read[0].features})
    y = Columns.of({name: np.concatenate([one.observables[name] for one in read]) for name in read[0].observables})
    stacks = np.array([group for one in read for group in one.groups])
    return x.values, y.values, stacks, np.arange(len(stacks)) < len(read[0].names)


def split(stacks: NDArray[np.str_], seed: int) -> list[NDArray[np.int64]]:
    """Rows of the pool, of validation and of test: about 60, 20 and 20 % of the shapes, whole stacks, other ones for each seed."""
    names = np.random.default_rng([seed, 7]).permutation(np.unique(stacks))
    share = np.cumsum([(stacks == name).mean() for name in names])
    part = np.where(share <= 0.2, 2, np.where(share <= 0.4, 1, 0))
    return [np.flatnonzero(np.isin(stacks, names[part == p])) for p in range(3)]


def curves(on: str) -> None:
    """Rows (rule, seed, solves, error on validation, on test, on the real spines of the test) of all rules and seeds."""
    x, y, stacks, real = population(on)
    path = HERE / f"curves_{on}.csv"
    done = {(row["rule"], row["seed"]) for row in read_rows(path)}
    for seed in range(SEEDS):
        pool, validation, test = split(stacks, seed)
        judged = [validation, test, test[real[test]]]
        for rule in RULES:
            if (rule.__name__, str(seed)) in done:
                continue
            solves, errors = learning_curve(x, y, pool, judged, rule, BUDGET, seed)
            cells = {"rule": rule.__name__, "seed": seed, "pool": len(pool), "solves": " ".join(map(str, solves))}
            for name, values in zip(("validation", "test", "test_real"), np.array(errors).T, strict=True):
                cells[name] = " ".join(f"{value:.5f}" for value in values)
            append_row(path, cells)


def read_curves(on: str) -> dict[str, dict[str, Floats]]:
    """By rule {"solves": (P,), "validation", "test", "test_real": (seeds, P)}, of seeds that all rules have."""
    rows = read_rows(HERE / f"curves_{on}.csv")
    shared = set.intersection(*({row["seed"] for row in rows if row["rule"] == rule.__name__} for rule in RULES))
    found: dict[str, dict[str, Floats]] = {}
    for rule in RULES:
        of_rule = sorted((row for row in rows if row["rule"] == rule.__name__ and row["seed"] in shared), key=lambda row: int(row["seed"]))
        found[rule.__name__] = {
            key: np.array([[float(v) for v in row[key].split()] for row in of_rule]) for key in ("validation", "test", "test_real")
        } | {"solves": np.array([float(v) for v in of_rule[0]["solves"].split()])}
    return found


def ratio(found: dict[str, dict[str, Floats]], rule: str, on: str, at: float, seeds: NDArray[np.int64] | None = None) -> float:
    """Solves that a rule needs for the error that random choice has after `at` solves, over `at`; of the mean curves over seeds."""
    random, chosen = found["at_random"], found[rule]
    rows = np.arange(len(random[on])) if seeds is None else seeds
    error = float(np.interp(at, random["solves"], random[on][rows].mean(axis=0)))
    needed = solves_needed(random["solves"].tolist(), chosen[on][rows].mean(axis=0).tolist(), error)
    return min(needed, float(random["solves"][-1])) / at  # a curve that never comes down so far has used all solves: a bound from below


def of_curves(on: str) -> Values:
    """Solves over those of random choice; the rule is chosen on validation stacks and judged on test stacks."""
    found = read_curves(on)
    seeds, end = len(found["at_random"]["test"]), float(found["at_random"]["solves"][-1])
    rules = [rule.__name__ for rule in RULES if rule.__name__ != "at_random"]
    best = min(rules, key=lambda rule: ratio(found, rule, "validation", end))
    rng = np.random.default_rng(0)
    drawn = [ratio(found, best, "test", end, rng.integers(seeds, size=seeds)) for _ in range(2000)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    values: Values = {
        "solves_ratio": (ratio(found, best, "test", end), "1"),
        "solves_ratio_low": (float(low), "1"),
        "solves_ratio_high": (float(high), "1"),
    }
    values |= {
        "seeds": (float(seeds), "count"),
        "solves_random": (end, "count"),
        "chosen_rule": (float(rules.index(best)), "number in " + ", ".join(rules)),
    }
    for rule in rules:
        for on in ("validation", "test", "test_real"):
            values[f"{rule}_{on}_ratio"] = (ratio(found, rule, on, end), "1")
        values[f"{rule}_half_way_ratio"] = (ratio(found, rule, "test", end / 2), "1")
    values |= {f"{rule}_error_at_end": (float(found[rule]["test"][:, -1].mean()), "s.d.") for rule in found}
    return values


def of_intervals(on: str) -> Values:
    """Coverage on test stacks of conformal intervals whose factor comes from left-out training stacks, over the seeds; and the error."""
    from cellml.data.labelled_mesh import folds_by_group

    x, y, stacks, _ = population(on)
    inside, raw, errors, widths = [], [], [], []
    for seed in range(SEEDS):
        pool, validation, test = split(stacks, seed)
        train = np.concatenate([pool, validation])
        make = DeepEnsemble(x.shape[1], y.shape[1], members=BUDGET.members, steps=BUDGET.steps, seed=seed)
        mean, spread = out_of_fold(make, x[train], y[train], folds_by_group(stacks[train].tolist(), 4))
        factor = conformal_factor(y[train] - mean, spread, LEVEL)
        mean, spread = make.learn(x[train], y[train]).predict(x[test])
        inside.append(coverage(y[test], mean, factor * spread).mean())
        raw.append(coverage(y[test], mean, 1.645 * spread).mean())
        errors.append(np.sqrt((((mean - y[test]) / y[train].std(axis=0)) ** 2).mean()))
        widths.append((factor * spread / y[train].std(axis=0)).mean())
    return {
        "interval_level": (LEVEL, "1"),
        "interval_coverage": (float(np.mean(inside)), "1"),
        "interval_coverage_uncalibrated": (float(np.mean(raw)), "1"),
        "interval_half_width": (float(np.mean(widths)), "s.d."),
        "error_with_all": (float(np.mean(errors)), "s.d."),
    }


def summarise(on: str) -> None:
    """Write results.json and figure.png; print the numbers."""
    x, _, stacks, real = population(on)
    values = {**of_curves(on), **of_intervals(on), "shapes": (float(len(x)), "count"), "real_shapes": (float(real.sum()), "count")}
    values["stacks"] = (float(len(set(stacks.tolist()))), "count")
    write_study_results(HERE, values, seed=0, budget=vars(BUDGET), on=on)
    for key, (value, unit) in values.items():
        print(f"{key:48} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    figure(on)


def figure(on: str) -> None:
    """Mean curves of all rules on test stacks, with the spread over seeds."""
    from cellml.report.figure_style import figure_style, new_figure
    from cellml.report.palette import INK, OKABE_ITO

    found = read_curves(on)
    with figure_style():
        sets = {"test": "all shapes of left-out stacks", **({"test_real": "their real spines alone"} if on == "population" else {})}
        drawing = new_figure(1.2 + 4.0 * len(sets), 3.6)
        panels: Any = drawing.subplots(1, len(sets), sharey=True, squeeze=False)[0]
        for axes, (key, title) in zip(panels, sets.items(), strict=True):
            for colour, (rule, one) in zip((INK, *OKABE_ITO), found.items(), strict=False):
                mean, error = one[key].mean(axis=0), one[key].std(axis=0) / np.sqrt(len(one[key]))
                axes.fill_between(one["solves"], mean - 2 * error, mean + 2 * error, color=colour, alpha=0.15, linewidth=0)
                axes.plot(one["solves"], mean, color=colour, label=rule.replace("_", " "))
            axes.set(xlabel="simulations", yscale="log", title=title)
        panels[0].set_ylabel("error (s.d. of the observables)")
        panels[-1].legend()
        drawing.savefig(HERE / "figure.png", dpi=130)


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    given = dict(word.split("=", 1) for word in sys.argv[1:])
    on = given.get("on", "shapes")
    if given.get("stage", "curves") == "curves":
        if on == "shapes":
            describe()
        curves(on)
    summarise(on)
