"""The verb `populate`: a model in every shape of a population."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from cellml.blocks.engine import Engine, engine_of
from cellml.blocks.stages import Limits
from cellml.blocks.until_full import UntilFull, require_space
from cellml.blocks.workers import Outcome
from cellml.errors import CellmlError
from cellml.populations.base_rule import base_rule
from cellml.populations.members import Member, idealisable, members_of, warn_of_unit
from cellml.populations.recipe import BaseRule, Idealisation, Measured, Recipe
from cellml.populations.table import ABOUT, RECORD, TABLE, Table, read_record
from cellml.shapes.descriptors import DESCRIPTORS


def populate(
    source: str | Path,
    model: str | Path,
    output: str | Path,
    *,
    base: BaseRule = "auto",
    idealised: Idealisation | None = None,
    voxels: int = 4000,
    places: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    errors: Literal["auto", "always", "never"] = "never",
    cluster: Mapping[str, Any] | None = None,
    workers: int | None = None,
    timeout_s: float = 120.0,
    tries: int = 2,
    limit: int | None = None,
    again: bool = False,
    meshes: bool = False,
    unit: str | None = None,
    group_pattern: str | None = None,
) -> dict[str, Any]:
    """Mesh every shape of a population and solve a model in it; a row of `output/table.csv` for each, and what was asked in `record.json`.

    The finished table is `output/table.parquet` as well, where pyarrow is installed.

    source: "spines", a folder of tetrahedral meshes or of surfaces, whatever `read_population` reads, or, with `idealised`, the table of an
    earlier run; model: a model file or the name of a shipped one; output: a folder; one with a table of the same run goes on where it
    stood. base: which facets of a surface are called `base` (then those farthest from it are called `head`), see
    `cellml.populations.recipe.Recipe`; "auto": the cut of spines, and the flat end of idealised shapes unless the record beside the table
    says that the real ones had no base; idealised: simulate the capsule or the ball and stick of equal volume and area in place of each
    shape; voxels: samples inside a surface; places, parameters, errors: as in `cellml simulate`; cluster: an engine of `cellml.blocks`,
    None for processes of this machine; workers: how many, each of one thread, the engine's own number if None; timeout_s: processor time
    of one try of one shape (and twenty times as long by the clock); tries: of each shape, from the second on sampled more densely. limit:
    only the first so many shapes; again: try those that failed in the earlier run once more; meshes: keep them in `output/meshes`; unit,
    group_pattern: see `cellml.shapes.reading.read_population`; another pattern gives finished rows their groups anew. A shape is known by
    its name: rows stay as they are where its file has changed since.

    Rows have the state "ok", "incomplete" (an observable has no answer on this shape; `reason` says why) or "failed". Returns counts, and
    seconds by the clock and of processors. Raises FileError and CellmlError for what cannot be read, before anything is written, and for
    an output that holds another run, or in which another process works right now; FileError for a full disk, which ends the run (rows so
    far are kept, and the same command goes on); CellmlError, after the table is written, where every shape failed.
    """
    from cellml.io.alone import alone_in
    from cellml.sim.shipped import find_model

    engine, limits = engine_of(cluster, workers), Limits(timeout_s, tries)
    members = members_of(source, unit=unit, group_pattern=group_pattern)[: _limit(limit)]
    warn_of_unit(members, source)
    if idealised is not None:
        idealisable(members)
    target = Path(output).expanduser()
    rule, about_base = base_rule(base, source, idealised)
    recipe = Recipe(
        find_model(model),
        rule,
        idealised,
        _voxels(voxels),
        places or {},
        parameters or {},
        errors,
        timeout_s,
        target.resolve() / "meshes" if meshes else None,
    )
    names = tuple(request.name for request in recipe.load().observables)
    if not names:
        raise CellmlError(f"{recipe.model} has no observables, so that nothing is measured; give it a section `observables:`.")
    asked = _record(source, target, members, recipe, names)
    if target.is_file():
        raise CellmlError(f"{target} is a file; output is a folder.")
    with alone_in(target):
        table, rows = _opened(target, asked, names, again)
        begun = time.perf_counter()
        rows |= _simulated(members, recipe, table, rows, asked, engine, limits)
        table.replace({**rows[m.name], "group": m.group, "class": m.kind} for m in members if m.name in rows)  # groups may be told anew
        table.copy_as_parquet()
    summary = _told(rows, members, target, time.perf_counter() - begun, engine.workers, about_base)
    _require_an_answer(rows, target)
    return summary


def _limit(limit: int | None) -> int | None:
    if limit is not None and limit < 1:
        raise CellmlError(f"limit={limit}: one shape is the least.")
    return limit


def _voxels(voxels: int) -> int:
    if voxels < 200:
        raise CellmlError(f"voxels={voxels} is too few to hold a shape; use 200 or more.")
    return voxels


def _source(source: str | Path, output: Path) -> str:
    """The name of a population as given; a file or folder as seen from the output, so that both can be moved together."""
    import os

    path = Path(str(source)).expanduser()
    return Path(os.path.relpath(path, output)).as_posix() if path.exists() else str(source)


def _record(source: str | Path, output: Path, members: Sequence[Member], recipe: Recipe, names: Sequence[str]) -> dict[str, Any]:
    """What a run is: two with equal records may share a table."""
    from cellml import __version__

    told = hashlib.sha256("\n".join(member.name for member in members).encode()).hexdigest()[:16]
    return {
        "source": _source(source, output),
        "shapes": len(members),
        "names": told,
        "model": recipe.model.name,
        "model_sha256": hashlib.sha256(recipe.model.read_bytes()).hexdigest()[:16],
        "base": recipe.base,
        "idealised": recipe.idealised,
        "voxels": recipe.voxels,
        "unit": members[0].unit,
        "places": {key: str(value) for key, value in recipe.places.items()},
        "parameters": {key: str(value) for key, value in recipe.parameters.items()},
        "errors": recipe.errors,
        "cellml": __version__,
        "features": [*DESCRIPTORS, *(["base_nm2"] if recipe.base != "none" else [])],
        "units": dict.fromkeys(names, ""),
    }


def _opened(target: Path, asked: dict[str, Any], names: Sequence[str], again: bool) -> tuple[Table, dict[str, Mapping[str, Any]]]:
    """The table and the rows that stay, after checking that an earlier run there was the same."""
    from cellml.io import write_json

    columns = (*ABOUT, "tetrahedra", "least_dihedral_deg", *DESCRIPTORS, "base_nm2")
    clash = sorted(set(names) & set(columns))
    if clash:
        raise CellmlError(f"The model calls an observable {clash[0]}, which is a column of its own in the table; give it another `name:`.")
    earlier = read_record(target)
    odd = [key for key in asked if key not in ("units", "cellml") and earlier and earlier.get(key) != asked[key]]
    if odd:
        told = "; ".join(f"{key}: {earlier.get(key)} there, {asked[key]} now" for key in odd[:3])
        raise CellmlError(f"{target} holds a population that was simulated otherwise ({told}). Choose another output.")
    if not earlier:
        if (target / TABLE).exists():
            raise CellmlError(f"{target / TABLE} has no {RECORD} beside it, so that it is not known what it holds. Choose another output.")
        write_json(target / RECORD, asked)
    table = Table(target / TABLE, (*columns, *(each for name in names for each in (name, f"{name}_error"))))
    rows: dict[str, Mapping[str, Any]] = {row["name"]: row for row in table.begin()}
    return table, {name: row for name, row in rows.items() if not (again and row["state"] == "failed")}


def _simulated(
    members: Sequence[Member], recipe: Recipe, table: Table, known: Mapping[str, Any], asked: dict[str, Any], engine: Engine, limits: Limits
) -> dict[str, Mapping[str, Any]]:
    """Rows of the shapes that have none yet, each written as it comes."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from cellml.io import write_json

    waiting = [member for member in members if member.name not in known]
    found: dict[str, Mapping[str, Any]] = {}
    noted = False
    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    if not waiting:
        return found
    with engine.opened() as run, Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(members), completed=len(members) - len(waiting))
        for outcome in run(UntilFull(recipe.prepare), waiting, timeout_s=limits.timeout_s, tries=limits.tries):
            member = waiting[outcome.number]
            require_space(outcome.value, f"The rows so far are kept in {table.path}; the same command goes on from there.")
            row = _row(member, outcome)
            if outcome.value is not None and not noted:
                write_json(table.path.with_name(RECORD), {**asked, "units": dict(outcome.value.units)})
                noted = True
            table.append(row)
            found[member.name] = row
            failed = sum(one["state"] == "failed" for one in found.values())
            progress.update(bar, advance=1, description=f"{failed} failed" if failed else "")
    return found


