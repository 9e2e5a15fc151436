"""What lengths and diffusion coefficients do to answers in closed form: no mesh is solved again for them.

In a shape whose lengths are all multiplied by s, with a diffusion coefficient multiplied by d, Laplace's equation gives the same field:
times of diffusion go as s²/d, conductances as s d, the length of a shape factor as s, areas as s², volumes as s³. That is exact as long
as the shape shrinks alike in all directions and one coefficient holds in all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cellml.errors import CellmlError
from cellml.sim.model import Model

_POWERS = {
    "relaxation_time": (2, -1),
    "first_passage_time": (2, -1),
    "conductance": (1, 1),
    "shape_factor": (1, 0),
    "volume": (3, 0),
    "area": (2, 0),
}


@dataclass(frozen=True)
class Scaling:
    """An observable goes as s^length · d^diffusion."""

    length: int
    diffusion: int


def scaling_of(model: Model, name: str) -> Scaling:
    """The powers of an observable of a model.

    Raises CellmlError for one that follows the model in time: reactions and membranes bring times and lengths of their own, so that a
    change of size needs new solves.
    """
    kind = {request.name: request.type for request in model.observables}[name]
    if kind not in _POWERS:
        raise CellmlError(
            f"How {name} ({kind}) changes with the size of the specimen is not known in closed form, because it follows reactions in time. "
            f"Set posterior.shrinkage=1 posterior.shrinkage_spread=0 posterior.D_spread=0, or ask for one of {', '.join(_POWERS)}."
        )
    return Scaling(*_POWERS[kind])
