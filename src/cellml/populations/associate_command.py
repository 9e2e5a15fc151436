"""The verb `associate`: structure and phenotype of a simulated population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError
from cellml.populations.association import Association, associate, least_p
from cellml.populations.dependence import Dependence, dependences
from cellml.populations.regression import Regression, regress
from cellml.populations.scales import Columns, Floats
from cellml.populations.table import Simulated, read_simulated

ASSOCIATIONS, REGRESSION, DEPENDENCE = "associations.csv", "regression.csv", "dependence.csv"
FIGURES = ("associations.png", "dependence.png")
FEW_GROUPS = 6  # below, a bootstrap over groups has few distinct resamples, and its intervals hold less than they say
FILES = (ASSOCIATIONS, REGRESSION, DEPENDENCE, *FIGURES)


def associate_file(
    table: str | Path,
    output: str | Path,
    *,
    features: Sequence[str] | None = None,
    observables: Sequence[str] | None = None,
    controls: Sequence[str] = (),
    checkpoint: str | Path | None = None,
    source: str | Path | None = None,
    level: float = 0.95,
    fdr: float = 0.05,
    draws: int = 5000,
    curves: int = 3,
    seed: int = 0,
    overwrite: bool = False,
) -> list[Association]:
    """Relate the features of a population's shapes to its observables, print the strongest pairs and write the folder `output`.

    table: of `cellml populate`, the file or its folder; features, observables: columns, by default the descriptors and the model's
    observables; controls: columns whose linear part is taken out of both first, such as volume_nm3; checkpoint, source: a model of shapes
    and the population (as `cellml.shapes.reading.read_population` reads it) that it encodes: its codes become features code_1, code_2, …,
    by the names of the shapes; level: of the intervals; fdr: share of kept pairs that may be false; draws: permutations; curves: how many
    partial dependences are drawn of each observable, of the features with the steepest slopes.

    output holds associations.csv (see `Association`), regression.csv (see `Regression`), dependence.csv and two figures. Raises FileError
    and CellmlError for tables that cannot be used, before anything is written.
    """
    from cellml.io import atomic_path
    from cellml.sim.results import require_free

    require_free(output, overwrite=overwrite, known=FILES)
    if (checkpoint is None) != (source is None):
        raise CellmlError("checkpoint= and source= belong together: a model of shapes, and the shapes that it encodes.")
    if not 0 < fdr < 1 or curves < 0:
        raise CellmlError(f"fdr={fdr} must be a share between 0 and 1, such as 0.05, and curves={curves} 0 or more.")
    read = read_simulated(table, features, observables)
    if checkpoint is not None and source is not None:
        read = with_codes(read, checkpoint, source)
    x, y = Columns.of(read.features), Columns.of(read.observables)
    held = _controls(read, controls)
    found = associate(x, y, read.groups, controls=held, level=level, draws=draws, seed=seed)
    together = regress(x, y, read.groups, level=level, seed=seed)
    drawn = _curves(x, y, read.groups, found, curves, seed)
    with atomic_path(output) as aside:
        aside.mkdir()
        _write(aside, found, x, together, drawn, y, read.units, fdr=fdr, level=level)
    _print(found, together, read, fdr, output)
    for told in limits_of(read.groups, len(found), draws=draws, fdr=fdr, level=level):
        print(told)
    return found


def limits_of(groups: Sequence[str], pairs: int, *, draws: int, fdr: float, level: float) -> list[str]:
    """What so few groups, shapes or draws cannot show, in sentences; none where there are enough.

    With m pairs the control keeps k of them that all have the smallest p where m p / k is at most fdr (`benjamini_hochberg`).
    """
    told, count, least = [], len(set(groups)), least_p(groups, draws)
    if count < FEW_GROUPS:
        told.append(f"Intervals ({100 * level:g} %) over {count} groups are too narrow; {FEW_GROUPS} are the least to rely on.")
    needed = ceil(pairs * least / fdr * (1 - 1e-9))
    if needed > 1:
        whatever = "nothing could have been kept" if needed > pairs else f"nothing could have been kept unless {needed} of them reach it"
        told.append(
            f"The smallest p that these shapes, groups and draws={draws} allow is {least:.2g}; at a false-discovery rate of {fdr:g} over "
            f"{pairs} pairs {whatever}."
        )
    return told


def with_codes(read: Simulated, checkpoint: str | Path, source: str | Path) -> Simulated:
    """The shapes that a model of shapes can encode, with their codes as features. Raises CellmlError where there are fewer than three."""
    from cellml.checkpoint import load
    from cellml.shapes.model import ShapeModel
    from cellml.shapes.reading import read_population

    task = load(checkpoint).task
    if not isinstance(task, ShapeModel):
        raise CellmlError(f"{checkpoint} is no model of shapes ({type(task).__name__}): it has no codes.")
    population = read_population(source)
    place = {name: n for n, name in enumerate(population.names)}
    rows = [n for n, name in enumerate(read.names) if name in place]
    if len(rows) < 3:
        raise CellmlError(f"{len(rows)} of {len(read.names)} shapes of the table are in {source} by name; three are the least.")
    codes = task.encode(population.select([place[read.names[n]] for n in rows]))
    columns = {f"code_{k + 1}": np.asarray(codes[:, k], np.float64) for k in range(codes.shape[1])}
    return Simulated(
        tuple(read.names[n] for n in rows),
        tuple(read.groups[n] for n in rows),
        tuple(read.kinds[n] for n in rows),
        {**{name: values[rows] for name, values in read.features.items()}, **columns},
        {name: values[rows] for name, values in read.observables.items()},
        read.units,
        read.rows,
    )


def _controls(read: Simulated, names: Sequence[str]) -> Columns | None:
    known = {**read.features, **read.observables}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CellmlError(f"controls={unknown}: the table's columns in use are {', '.join(known)}.")
    return Columns.of({name: known[name] for name in names}) if names else None


def _curves(x: Columns, y: Columns, groups: Sequence[str], found: Sequence[Association], count: int, seed: int) -> list[Dependence]:
    """Curves of the features with the steepest slopes, for each observable."""
    drawn: list[Dependence] = []
    for place, observable in enumerate(y.names if count > 0 else ()):
        steepest = sorted((one for one in found if one.observable == observable), key=lambda one: -abs(one.slope))[:count]
        drawn += dependences(x, observable, y.values[:, place], groups, [one.feature for one in steepest], seed=seed)
    return drawn


def _write(
    folder: Path,
    found: Sequence[Association],
    x: Columns,
    together: Sequence[Regression],
    drawn: Sequence[Dependence],
    y: Columns,
    units: Mapping[str, str],
    *,
    fdr: float,
    level: float,
) -> None:
    from cellml.populations.association_figure import draw_associations, draw_dependences
    from cellml.populations.table import Table

    Table(folder / ASSOCIATIONS, tuple(asdict(found[0]))).replace([asdict(one) for one in found])
    rows: list[dict[str, Any]] = []
    for one in together:
        rows.append(
            {"observable": one.observable, "term": "r2 in left-out groups", "value": one.r2, "low": one.r2_low, "high": one.r2_high}
        )
        terms = zip(x.names, one.coefficients, one.low, one.high, strict=True)
        rows += [{"observable": one.observable, "term": name, "value": v, "low": low, "high": high} for name, v, low, high in terms]
    Table(folder / REGRESSION, ("observable", "term", "value", "low", "high")).replace(rows)
    draw_associations(found, folder / FIGURES[0], fdr=fdr, level=level)
    if drawn:
        Table(folder / DEPENDENCE, ("observable", "feature", "place", "value", "low", "high")).replace(_points(drawn, x, y))
        draw_dependences(drawn, x, y, units, folder / FIGURES[1])


def _points(drawn: Sequence[Dependence], x: Columns, y: Columns) -> list[dict[str, Any]]:
    """Points of the curves in the units of the table."""

    def back(columns: Columns, name: str, values: Floats) -> Floats:
        return np.exp(values) if columns.logarithms[columns.names.index(name)] else values

    return [
        {"observable": c.observable, "feature": c.feature, "place": p, "value": v, "low": low, "high": high}
        for c in drawn
        for p, v, low, high in zip(
            back(x, c.feature, c.places), *(back(y, c.observable, one) for one in (c.values, c.low, c.high)), strict=True
        )
    ]


def _print(found: Sequence[Association], together: Sequence[Regression], read: Simulated, fdr: float, output: str | Path) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table("observable", "feature", "slope (s.d./s.d.)", "interval", "exponent", "p", "q", title="steepest slopes")
    for observable in dict.fromkeys(one.observable for one in found):
        for one in sorted((a for a in found if a.observable == observable), key=lambda a: -abs(a.slope))[:5]:
            power = f"{one.exponent:.2f}" if one.log_log else ""
            shown.add_row(
                observable, one.feature, f"{one.slope:+.2f}", f"{one.low:+.2f} to {one.high:+.2f}", power, f"{one.p:.2g}", f"{one.q:.2g}"
            )
    console = Console(highlight=False, soft_wrap=True)
    console.width = console.width if console.is_terminal else 120
    kept = sum(one.q <= fdr for one in found)
    console.print(shown)
    console.print(
        f"{kept} of {len(found)} pairs are kept at a false-discovery rate of {fdr:g}; {len(read.names)} shapes in {found[0].groups} groups."
    )
    for model in together:
        share = f"{100 * model.r2:.0f} % ({100 * model.r2_low:.0f} to {100 * model.r2_high:.0f} %)"
        console.print(f"All features together explain {share} of the variance of {model.observable} in left-out groups.")
    console.print(f"Tables and figures are in {output}", markup=False)
