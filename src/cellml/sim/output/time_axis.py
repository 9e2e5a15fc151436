"""Times as people write them."""

from __future__ import annotations

_UNITS = ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"))
_SMALLEST = 1e-9, "ns"


def time_unit(longest: float) -> tuple[float, str]:
    """The unit, in s and by name, in which a time of `longest` seconds is a number from about 1 to 1000."""
    fitting = [unit for unit in (_SMALLEST, *_UNITS) if longest >= unit[0] * (1.0 if unit[0] <= 1.0 else 3.0)]
    return fitting[-1] if fitting else _SMALLEST


def time_text(t: float, *, of: float | None = None) -> str:
    """A time in s with its unit, that of a longer time `of` where given."""
    size, name = time_unit(t if of is None else of)
    return f"{t / size:.3g} {name}" if of is None else f"{t / size:#.3g} {name}"
