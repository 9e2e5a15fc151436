"""What a target cannot express is refused, with the line of the model that asks for it."""

from __future__ import annotations

from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import Located

_SPACE = frozenset("xyz")


def refuse(located: Located, target: str, *, fixed: bool = True, cut: bool = True, releases: bool = True, uneven: bool = True) -> None:
    """Raise SimulationError for the first thing that `target` cannot express.

    fixed: held concentrations; cut: open cut faces (absorbing or fixed); releases: molecules set free at time 0; uneven: initial
    concentrations that depend on x, y, z. Each is refused where True and the model has it.
    """
    model = located.model
    if fixed and model.fixed:
        raise SimulationError(
            f"{model.fixed[0].where}: {target} has no concentration that is held on a membrane ({model.fixed[0].species}). Leave `fixed` "
            "out, or export to fenicsx."
        )
    if cut and model.cut != "sealed" and located.cut_tags:
        raise SimulationError(
            f"{model.path}: {target} has sealed walls only, but `cut: {model.cut}` opens the cut faces; export to fenicsx."
        )
    if releases and model.releases:
        raise SimulationError(
            f"{model.releases[0].where}: {target} has no release of molecules at a place. Write an `initial` concentration instead, or "
            "export to fenicsx, steps or mcell."
        )
    for species in model.species.values() if uneven else ():
        if species.initial.names & _SPACE:
            raise SimulationError(
                f"{species.where}: {target} starts from even concentrations, but that of {species.name} is `{species.initial}`; "
                "export to fenicsx."
            )
