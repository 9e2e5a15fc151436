"""The ends of a path: a shape in a file, or one that the model knows by how likely it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.generation.likelihood import Likelihood
from cellml.shapes.population import Population

Floats = NDArray[np.float64]

WORDS = ("likely", "unlikely", "random")
_UNLIKELY = 1e-3


@dataclass(frozen=True, eq=False)
class End:
    """One end. code: (K,); given: what was asked for; facts: such as how large the shape in a file is, and as it is told by its code."""

    code: Floats
    given: str
    facts: dict[str, Any]


def end_of(given: str, model: Any, likelihood: Likelihood | None, seed: int, rarity: float | None, unit: str | None = None) -> End:
    """The code of an end.

    given: "likely", the likeliest shape; "unlikely", one of rarity `rarity` (0.001 where None) drawn by the seed; "random", a draw; or a
    file of a closed surface, or of a mesh whose boundary is meant, which the model encodes. Raises CellmlError for words that need a
    density where the model has none, files that are none, and models that cannot encode.
    """
    if given == "random":
        return End(model.sample(1, seed)[0], given, {})
    if given in WORDS:
        if likelihood is None:
            raise CellmlError(f"{given!r} needs a model with a density, and this one has none; give files, or 'random'.")
        code = likelihood.peak if given == "likely" else likelihood.codes_at(rarity or _UNLIKELY, seed + 1)[-1]
        return End(np.asarray(code), given, {})
    surface = _surface(given, unit)
    code = model.encode(Population((Path(given).stem,), (surface,), ("",), ("",)))[0]
    told = model.decode(code[None])[0]
    facts = {"volume_nm3": surface.volume(), "volume_told_nm3": told.volume()}
    return End(code, given, {name: round(float(value), 1) for name, value in facts.items()})


def _surface(given: str, unit: str | None) -> Any:
    from cellml.io import read_mesh, read_surface
    from cellml.meshing.topology import boundary_facets
    from cellml.surfaces.repair import repair
    from cellml.types import Surface

    suffix = Path(given).suffix.lower()
    if not suffix:
        raise CellmlError(f"{given!r} is no end of a path; give a file of a surface or mesh, or one of {', '.join(WORDS)}.")
    if suffix in (".vtu", ".msh", ".xdmf", ".xml", ".h5"):
        mesh = read_mesh(given, unit=unit)
        facets = boundary_facets(mesh.tets)
        used, numbers = np.unique(facets, return_inverse=True)
        return Surface(mesh.points[used], numbers.reshape(facets.shape), Path(given).stem)
    return repair(read_surface(given, unit=unit))[0]
