"""The verb `model`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cellml.errors import FileError

if TYPE_CHECKING:
    from cellml.sim.imports.draft import Draft


def import_model(
    input: str | Path,
    output: str | Path,
    *,
    assume_units: bool = False,
    units: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Convert an SBML or Antimony model to a model file, and print what was found in it, assumed, and looks wrong.

    input: .xml, .sbml, .ant or .antimony; output: the model file, .yaml; assume_units: whether units that the model leaves open are taken
    from `units` ("substance", "volume", "area", "length", "time") and, for parameters, from the equations they stand in; overwrite: replace
    an older file.

    Raises FileError for files that cannot be read or written, SimulationError for a model without a counterpart; nothing has been written
    then.
    """
    from cellml.io import write_text
    from cellml.sim.imports.conversion import convert
    from cellml.sim.imports.reading import read_document

    source, target = Path(input), Path(output)
    if target.exists() and not overwrite:
        raise FileError(f"{target} exists; give another output, or overwrite=true.")
    found = convert(read_document(source), source, assumed=dict(units or {}) if assume_units else None)
    write_text(target, found.text)
    print(f"{source} → {target}: {contents(found.draft)}.")
    for note in found.draft.notes:
        print(f"Note: {note}")
    print("Add diffusion coefficients, and the names of places in your mesh.")
    return target


def contents(draft: Draft) -> str:
    """How much of what stands in a converted model, such as "1 compartment, 3 species"."""
    bulk = sum(place.bulk for place in draft.places.values())
    counts = {
        ("compartment", "compartments"): bulk,
        ("membrane", "membranes"): len(draft.places) - bulk,
        ("species", "species"): len(draft.pools),
        ("reaction", "reactions"): len(draft.processes),
        ("parameter", "parameters"): len(draft.constants),
    }
    return ", ".join(f"{number} {one if number == 1 else many}" for (one, many), number in counts.items())
