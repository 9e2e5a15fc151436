"""How many simulations a surrogate needs when a rule chooses them; see README.md.

python experiments/surrogate/run.py               # real spines: the table of experiments/population/real
python experiments/surrogate/run.py on=mixed      # with the idealised shapes of experiments/population, where their tables are there
python experiments/surrogate/run.py stage=summary # results.json and figure.png of the curves that are there

Curves that are there are not computed again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.populations.scales import Columns
from cellml.populations.surrogate.acquisition import (
    at_random,
    diverse_variance,
    expected_error_reduction,
    experimental_design,
    farthest_first,
    learned_design,
)
from cellml.populations.surrogate.conformal import conformal_factor, coverage
from cellml.populations.surrogate.ensemble import DeepEnsemble, out_of_fold
from cellml.populations.surrogate.learning import Budget, learning_curve, solves_needed
from cellml.populations.surrogate.occasion import Rule
from cellml.populations.table import read_simulated
from cellml.report.results import write_study_results
from cellml.report.rows import append_row, read_rows

HERE = Path(__file__).parent
TABLES, KINDS = HERE.parent / "population", ("capsule", "ball_and_stick")
FOLDS, REPEATS, LEVEL, CLOSED = 10, 2, 0.9, 0.9  # CLOSED: of the way to the error with the whole pool, where solves are compared
BUDGET = Budget((8, 12, 16, 24, 32, 40, 48, 64, 80, 96), members=6, steps=120)
WAYS: dict[str, tuple[Rule, Rule]] = {  # what chooses the first shapes, and what the others
    "at random": (at_random, at_random),
    "experimental design": (experimental_design, experimental_design),
    "learned design": (learned_design, learned_design),
    "farthest first": (farthest_first, farthest_first),
    "design, then error reduction": (experimental_design, expected_error_reduction),
    "design, then at random": (experimental_design, at_random),
    "diverse variance": (at_random, diverse_variance),
}
SETS, MEASURES = ("validation", "test", "test real"), ("rms", "p90")
Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Values = dict[str, tuple[float | None, str]]
Curves = dict[str, dict[str, Floats]]


def population(on: str) -> tuple[Floats, Floats, NDArray[np.str_], NDArray[np.bool_]]:
    """Features (N, K) and observables (N, T) on their scales, stacks (N,), and whether a shape is a real spine (N,)."""
    kinds = ("real", *(kind for kind in KINDS if on == "mixed" and (TABLES / kind / "table.csv").is_file()))
    read = [read_simulated(TABLES / kind) for kind in kinds]
    x = Columns.of({name: np.concatenate([one.features[name] for one in read]) for name in read[0].features})
    y = Columns.of({name: np.concatenate([one.observables[name] for one in read]) for name in read[0].observables})
    stacks = np.array([group for one in read for group in one.groups])
    return x.values, y.values, stacks, np.arange(len(stacks)) < len(read[0].names)


def split(stacks: NDArray[np.str_], seed: int) -> tuple[Index, Index, Index]:
    """Rows of the pool, of validation and of test: the test is one of ten folds of whole stacks, validation a quarter of the others."""
    from cellml.data.labelled_mesh import folds_by_group

    test = folds_by_group(stacks.tolist(), FOLDS) == seed % FOLDS
    names = np.random.default_rng([seed, 7]).permutation(np.unique(stacks[~test]))
    share = np.cumsum([(stacks[~test] == name).mean() for name in names])
    validation = np.isin(stacks, names[share <= 0.25])
    return np.flatnonzero(~test & ~validation), np.flatnonzero(validation), np.flatnonzero(test)


def measured(missed: Floats) -> dict[str, float]:
    """Of what answers miss, (rows, T) in standard deviations: the root mean square, and that of the shape than which 90 % are better."""
    squares = (missed**2).mean(axis=1)
    return {"rms": float(np.sqrt(squares.mean())), "p90": float(np.sqrt(np.quantile(squares, 0.9)))}


def curves(on: str) -> None:
    """Rows (way, seed, size of the pool, and by set and measure the error after each number of solves, the whole pool last)."""
    x, y, stacks, real = population(on)
    path = HERE / f"curves_{on}.csv"
    done = {(row["way"], row["seed"]) for row in read_rows(path)}
    for seed in range(FOLDS * REPEATS):
        pool, validation, test = split(stacks, seed)
        judged = [validation, test, test[real[test]]]
        for way, (start, rule) in WAYS.items():
            if (way, str(seed)) in done:
                continue
            solves = (*BUDGET.solves, len(pool)) if way == "at random" else BUDGET.solves
            budget = Budget(solves, BUDGET.members, BUDGET.steps)
            missed = learning_curve(x, y, pool, judged, rule, budget, seed, start)
            cells: dict[str, Any] = {"way": way, "seed": seed, "pool": len(pool)}
            for number, name in enumerate(SETS):
                for measure in MEASURES:
                    cells[f"{name} {measure}"] = " ".join(f"{measured(one[number])[measure]:.5f}" for one in missed)
            append_row(path, cells)


def read_curves(on: str) -> Curves:
    """By way, set and measure the errors (seeds, P) of seeds that all ways have; of random choice one more point, with the whole pool."""
    rows = read_rows(HERE / f"curves_{on}.csv")
    shared = set.intersection(*({row["seed"] for row in rows if row["way"] == way} for way in WAYS))
    found: Curves = {}
    for way in WAYS:
        of_way = sorted((row for row in rows if row["way"] == way and row["seed"] in shared), key=lambda row: int(row["seed"]))
        keys = [f"{name} {measure}" for name in SETS for measure in MEASURES]
        found[way] = {key: np.array([[float(v) for v in row[key].split()] for row in of_way]) for key in keys}
        found[way]["seed"] = np.array([int(row["seed"]) for row in of_way])
    return found


def reference(found: Curves) -> int:
    """Solves after which random choice has closed 90 % of the way from its first error to that with the whole pool, on validation."""
    errors = found["at random"]["validation rms"].mean(axis=0)
    level = errors[-1] + (1 - CLOSED) * (errors[0] - errors[-1])
    return round(min(solves_needed(BUDGET.solves, errors[:-1].tolist(), level), BUDGET.solves[-1]))


def ratio(found: Curves, errors: Floats, key: str, at: float, rows: Index) -> float:
    """Solves that a way with these errors (seeds, P) needs for the error that random choice has after `at` solves, over `at`: of the mean
    curves over `rows` of the seeds. A curve that does not come down so far by its end counts as ending there, which is a bound from below.
    """
    error = float(np.interp(at, BUDGET.solves, found["at random"][key][rows, :-1].mean(axis=0)))
    needed = solves_needed(BUDGET.solves, errors[rows].mean(axis=0).tolist(), error)
    return min(needed, float(BUDGET.solves[-1])) / at


def chosen(found: Curves, at: float) -> list[str]:
    """For each seed the way with the lowest ratio on the validation stacks of those seeds that have the same stacks as their test."""
    seeds, ways = found["at random"]["seed"].astype(int), [way for way in WAYS if way != "at random"]
    best = {}
    for fold in np.unique(seeds % FOLDS):
        rows = np.flatnonzero(seeds % FOLDS == fold)
        best[fold] = min(ways, key=lambda way: ratio(found, found[way]["validation rms"], "validation rms", at, rows))
    return [best[seed % FOLDS] for seed in seeds]


def interval(found: Curves, errors: Floats, key: str, at: float) -> tuple[float, float]:
    """95 % of the ratios over resamples of the folds of stacks, each with all its seeds."""
    rng, folds = np.random.default_rng(0), found["at random"]["seed"].astype(int) % FOLDS
    rows = {fold: np.flatnonzero(folds == fold) for fold in np.unique(folds)}
    drawn = [ratio(found, errors, key, at, np.concatenate([rows[fold] for fold in rng.choice(list(rows), len(rows))])) for _ in range(2000)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def of_curves(on: str) -> Values:
    """Solves over those of random choice; the way is chosen on validation stacks, for each fold apart, and judged on its test stacks."""
    found = read_curves(on)
    at, every = reference(found), np.arange(len(found["at random"]["seed"]))
    best = chosen(found, at)
    values: Values = {"solves_random": (float(at), "count"), "seeds": (float(len(every)), "count")}
    for name in SETS[1:]:
        for measure in MEASURES:
            key = f"{name} {measure}"
            errors = np.stack([found[way][key][n, : len(BUDGET.solves)] for n, way in enumerate(best)])
            low, high = interval(found, errors, key, at)
            title = {"test rms": "solves_ratio"}.get(key, f"solves_ratio_{key.replace(' ', '_')}")
            values |= {title: (ratio(found, errors, key, at, every), "1"), f"{title}_low": (low, "1"), f"{title}_high": (high, "1")}
            values |= {f"{title}_at_{n}": (ratio(found, errors, key, n, every), "1") for n in (24, 32, 48, 64, 96)}
    for way in WAYS:
        title = way.replace(", ", "_").replace(" ", "_")
        values[f"{title}_times_chosen"] = (float(best.count(way)), "seeds")
        for key in (f"{name} {measure}" for name in SETS for measure in MEASURES):
            values[f"{title}_{key.replace(' ', '_')}_ratio"] = (ratio(found, found[way][key][:, : len(BUDGET.solves)], key, at, every), "1")
    values["error_with_pool"] = (float(found["at random"]["test rms"][:, -1].mean()), "s.d.")
    return values


def of_intervals(on: str) -> Values:
    """Coverage on test stacks of conformal intervals whose factor comes from left-out training stacks, over the seeds; and the error."""
    from cellml.data.labelled_mesh import folds_by_group

    x, y, stacks, _ = population(on)
    inside, raw, widths = [], [], []
    for seed in range(FOLDS):
        pool, validation, test = split(stacks, seed)
        train = np.concatenate([pool, validation])
        make = DeepEnsemble(x.shape[1], y.shape[1], members=BUDGET.members, steps=BUDGET.steps, seed=seed)
        mean, spread = out_of_fold(make, x[train], y[train], folds_by_group(stacks[train].tolist(), 4))
        factor = conformal_factor(y[train] - mean, spread, LEVEL)
        mean, spread = make.learn(x[train], y[train]).predict(x[test])
        inside.append(coverage(y[test], mean, factor * spread).mean())
        raw.append(coverage(y[test], mean, 1.645 * spread).mean())
        widths.append((factor * spread / y[train].std(axis=0)).mean())
    return {
        "interval_level": (LEVEL, "1"),
        "interval_coverage": (float(np.mean(inside)), "1"),
        "interval_coverage_uncalibrated": (float(np.mean(raw)), "1"),
        "interval_half_width": (float(np.mean(widths)), "s.d."),
    }


def summarise(on: str) -> None:
    """Write results.json (of real spines; results_mixed.json of all) and the figure; print the numbers."""
    x, _, stacks, real = population(on)
    values = {**of_curves(on), **of_intervals(on), "shapes": (float(len(x)), "count"), "real_shapes": (float(real.sum()), "count")}
    values["stacks"] = (float(len(set(stacks.tolist()))), "count")
    for key, (value, unit) in values.items():
        print(f"{key:60} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    if on == "spines":
        write_study_results(HERE, values, seed=0, budget=vars(BUDGET), on=on)
    figure(on)


def figure(on: str) -> None:
    """Mean curves of all ways on test stacks, with the spread over seeds."""
    from cellml.report.figure_style import figure_style, new_figure
    from cellml.report.palette import INK, OKABE_ITO

    found = read_curves(on)
    titles = {"test rms": "all shapes of left-out stacks", "test p90": "the tenth that is worst begins here"}
    with figure_style():
        drawing = new_figure(10.5, 3.8)
        panels: Any = drawing.subplots(1, 2)
        for axes, (key, title) in zip(panels, titles.items(), strict=True):
            for colour, (way, one) in zip((INK, *OKABE_ITO), found.items(), strict=False):
                errors = one[key][:, : len(BUDGET.solves)]
                mean, spread = errors.mean(axis=0), errors.std(axis=0) / np.sqrt(len(errors))
                axes.fill_between(BUDGET.solves, mean - spread, mean + spread, color=colour, alpha=0.12, linewidth=0)
                axes.plot(BUDGET.solves, mean, color=colour, label=way)
            axes.set(xlabel="simulations", yscale="log", title=title)
        panels[0].set_ylabel("error (s.d. of the observables)")
        panels[-1].legend()
        drawing.savefig(HERE / ("figure.png" if on == "spines" else f"figure_{on}.png"), dpi=130)


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    given = dict(word.split("=", 1) for word in sys.argv[1:])
    if given.get("stage", "curves") == "curves":
        curves(given.get("on", "spines"))
    summarise(given.get("on", "spines"))
