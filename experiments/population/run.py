"""All 292 spines simulated, beside the idealised shape of each one's volume and area; see README.md.

CELLML_DATA=… python experiments/population/run.py                    # all stages; rows that are there are not computed again
CELLML_DATA=… python experiments/population/run.py stages=real workers=2
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.populations.table import Simulated, read_simulated
from cellml.report.results import write_study_results
from cellml.report.rows import read_rows

HERE = Path(__file__).parent
MODEL, VOXELS, SEED, DRAWS, LEVEL = "spine_decay", 1500, 0, 2000, 0.95
FINER, FIRST = 3000, 80  # voxels of the stage `sampling`, which simulates the first spines again to measure what the sampling changes
KINDS = ("capsule", "ball_and_stick")
OBSERVABLES = {
    "diffusion_time": "diffusion time, sealed (s)",
    "escape_time": "escape through the base (s)",
    "neck_conductance": "conductance, base to head (µm³/s)",
    "calcium_half_time": "calcium half-time (s)",
}
Floats = NDArray[np.float64]
Values = dict[str, tuple[float | None, str]]


def simulate(stage: str, workers: int) -> None:
    """One table: of real spines, or of idealised shapes with the volume and area of their meshes, so that like is compared with like."""
    from cellml.populations.command import populate

    if stage == "real":
        populate("spines", MODEL, HERE / stage, voxels=VOXELS, workers=workers)
    else:
        populate(HERE / "real" / "table.csv", MODEL, HERE / stage, idealised=stage, voxels=VOXELS, workers=workers)  # type: ignore[arg-type]


def of_tables() -> Values:
    """How many shapes of each table were simulated, and what that took."""
    values: Values = {}
    for stage in ("real", *KINDS):
        rows = read_rows(HERE / stage / "table.csv")
        if not rows:
            continue
        good = sum(row["state"] == "ok" for row in rows)
        cpu = sum(float(row["cpu_s"]) for row in rows) / 60
        name = "spines" if stage == "real" else stage
        values |= {f"{name}_count": (float(len(rows)), "count"), f"{name}_success": (good / len(rows), "1")}
        values |= {f"{name}_cpu": (cpu, "min"), f"{name}_cpu_median": (float(np.median([float(row["cpu_s"]) for row in rows])), "s")}
        if stage == "real":
            values["total_time"] = (cpu / 2, "min")
            errors = {key: [float(r[f"{key}_error"]) / float(r[key]) for r in rows if r[f"{key}_error"]] for key in OBSERVABLES}
            values |= {f"{key}_mesh_error_median": (float(np.median(found)), "1") for key, found in errors.items() if found}
    return values


def paired(kind: str) -> tuple[Simulated, dict[str, Floats], list[str]]:
    """Real spines that have both, the idealised observables and features by name in the same order, and their stacks."""
    real, ideal = read_simulated(HERE / "real"), read_simulated(HERE / kind)
    place = {name: n for n, name in enumerate(ideal.names)}
    rows = [n for n, name in enumerate(real.names) if name in place]
    match = [place[real.names[n]] for n in rows]
    both = Simulated(
        tuple(real.names[n] for n in rows),
        tuple(real.groups[n] for n in rows),
        tuple(real.kinds[n] for n in rows),
        {name: values[rows] for name, values in real.features.items()},
        {name: values[rows] for name, values in real.observables.items()},
        real.units,
        len(rows),
    )
    return both, {name: values[match] for name, values in {**ideal.features, **ideal.observables}.items()}, list(both.groups)


def over_stacks(values: Floats, stacks: list[str], of: Any) -> tuple[float, float, float]:
    """A statistic of the values (N, …), and percentiles of it over resamples of whole stacks."""
    rng, labels = np.random.default_rng(SEED), np.asarray(stacks)
    members = [np.flatnonzero(labels == name) for name in np.unique(labels)]
    drawn = [of(values[np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])]) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, (50 * (1 - LEVEL), 50 * (1 + LEVEL)))
    return float(of(values)), float(low), float(high)


def of_idealisation(kind: str) -> Values:
    """Relative errors of one kind of idealised shape, with intervals over stacks."""
    from scipy.stats import spearmanr

    real, ideal, stacks = paired(kind)
    ratios = np.stack([ideal[name] / real.observables[name] for name in OBSERVABLES], axis=1)
    errors = np.abs(ratios - 1)
    values: Values = {f"{kind}_pairs": (float(len(ratios)), "count"), f"{kind}_stacks": (float(len(set(stacks))), "count")}
    for name, (middle, low, high) in {
        "error_median": over_stacks(errors, stacks, np.median),
        **{f"{o}_error": over_stacks(errors[:, n], stacks, np.median) for n, o in enumerate(OBSERVABLES)},
        **{f"{o}_ratio": over_stacks(ratios[:, n], stacks, np.median) for n, o in enumerate(OBSERVABLES)},
    }.items():
        values |= {f"{kind}_{name}": (middle, "1"), f"{kind}_{name}_low": (low, "1"), f"{kind}_{name}_high": (high, "1")}
    for n, o in enumerate(OBSERVABLES):
        values[f"{kind}_{o}_rank_correlation"] = (float(spearmanr(ideal[o], real.observables[o]).statistic), "1")
        values[f"{kind}_{o}_error_p90"] = (float(np.percentile(errors[:, n], 90)), "1")
    for size in ("volume_nm3", "area_nm2", "base_nm2"):
        values[f"{kind}_{size}_ratio_median"] = (float(np.median(ideal[size] / real.features[size])), "1")
    return values


def of_sampling() -> Values:
    """What the sampling changes: the first spines again, on twice as many voxels."""
    if not (HERE / "sampling" / "table.csv").is_file():
        return {}
    fine, coarse = read_simulated(HERE / "sampling"), read_simulated(HERE / "real")
    place = {name: n for n, name in enumerate(coarse.names)}
    rows = [(n, place[name]) for n, name in enumerate(fine.names) if name in place]
    values: Values = {"sampling_pairs": (float(len(rows)), "count")}
    for o in OBSERVABLES:
        change = np.array([abs(coarse.observables[o][m] / fine.observables[o][n] - 1) for n, m in rows])
        values[f"sampling_{o}_change_median"] = (float(np.median(change)), "1")
    return values


def summarise() -> Values:
    """Write results.json, the association folder and figure.png; print the numbers."""
    from cellml.populations.associate_command import associate_file

    values = of_tables()
    kinds = [kind for kind in KINDS if (HERE / kind / "table.csv").is_file()]
    for kind in kinds:
        values |= of_idealisation(kind)
    values |= of_sampling()
    if "capsule" in kinds:
        values |= {f"idealisation_error_median{end}": values[f"capsule_error_median{end}"] for end in ("", "_low", "_high")}
    found = associate_file(HERE / "real", HERE / "association", seed=SEED, overwrite=True)
    values |= {"associations": (float(len(found)), "count"), "associations_kept": (float(sum(a.q <= 0.05 for a in found)), "count")}
    write_study_results(HERE, values, seed=SEED, voxels=VOXELS, finer=FINER, time="processor time of all rows / 2 workers")
    for key, (value, unit) in values.items():
        print(f"{key:48} {'–' if value is None else f'{value:.4g}':>10} {unit}")
    figure(kinds)
    return values


def figure(kinds: list[str]) -> None:
    """Idealised against real observables, and the errors with their intervals."""
    from cellml.report.figure_style import figure_style, new_figure
    from cellml.report.palette import BLUE, MUTED, ORANGE

    colours = dict(zip(KINDS, (BLUE, ORANGE), strict=True))
    with figure_style():
        drawing = new_figure(15.5, 3.4)
        panels = drawing.subplots(1, 5, width_ratios=(1, 1, 1, 1, 1.1))
        for axes, (name, title) in zip(panels, OBSERVABLES.items(), strict=False):
            ends = []
            for kind in kinds:
                real, ideal, _ = paired(kind)
                axes.plot(
                    real.observables[name], ideal[name], ".", color=colours[kind], markersize=4, alpha=0.6, label=kind.replace("_", " ")
                )
                ends += [real.observables[name].min(), real.observables[name].max()]
            axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color=MUTED, linewidth=0.8)
            what, unit = title.removesuffix(")").split(" (")
            axes.set(xscale="log", yscale="log", title=what, xlabel=f"real spine ({unit})")
            axes.set_ylabel(f"idealised ({unit})")
        panels[0].legend()
        last = panels[-1]
        for shift, kind in enumerate(kinds):
            found = of_idealisation(kind)
            for place, name in enumerate(OBSERVABLES):
                low, middle, high = (100 * float(found[f"{kind}_{name}_error{end}"][0] or 0) for end in ("_low", "", "_high"))
                at = place + 0.2 * (shift - 0.5 * (len(kinds) - 1))
                last.plot([low, high], [at, at], color=colours[kind])
                last.plot(middle, at, "o", color=colours[kind], markersize=5)
        last.set_yticks(
            range(len(OBSERVABLES)),
            [title.split(" (")[0].replace(", ", ",\n").replace(" through", "\nthrough") for title in OBSERVABLES.values()],
        )
        last.invert_yaxis()
        last.set(xlabel="median error (%)", title="error of the idealised shape", xlim=(0, None))
        drawing.savefig(HERE / "figure.png", dpi=130)


def main(words: list[str]) -> None:
    """Stages by name; sampling: the first spines on twice as many voxels."""
    given = dict(word.split("=", 1) for word in words)
    unknown = set(given) - {"stages", "workers"}
    if unknown:
        raise CellmlError(f"{', '.join(sorted(unknown))}: give stages=real,capsule,sampling,ball_and_stick,summary and workers=2.")
    workers = int(given.get("workers", 2))
    for stage in given.get("stages", "real,capsule,sampling,ball_and_stick,summary").split(","):
        if stage == "summary":
            summarise()
        elif stage == "sampling":
            from cellml.populations.command import populate

            populate("spines", MODEL, HERE / stage, voxels=FINER, workers=workers, limit=FIRST)
        elif stage in ("real", *KINDS):
            simulate(stage, workers)
        else:
            raise CellmlError(f"There is no stage {stage!r}.")


if __name__ == "__main__":
    main(sys.argv[1:])
