"""Reading of model files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cellml.errors import FileError
from cellml.io.atomic import gigabytes
from cellml.sim.model import CUTS, Compartment, Membrane, Model, Reaction, Species
from cellml.sim.model_check import check_model
from cellml.sim.model_names import check_names
from cellml.sim.quantities import Quantity
from cellml.sim.reading import check_keys, choice, flag, quantity
from cellml.sim.sections.conditions import read_fixed, read_releases
from cellml.sim.sections.course import read_time
from cellml.sim.sections.gathering import Gathering
from cellml.sim.sections.observables import read_observables
from cellml.sim.sections.parameters import read_parameters
from cellml.sim.sections.places import read_compartments, read_membranes
from cellml.sim.sections.reactions import read_reactions
from cellml.sim.sections.species import read_species
from cellml.sim.sections.stimuli import read_stimuli
from cellml.sim.yaml_lines import LocatedDocument

KEYS = (
    *("name", "temperature", "compartments", "membranes", "parameters", "species", "stimuli", "reactions", "fixed", "releases"),
    *("cut", "time", "steady", "lumped", "observables"),
)

# YAML is read at about 0.1 MB/s, twice for the lines of keys; a model that a person wrote stays far below.
LARGEST_FILE = 1_000_000


def load_model(path: str | Path) -> Model:
    """Read a model from YAML; the shipped models in `conf/sim/` show every key.

    Raises FileError for a file that cannot be read and SimulationError, naming file, line and key, for an unknown or missing key or name, a
    missing unit or one of the wrong dimension, a formula outside the grammar or whose dimensions do not agree, and a value out of range.
    """
    path = Path(path)
    return parse_model(read_text(path), path)


def read_text(path: Path) -> str:
    """The text of a model file. Raises FileError if it cannot be read or is no file of that kind by its size."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise FileError(
                f"{path} has {gigabytes(size)}, but model files have a few kB, and none above {gigabytes(LARGEST_FILE)} is read. Is it a "
                "mesh or a table? Shapes and measurements are files of their own."
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"The model file {path} cannot be read: {error}.") from None


def parse_model(content: str, path: Path) -> Model:
    """A model from the text of a file; `path` is for messages. Raises SimulationError as `load_model` does."""
    document = LocatedDocument(content, path)
    if "mechanics" in document.content:
        raise document.error(("mechanics",), "this is a mechanical model, without species; here one of reactions and diffusion is needed")
    check_keys(document, (), document.content, required=("species", "observables"), optional=KEYS)
    have = Gathering(document)
    read_parameters(have)
    tables = read_stimuli(have)
    species = read_species(have)
    reactions, fixed, releases = read_reactions(have), read_fixed(have), read_releases(have)
    inside, around = _implied(document, species, reactions)
    model = Model(
        name=str(document.content.get("name", path.stem)),
        species=species,
        observables=read_observables(document, species, reactions),
        parameters=have.parameters,
        compartments=inside | read_compartments(have),
        membranes=around | read_membranes(have),
        reactions=reactions,
        stimuli=tables,
        fixed=fixed,
        releases=releases,
        cut=choice(document, ("cut",), document.content.get("cut", "sealed"), CUTS, "a way to treat faces where the image cuts the object"),
        time=read_time(document),
        steady=flag(document, ("steady",), document.content.get("steady", False)),
        lumped=flag(document, ("lumped",), document.content.get("lumped", False)),
        temperature=_temperature(document),
        path=path,
    )
    check_names(model, have)
    check_model(model, have)
    return model


def _implied(
    document: LocatedDocument, species: Mapping[str, Species], reactions: tuple[Reaction, ...]
) -> tuple[dict[str, Compartment], dict[str, Membrane]]:
    """Places that species and reactions name: one that is not declared is the region or facet set of its own name."""
    named: list[tuple[bool, str, str]] = [(s.bulk, s.place, s.where) for s in species.values()]
    for item, reaction in zip(document.content.get("reactions") or [], reactions, strict=True):
        named.append(("in" in item, reaction.place, reaction.where))
    inside: dict[str, Compartment] = {}
    around: dict[str, Membrane] = {}
    for bulk, name, where in named:
        if bulk:
            inside.setdefault(name, Compartment(name, (name,), where))
        else:
            around.setdefault(name, Membrane(name, (name,), where))
    return inside, around


def _temperature(document: LocatedDocument) -> Quantity | None:
    item = document.content.get("temperature")
    return None if item is None else quantity(document, ("temperature",), item, "K", positive=True)
