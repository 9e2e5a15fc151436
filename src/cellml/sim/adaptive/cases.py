"""The adaptive cases of the verification table: rates, effectivity and narrow escape, as rows."""

from __future__ import annotations

from dataclasses import dataclass

from cellml.sim.adaptive.corner import CornerRow, adapt_l_shape, adapt_prism, prism_rows, rate
from cellml.sim.adaptive.escape import escape, narrow_escape_time
from cellml.sim.adaptive.marking import everything


@dataclass(frozen=True)
class RateCase:
    """A singular problem refined in both ways: exponents s of error ~ N^(−s), and the rows they were fitted to."""

    name: str
    uniform: tuple[CornerRow, ...]
    adaptive: tuple[CornerRow, ...]
    uniform_rate: float
    adaptive_rate: float

    @property
    def effectivity(self) -> tuple[float, float]:
        """Smallest and largest η / error over the adaptive meshes."""
        ratios = [row.effectivity for row in self.adaptive]
        return min(ratios), max(ratios)


@dataclass(frozen=True)
class EscapeCase:
    """Narrow escape through a cap of geodesic radius a (µm): times in s, the loop's own estimate of the error it has left in J(u_h)."""

    a: float
    unknowns: int
    time: float
    improved: float
    formula: float

    @property
    def error(self) -> float:
        """Relative deviation of the improved value from the formula."""
        return self.improved / self.formula - 1.0


def l_shape_case(*, unknowns: int = 10_000, least: int = 150) -> RateCase:
    """L-shape in the plane: 1/3 and 1/2 are expected. least: unknowns from which on meshes count for the rates."""
    uniform, adaptive = adapt_l_shape(unknowns=unknowns, marking=everything), adapt_l_shape(unknowns=unknowns)
    return RateCase("L-shape", uniform, adaptive, rate(uniform, least=least), rate(adaptive, least=least))


def prism_case(*, unknowns: int = 10_000, least: int = 150) -> RateCase:
    """Prism with a re-entrant edge: 2/9 and 1/3 are expected. Arguments as in `l_shape_case`."""
    uniform = prism_rows(adapt_prism(unknowns=unknowns, marking=everything, bisections=3))
    adaptive = prism_rows(adapt_prism(unknowns=unknowns))
    return RateCase("re-entrant edge", uniform, adaptive, rate(uniform, least=least), rate(adaptive, least=least))


def escape_case(a: float, *, unknowns: int = 12_000, refinements: int = 4) -> EscapeCase:
    """Narrow escape from the unit ball, D = 1 µm²/s; about four CPU seconds at the default size."""
    result = escape(a, unknowns=unknowns, refinements=refinements)
    row = result.rows[-1]
    assert result.goal is not None
    return EscapeCase(a, row.unknowns, result.goal.value, result.goal.improved, narrow_escape_time(a))
