"""What a reader of a converted model should check: units that nobody gave, and numbers that hardly occur in cells."""

from __future__ import annotations

from collections.abc import Iterator

from cellml.sim.imports.draft import Draft
from cellml.sim.quantities import Quantity, parse_unit

# The ions of a cell come to about this much; a signalling molecule above it is rather in another unit (mM).
MOST = 100.0


def assumptions(draft: Draft) -> Iterator[str]:
    """A sentence for each unit that the source leaves open: what was taken, and for what."""
    for what in ("substance", "volume", "area"):
        if what in draft.assumed:
            yield f"The unit of {what} is assumed to be {_written(draft, what)}, for {', '.join(draft.assumed[what])}."
    if "time" in draft.units.assumed:
        yield f"The unit of time is assumed to be {_written(draft, 'time')}, for all rates."
    for called in draft.assumed.get("parameters", []):
        unit = draft.constants[called].unit
        assert unit is not None
        whose = f"{called} ({draft.constants[called].value:g} in a formula)" if called in draft.literals else called
        yield f"The unit of {whose} is assumed to be {unit.text}, as the equations ask for."


def implausible(draft: Draft) -> Iterator[str]:
    """A sentence for each species that begins above MOST mM."""
    for called, pool in draft.pools.items():
        if pool.place.bulk and parse_unit(pool.unit.text).dimensionality == parse_unit("mM").dimensionality:
            begin = Quantity(pool.initial * pool.unit.factor, pool.unit.text).to("mM")
            if begin > MOST:
                yield f"{called} begins at {begin:.4g} mM, more than {MOST:g} mM, which hardly occurs in cells; check the units."


def _written(draft: Draft, what: str) -> str:
    unit = draft.units[what]
    return unit.text if unit.factor == 1.0 else f"{unit.factor:g} {unit.text}"
