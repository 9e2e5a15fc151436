"""The folder that a simulation with whole molecules leaves."""

from __future__ import annotations

from pathlib import Path

from cellml.io import atomic_path, write_json
from cellml.sim.output.copies_figure import draw_copies
from cellml.sim.results import COPIES, COPIES_PICTURE, MODEL, OBSERVABLES, SPECIES, require_free, write_observables
from cellml.sim.stochastic import CopyNumbers


def write_copies(found: CopyNumbers, folder: str | Path, *, overwrite: bool = False, pictures: bool = True) -> Path:
    """Write copy numbers as a folder that appears only when it is complete; returns the folder.

    observables.csv    name, value (mean over replicas), unit, discretisation_error (not estimated), status, reason (statistical errors)
    copies.csv         time in s; mean, standard deviation and first run of each species
    copies.png         the same as a picture, if asked for
    species.json       how it was computed: method, replicas, seed, parameters
    model.yaml         the model file, if it was read from one
    """
    require_free(folder, overwrite=overwrite)
    with atomic_path(folder) as aside:
        aside.mkdir()
        write_observables(found.observables, aside / OBSERVABLES)
        found.write_courses(aside / COPIES)
        parameters = {name: str(p.quantity) for name, p in found.model.parameters.items()}
        how = {"method": found.method, "replicas": found.replicas, "seed": found.seed, "parameters": parameters, "cut": found.model.cut}
        write_json(aside / SPECIES, how)
        if found.model.path is not None and found.model.path.is_file():
            (aside / MODEL).write_bytes(found.model.path.read_bytes())
        if pictures:
            draw_copies(found, aside / COPIES_PICTURE)
    return Path(folder)
