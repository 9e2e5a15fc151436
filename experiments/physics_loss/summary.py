"""The rows of the study to its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from choice import START, Floats, Scores, Setting, median_error
from numpy.typing import NDArray
from routes import ROUTES, SEEDS
from shapes import OTHERS, TEST, TRAINED, VALIDATION

from cellml.report.results import write_study_results
from cellml.report.rows import read_rows

Rows = list[dict[str, str]]
Values = dict[str, tuple[float | None, str]]
DRAWS = 4000


def summarise(folder: Path) -> Values:
    """Write results.json and figure.png, and print the numbers."""
    from figure import draw
    from run import settings_of

    test, validation = (read_rows(folder / f"{name}.csv") for name in ("test", "validation"))
    values: Values = {}
    chosen: dict[str, dict[str, str]] = {}
    drawn = {}
    for route in ROUTES:
        rows = [row for row in test if row["route"] == route]
        if rows:
            settings = settings_of(route)
            arms = arms_of(rows, settings)
            prefix = "" if route == "head" else f"{route}_"
            values |= {f"{prefix}{key}": value for key, value in numbers(arms).items()}
            chosen[route] = {name: words(setting) for name, setting in settings.items()}
            drawn[route] = arms, [row for row in validation if row["route"] == route]
    values |= _of_gradients(read_rows(folder / "gradients.csv"))
    arms = drawn["head"][0]
    about = {"seeds": arms["with"].seeds, "shapes": len(arms["with"].shapes), "seeds_of_shapes": [VALIDATION, TEST], "chosen": chosen}
    write_study_results(folder, values, seed=SEEDS[0], **about)
    draw(drawn, folder / "figure.png")
    for key, (value, unit) in values.items():
        print(f"{key:48} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    return values


def arms_of(rows: Rows, settings: dict[str, Setting]) -> dict[str, Scores]:
    """Scores by arm, of the trainings that both arms have with all shapes that the start has; arms without any are left out."""
    count = len(Scores(rows, START).shapes)
    whole = {}
    for name, setting in settings.items():
        of = Scores(rows, setting)
        whole[name] = {seed for seed in of.seeds if sum(seed == known for known, _ in of.rows) == count}
    trained = [seeds for name, seeds in whole.items() if name in ("with", "control") and settings[name].steps]
    both = set.intersection(*trained) if trained else {0}
    kept = [row for row in rows if int(row["steps"]) == 0 or int(row["seed"]) in both]
    found = {name: Scores(kept, setting) for name, setting in settings.items()}
    return {name: of for name, of in found.items() if of.complete and len(of.shapes) == count}


def words(setting: Setting) -> str:
    """What a setting is, in words."""
    way = setting.way
    told = [f"physics {way.physics:g}"] * bool(way.physics) + ["surfaces"] * way.surfaces
    return f"{setting.steps} steps{', ' if told else ''}{', '.join(told)}" if setting.steps else "as it was"


def numbers(arms: dict[str, Scores]) -> Values:
    """Those of every arm, and with physics against each of the others."""
    values: Values = {}
    for name, of in arms.items():
        values |= _of_arm(name, of)
    one = arms["with"]
    for other, suffix in (("control", ""), ("start", "_vs_start"), ("equal", "_vs_equal_steps")):
        if other not in arms:
            continue
        two = arms[other]
        for key, names in {"sim": TRAINED, "other": OTHERS, **{name: (name,) for name in TRAINED}}.items():
            values |= _ratio(f"{key}_error_ratio{suffix}", one.errors(names), two.errors(names))
        values |= _change(f"dice_change{suffix}", one.column("dice"), two.column("dice"))
        better = one.errors(TRAINED).mean(0) < two.errors(TRAINED).mean(0)
        values[f"better_share{suffix}"] = (float(better.mean()), "1")
    return values


def _of_arm(name: str, of: Scores) -> Values:
    values: Values = {f"{name}_sim_error": (median_error(of.errors(TRAINED)), "1")}
    for answer in (*TRAINED, *OTHERS):
        values[f"{name}_{answer}_error"] = (median_error(of.errors((answer,))), "1")
        values[f"{name}_{answer}_bias"] = (float(np.nanmedian(of.column(answer), axis=1).mean()), "1")
    failed = np.isnan([of.column(answer) for answer in TRAINED])
    values[f"{name}_failed"] = (float(failed.mean()), "1")
    return values | {f"{name}_dice": (float(of.column("dice").mean()), "1")}


def _of_gradients(rows: Rows) -> Values:
    values: Values = {}
    for head, key in {"inference": "gradient_error", "nothing drawn back": "gradient_error_undrawn"}.items():
        for length, more in {"1e-06": "", "0.0001": "long_"}.items():
            found = [float(row["error"]) for row in rows if (row["head"], row["length"], row["signs_kept"]) == (head, length, "True")]
            if found:
                values[f"{key}_{more}worst"] = (max(found), "1")
                values[f"{key}_{more}median"] = (float(np.median(found)), "1")
    return values


def _ratio(key: str, one: Floats, other: Floats) -> Values:
    """The ratio of median errors (S, N) with its interval of 95 %: shapes and seeds drawn with replacement, the same ones for both."""
    found = _drawn_medians(one) / _drawn_medians(other)
    return _with_interval(key, median_error(one) / median_error(other), found)


def _change(key: str, one: Floats, other: Floats) -> Values:
    """The mean difference with its interval, as `_ratio`."""
    apart = one - other  # the start has one row for all seeds
    seeds, shapes = _draws(apart.shape)
    means = apart[:, shapes].mean(axis=2)  # (S, DRAWS)
    return _with_interval(key, float(apart.mean()), means[seeds, np.arange(DRAWS)].mean(0))


def _drawn_medians(errors: Floats) -> Floats:
    seeds, shapes = _draws(errors.shape)
    medians = np.median(errors[:, shapes], axis=2)  # (S, DRAWS)
    return np.asarray(medians[seeds, np.arange(DRAWS)].mean(0))


def _draws(shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Seeds (S, DRAWS) and shapes (DRAWS, N), the same for all errors of as many of them."""
    seeds = np.random.default_rng(0).integers(shape[0], size=(shape[0], DRAWS))
    return seeds, np.random.default_rng(1).integers(shape[1], size=(DRAWS, shape[1]))


def _with_interval(key: str, value: float, drawn: Floats) -> Values:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {key: (value, "1"), f"{key}_low": (float(low), "1"), f"{key}_high": (float(high), "1")}
