"""The scales of a problem, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from cellml.sim.scales import Scales


def scale_lines(found: Scales) -> Iterator[str | Table]:
    """Lines and tables, within 100 columns: the shape, species, reactions, constants with their sources, the step, and warnings."""
    from cellml.report.markup import unit_text

    yield (
        f"{found.mesh.name}: {len(found.mesh.tets)} tetrahedra, {found.unknowns} unknowns, {found.volume:.4g} µm³, "
        f"longest axis L = {found.length:.4g} µm"
    )
    yield _species(found)
    if found.reactions:
        yield _reactions(found)
    rows = []
    for p in found.model.parameters.values():
        q = p.quantity
        rows.append((p.name, f"{q.value:g}", unit_text(q.unit), q.temperature, q.source or "no source"))
    if (T := found.model.temperature) is not None:
        rows.append(("temperature", f"{T.value:g}", T.unit, "", T.source or "no source"))
    if rows:
        yield _table(("constant", "value", "unit", "measured at", "source"), rows, numbers=(1,))
    if found.model.time is not None:
        yield f"a time step of {found.step:.2g} s resolves diffusion across the shape and the fastest reaction"
    for warning in found.warnings:
        yield f"Warning: {warning}"


def _species(found: Scales) -> Table:
    rows = [(s.name, s.place, _number(s.D), _number(s.diffusion_time), _number(s.copies), _number(s.released)) for s in found.species]
    header = ("species", "place", "D (µm²/s)", "diffusion time L²/D (s)", "molecules at 0 s", "released")
    return _table(header, rows, numbers=(2, 3, 4, 5))


def _reactions(found: Scales) -> Table:
    rows = [(r.reaction, r.of, _number(r.time), _number(r.damkohler), _number(r.thiele), _number(r.thickness)) for r in found.reactions]
    header = ("reaction", "of", "time 1/k (s)", "Damköhler k L²/D", "Thiele √(k ℓ²/D)", "ℓ = V/A (µm)")
    return _table(header, rows, numbers=(2, 3, 4, 5))


def _table(header: tuple[str, ...], rows: list[tuple[Any, ...]], *, numbers: tuple[int, ...]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for index, title in enumerate(header):
        table.add_column(title, justify="right" if index in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _number(value: float) -> str:
    return "–" if isnan(value) else f"{value:.4g}"
