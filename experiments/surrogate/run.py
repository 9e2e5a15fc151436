"""How many simulations a surrogate needs when a rule chooses them; see README.md.

python experiments/surrogate/run.py                 # on the tables of experiments/population: real spines, and with their idealised shapes
python experiments/surrogate/run.py on=spines       # one of the two pools
python experiments/surrogate/run.py stage=summary   # results.json and figure.png of the curves that are there

Curves that are there are not computed again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ratios import Curves

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
from cellml.populations.surrogate.learning import Budget, learning_curve
from cellml.populations.surrogate.occasion import Rule
from cellml.populations.table import read_simulated
from cellml.report.results import write_study_results
from cellml.report.rows import append_row, read_rows

HERE = Path(__file__).parent
TABLES = HERE.parent / "population"
FOLDS, REPEATS, LEVEL = 10, 1, 0.9
MEMBERS, STEPS = 6, 120
SOLVES = {"spines": (8, 12, 16, 24, 32, 40, 48, 64, 80, 96), "mixed": (8, 12, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192)}
WAYS: dict[str, tuple[Rule, Rule]] = {  # what chooses the first shapes, and what the others
    "at random": (at_random, at_random),
    "experimental design": (experimental_design, experimental_design),
    "learned design": (learned_design, learned_design),
    "farthest first": (farthest_first, farthest_first),
    "design, then error reduction": (experimental_design, expected_error_reduction),
    "design, then at random": (experimental_design, at_random),
    "diverse variance": (at_random, diverse_variance),
}
LEFT_OUT = {"mixed": ("farthest first", "design, then at random")}  # which spines alone have shown to be no better
KINDS = {"spines": ("real",), "mixed": ("real", "capsule")}  # tables of experiments/population
POOLS, HEADLINE = {"mixed": "real and idealised", "spines": "real spines"}, "mixed"
SETS, MEASURES = ("validation", "test", "test real"), ("rms", "p90")
TITLES = dict(zip(MEASURES, ("root mean square", "exceeded by a tenth of the shapes"), strict=True))
Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Values = dict[str, tuple[float | None, str]]


def population(on: str) -> tuple[Floats, Floats, NDArray[np.str_], NDArray[np.bool_]]:
    """Features (N, K) and observables (N, T) on their scales, stacks (N,), and whether a shape is a real spine (N,)."""
    read = [read_simulated(TABLES / kind) for kind in KINDS[on]]
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
            if (way, str(seed)) in done or way in LEFT_OUT.get(on, ()):
                continue
            solves = (*SOLVES[on], len(pool)) if way == "at random" else SOLVES[on]
            missed = learning_curve(x, y, pool, judged, rule, Budget(solves, MEMBERS, STEPS), seed, start)
            cells: dict[str, Any] = {"way": way, "seed": seed, "pool": len(pool)}
            for number, name in enumerate(SETS):
                for measure in MEASURES:
                    cells[f"{name} {measure}"] = " ".join(f"{measured(one[number])[measure]:.5f}" for one in missed)
            append_row(path, cells)


def read(on: str) -> Curves:
    """Curves of a pool, of the seeds that all ways have."""
    return Curves.read(HERE / f"curves_{on}.csv", SOLVES[on], tuple(f"{name} {measure}" for name in SETS for measure in MEASURES), FOLDS)


def of_curves(on: str) -> Values:
    """Solves over those of random choice, of all ways; that chosen on validation stacks is judged on test stacks, with intervals."""
    found = read(on)
    at = found.reference("validation rms")
    best = found.chosen("validation rms", at)
    values: Values = {
        "solves_random": (float(at), "count"),
        "seeds": (float(len(found.folds)), "count"),
        "chosen_way": (float(list(WAYS).index(best)), "number in " + "; ".join(WAYS)),
        "error_with_pool": (float(found.whole["test rms"].mean()), "s.d."),
    }
    sets = SETS if len(KINDS[on]) > 1 else SETS[:2]
    for key in (f"{name} {measure}" for name in sets for measure in MEASURES):
        title, (low, high) = _key("solves ratio" if key == "test rms" else f"solves ratio {key}"), found.interval(best, key, at)
        values |= {title: (found.ratio(best, key, at), "1"), f"{title}_low": (low, "1"), f"{title}_high": (high, "1")}
        values |= {f"{title}_at_{n}": (found.ratio(best, key, n), "1") for n in found.solves[3:]}
        values |= {_key(f"{way} {key} ratio"): (found.ratio(way, key, at), "1") for way in found.errors}
    return values


def _key(title: str) -> str:
    return title.replace(",", "").replace(" ", "_")


def of_intervals(on: str) -> Values:
    """Coverage on test stacks of conformal intervals whose factor comes from left-out training stacks, over the seeds; and the error."""
    from cellml.data.labelled_mesh import folds_by_group

    x, y, stacks, _ = population(on)
    inside, raw, widths = [], [], []
    for seed in range(FOLDS):
        pool, validation, test = split(stacks, seed)
        train = np.concatenate([pool, validation])
        make = DeepEnsemble(x.shape[1], y.shape[1], members=MEMBERS, steps=STEPS, seed=seed)
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


def summarise() -> None:
    """Write results.json and figure.png of the pools whose curves are there; print the numbers. Keys without a pool are of `HEADLINE`."""
    pools = [on for on in POOLS if (HERE / f"curves_{on}.csv").is_file()]
    values: Values = {}
    for on in pools:
        x, _, stacks, real = population(on)
        counts: Values = {"shapes": (float(len(x)), "count"), "real_shapes": (float(real.sum()), "count")}
        counts["stacks"] = (float(len(set(stacks.tolist()))), "count")
        found = {**of_curves(on), **of_intervals(on), **counts}
        values |= found if on == HEADLINE else {f"{on}_{key}": value for key, value in found.items()}
    for key, (value, unit) in values.items():
        print(f"{key:60} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    write_study_results(
        HERE, values, seed=0, solves={on: list(numbers) for on, numbers in SOLVES.items()}, members=MEMBERS, steps=STEPS, headline=HEADLINE
    )
    figure(pools)


def figure(pools: list[str]) -> None:
    """Mean curves of all ways on test stacks."""
    from matplotlib.ticker import FixedLocator, NullLocator

    from cellml.report.figure_style import figure_style, new_figure
    from cellml.report.palette import INK, OKABE_ITO

    with figure_style():
        drawing = new_figure(10.5, 3.8 * len(pools))
        rows: Any = drawing.subplots(len(pools), len(MEASURES), squeeze=False)
        for on, row in zip(pools, rows, strict=True):
            found = read(on)
            for measure, axes in zip(MEASURES, row, strict=True):
                for colour, way in zip((INK, *OKABE_ITO), WAYS, strict=False):
                    if way not in found.errors:
                        continue
                    mean = found.errors[way][f"test {measure}"].mean(axis=0)
                    axes.plot(found.solves, mean, color=colour, label=way)
                axes.axvline(found.reference("validation rms"), color=INK, linewidth=0.8, linestyle=":", label="where solves are compared")
                axes.set(xlabel="simulations", yscale="log", title=f"{POOLS[on]}: {TITLES[measure]}")
                axes.yaxis.set_major_locator(FixedLocator((0.2, 0.3, 0.4, 0.6, 0.8, 1.0)))
                axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
                axes.yaxis.set_minor_locator(NullLocator())
            row[0].set_ylabel("error (s.d. of the observables)")
        rows[-1, -1].legend()
        drawing.savefig(HERE / "figure.png", dpi=130)


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    given = dict(word.split("=", 1) for word in sys.argv[1:])
    if given.get("stage", "curves") == "curves":
        for pool in given.get("on", ",".join(POOLS)).split(","):
            curves(pool)
    summarise()
