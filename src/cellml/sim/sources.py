"""Numbers of a model that nobody says the origin of."""

from __future__ import annotations

from cellml.sim.model import Model


def missing_sources(model: Model) -> list[str]:
    """A sentence for each parameter without a source; zeros need none."""
    return [
        f"{name} = {parameter.quantity} has no source."
        for name, parameter in model.parameters.items()
        if not parameter.quantity.source and parameter.quantity.value != 0
    ]
