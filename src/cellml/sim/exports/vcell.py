"""VCell, and every other program that reads SBML: SBML-spatial with an image of the mesh, and plain SBML of the well-mixed model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import Located
from cellml.sim.exports.readme import readme
from cellml.sim.exports.refusals import refuse
from cellml.sim.exports.sampled import Image
from cellml.sim.exports.sbml_model import fill
from cellml.sim.exports.sbml_space import add_space

_SPACE = frozenset("xyz")


def write_vcell(located: Located, folder: Path, *, voxels: int = 100) -> None:
    """Write spatial.xml and well_mixed.xml into an existing folder. voxels: of the image, along the longest axis.

    Raises SimulationError for what SBML-spatial cannot express, and for a document that libsbml's own check refuses.
    """
    refuse(located, "VCell", uneven=False)
    document, image = spatial_document(located, voxels)
    _write(document, folder / "spatial.xml")
    plain = is_even(located)
    if plain:
        _write(mixed_document(located), folder / "well_mixed.xml")
    (folder / "README.txt").write_text(_readme(located, image, plain), encoding="utf-8")


def is_even(located: Located) -> bool:
    """Whether no formula names a place, so that there is a well-mixed model."""
    model = located.model
    formulas = [*(s.initial for s in model.species.values()), *(r.rate for r in model.reactions)]
    return not any(f.names & _SPACE for f in formulas)


def spatial_document(located: Located, voxels: int) -> tuple[Any, Image]:
    """The model with its geometry in SBML-spatial, and the image of the mesh in it."""
    import libsbml

    document = libsbml.SBMLDocument(libsbml.SpatialPkgNamespaces(3, 1, 1))
    document.setPackageRequired("spatial", True)
    model = fill(document, located, spatial=True)
    return document, add_space(model, located, voxels)


def mixed_document(located: Located) -> Any:
    """The well-mixed model in core SBML: every place with its volume or area."""
    import libsbml

    document = libsbml.SBMLDocument(3, 1)
    fill(document, located, spatial=False)
    return document


def errors(document: Any) -> list[str]:
    """What libsbml finds wrong with a document, warnings left out."""
    import libsbml

    document.checkConsistency()
    found = [document.getError(i) for i in range(document.getNumErrors())]
    return [e.getMessage().strip() for e in found if e.getSeverity() >= libsbml.LIBSBML_SEV_ERROR]


def _write(document: Any, path: Path) -> None:
    import libsbml

    wrong = errors(document)
    if wrong:
        raise SimulationError(f"libsbml refuses {path.name}, {len(wrong)} errors, the first: {wrong[0]}")
    path.write_text(libsbml.writeSBMLToString(document), encoding="utf-8")


def _readme(located: Located, image: Image, plain: bool) -> str:
    shape, h = image.regions.shape, image.spacing
    files = [("spatial.xml", "SBML Level 3 with the package spatial")]
    files += [("well_mixed.xml", "SBML Level 3 core: the same reactions without space")] if plain else []
    notes = [
        f"The mesh: VCell works on images. This one has {shape[0]} x {shape[1]} x {shape[2]} voxels of "
        f"{h[0]:.4g} x {h[1]:.4g} x {h[2]:.4g} um; walls are stairs, "
        "whose area exceeds that of the mesh by up to a half, until VCell smooths them.",
        "Time and solver: choose them in VCell.",
    ]
    notes += [] if plain else ["The well-mixed model: some formula depends on x, y, z."]
    return readme(
        located,
        "VCell and other readers of SBML",
        ["VCell: File, Open, Local…, spatial.xml; then a simulation of the spatial application"],
        "items (molecules), um, s; concentrations in item/um^3 (1 uM = 602.214 item/um^3), densities in item/um^2.",
        files,
        notes,
    )
