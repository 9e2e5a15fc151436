"""What a case of the study is, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Point:
    """One measurement: of which series (a mesh family, a scheme, a method), the size that is varied and what came out.

    size: edge of a tetrahedron or a time step, 1/N where errors are per unknown; error: relative, unless the case says otherwise.
    """

    series: str
    size: float
    error: float
    tets: int = 0
    unknowns: int = 0
    steps: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """values: by key, with unit; points: in the order of the table."""

    values: dict[str, tuple[float, str]] = field(default_factory=dict)
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Case:
    """name: for `cases=`; title: of the row of the figure; keys: that it answers; run: measures."""

    name: str
    title: str
    keys: tuple[str, ...]
    run: Callable[[], Outcome]


def points(series: str, rows: Iterable[object]) -> tuple[Point, ...]:
    """Rows of a reference case (anything with size or h, and error) as points."""
    found = []
    for row in rows:
        size = row.size if hasattr(row, "size") else row.h  # type: ignore[attr-defined]
        more = {name: getattr(row, name) for name in ("tets", "unknowns", "steps", "seconds") if hasattr(row, name)}
        found.append(Point(series, float(size), float(row.error), **more))  # type: ignore[attr-defined]
    return tuple(found)
