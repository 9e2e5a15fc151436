"""Bulk species that do not diffuse and yet react at a membrane."""

from __future__ import annotations

from cellml.sim.model import Model


def immobile_at_membranes(model: Model) -> list[str]:
    """A sentence for each bulk species with D = 0 that a reaction on a membrane makes or takes.

    Such a reaction reaches only the nodes on the membrane and the layer of half an element behind them, whose thickness the mesh sets.
    """
    values = model.values()
    return [
        f"{name} does not diffuse (D = 0), but {reaction.name} on {reaction.place} changes it: only the outermost layer of elements takes "
        f"part, so that the answer depends on the mesh. Give {name} a diffusion coefficient."
        for reaction in model.reactions
        if reaction.place in model.membranes
        for name in reaction.changes
        if model.species[name].bulk and float(model.species[name].D.evaluate(values)) == 0.0
    ]
