"""SBML documents, read and brought to a common form by libsbml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.io.location import Location, require
from cellml.io.plain_xml import require_plain_xml
from cellml.sim.errors import SimulationError

_HARMLESS = ("l3v2extendedmath",)  # functions of mathematics; each is read, or refused by its own name
SUFFIXES = {".xml": "SBML", ".sbml": "SBML", ".ant": "Antimony", ".antimony": "Antimony"}


def read_document(path: Path) -> Any:
    """The `libsbml.SBMLDocument` of an SBML or Antimony file, with functions, initial assignments and local parameters resolved.

    Raises FileError for a file that cannot be read or is neither, and SimulationError for a model that libsbml finds wrong or that asks for
    what a model file of cellml does not have (see `refuse_unknown`).
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise FileError(f"{path} is not a model that can be converted; the suffix must be one of {', '.join(SUFFIXES)}.")
    require(Location(path))
    if kind == "SBML":
        require_plain_xml(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"The model {path} cannot be read: {error}; save it as UTF-8.") from None
    return parse_document(_sbml_of(text, path) if kind == "Antimony" else text, path)


def _sbml_of(text: str, path: Path) -> str:
    import antimony

    antimony.clearPreviousLoads()
    try:
        if antimony.loadAntimonyString(text) < 0:
            raise SimulationError(f"{path} is not Antimony: {str(antimony.getLastError()).strip()}")
        return str(antimony.getSBMLString(antimony.getMainModuleName()))
    except UnicodeDecodeError:  # what Antimony says of a character beyond ASCII may hold half of it
        raise SimulationError(f"{path} is not Antimony: a character beyond ASCII stands where none may.") from None


def parse_document(text: str, path: Path) -> Any:
    """The document of SBML text; `path` is for messages. Raises SimulationError as `read_document` does."""
    import libsbml

    document = libsbml.readSBMLFromString(text)
    _raise_errors(document, path)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, False)  # ours are stricter
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, False)
    document.checkConsistency()
    _raise_errors(document, path)
    if document.getModel() is None or document.getLevel() < 2:
        raise SimulationError(f"{path}: SBML of level 2 or 3 with a model is needed, found level {document.getLevel()}.")
    refuse_unknown(document, path)
    document.expandFunctionDefinitions()
    document.expandInitialAssignments()
    _promote_local_parameters(document)
    return document


def _raise_errors(document: Any, path: Path) -> None:
    import libsbml

    for index in range(document.getNumErrors()):
        error = document.getError(index)
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR:
            detail = [line.strip() for line in str(error.getMessage()).splitlines() if line.strip()][-1:]
            reason = "; ".join([str(error.getShortMessage()), *detail]).rstrip(".")
            raise SimulationError(f"{path}:{error.getLine()}: this is not SBML that can be used: {reason}.")


def refuse_unknown(document: Any, path: Path) -> None:
    """Raise SimulationError, by name, for events, algebraic rules, and packages that change what the model means."""
    model = document.getModel()
    if model.getNumEvents():
        raise SimulationError(f"{path}: the event {model.getEvent(0).getId() or 1!r} has no counterpart; write what it does as a stimulus.")
    for index in range(model.getNumRules()):
        if model.getRule(index).isAlgebraic():
            raise SimulationError(f"{path}: algebraic rule number {index + 1} has no counterpart; solve it for one of its variables.")
    for index in range(document.getNumPlugins() if document.getLevel() > 2 else 0):
        package = document.getPlugin(index).getPackageName()
        if document.getPackageRequired(package) and package not in _HARMLESS:
            raise SimulationError(f"{path}: the SBML package {package!r} is not read; export the model as SBML core.")


def _promote_local_parameters(document: Any) -> None:
    import libsbml

    properties = libsbml.ConversionProperties()
    properties.addOption("promoteLocalParameters", True)
    document.convert(properties)
