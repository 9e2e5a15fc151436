"""The verb `model`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cellml.errors import FileError


def import_model(
    input: str | Path,
    output: str | Path,
    *,
    assume_units: bool = False,
    units: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Convert an SBML or Antimony model to a model file, and print what was found in it.

    input: .xml, .sbml, .ant or .antimony; output: the model file, .yaml; assume_units: whether units that the model leaves open are taken
    from `units` ("substance", "volume", "area", "length", "time") and, for parameters, from the equations they stand in; overwrite: replace
    an older file.

    Raises FileError for files that cannot be read or written, SimulationError for a model without a counterpart; nothing has been written
    then.
    """
    from cellml.io import write_text
    from cellml.sim.imports.conversion import convert
    from cellml.sim.imports.reading import read_document
    from cellml.sim.model_file import parse_model

    source, target = Path(input), Path(output)
    if target.exists() and not overwrite:
        raise FileError(f"{target} exists; give another output, or overwrite=true.")
    text = convert(read_document(source), source, assumed=dict(units or {}) if assume_units else None)
    model = parse_model(text, target)
    write_text(target, text)
    print(
        f"{source} → {target}: {len(model.compartments)} compartments, {len(model.membranes)} membranes, {len(model.species)} species, "
        f"{len(model.reactions)} reactions, {len(model.parameters)} parameters.\n"
        "Add diffusion coefficients, and the names of places in your mesh."
    )
    return target