def _row(member: Member, outcome: Outcome) -> dict[str, Any]:
    """A row of the table."""
    value: Measured | None = outcome.value
    cells = {} if value is None else dict(value.cells)
    reason = outcome.reason or str(cells.pop("reason", ""))
    state = "failed" if value is None else ("incomplete" if reason else "ok")
    about = (member.name, member.group, member.kind, state, reason, outcome.tries, round(outcome.wall_s, 2), round(outcome.cpu_s, 2))
    return {**cells, **dict(zip(ABOUT, about, strict=True))}


def _told(
    rows: Mapping[str, Mapping[str, Any]], members: Sequence[Member], target: Path, wall_s: float, workers: int, about_base: str
) -> dict[str, Any]:
    """Counts and times, printed and returned; about_base: what to say of the base, "" for nothing."""
    from rich.console import Console

    states = Counter(str(row["state"]) for row in rows.values())
    cpu_s = sum(float(row["cpu_s"] or 0) for row in rows.values())
    summary = {
        "shapes": len(members),
        **{state: states.get(state, 0) for state in ("ok", "incomplete", "failed")},
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "workers": workers,
    }
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"{summary['ok']} of {len(members)} shapes were simulated, {summary['incomplete']} incompletely, {summary['failed']} failed; "
        f"{cpu_s / 60:.1f} processor minutes in all, {wall_s / 60:.1f} minutes by the clock in this run with {workers} workers."
    )
    for reason, count in _reasons(rows).most_common(5):
        console.print(f"  {count} ×: {reason}")
    if about_base:
        console.print(about_base)
    console.print(f"The table is {target / TABLE}")
    return summary


def _reasons(rows: Mapping[str, Mapping[str, Any]]) -> Counter[str]:
    return Counter(str(row["reason"])[:160] for row in rows.values() if row["state"] != "ok")


def _require_an_answer(rows: Mapping[str, Mapping[str, Any]], target: Path) -> None:
    """Raise CellmlError where every row failed: what is common to all is seldom a matter of the shapes."""
    if all(row["state"] == "failed" for row in rows.values()):
        told = "; ".join(reason.rstrip(".") for reason, _ in _reasons(rows).most_common(2))
        raise CellmlError(
            f"All {len(rows)} shapes failed: {told}. {target / TABLE} has the reasons; where the cause is not in the settings, mend it and "
            "add again=true; other settings need another output."
        )
