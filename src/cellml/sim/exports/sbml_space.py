"""SBML's spatial package, version 1: an image of the mesh as geometry, and what moves in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import facet_pairs
from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import OUTSIDE, Located
from cellml.sim.exports.sampled import Image, sample
from cellml.sim.exports.sbml_formulas import sid
from cellml.sim.exports.sbml_model import add_compartment, add_parameter

_OUTSIDE = "outside"


def add_space(model: Any, located: Located, voxels: int) -> Image:
    """Add geometry, mappings, diffusion coefficients and coordinates to a model; returns the image.

    Raises SimulationError for a membrane that is only a part of the wall between two compartments: an image knows walls by what they part.
    """
    names = _volumes(located)
    walls = _walls(located, names)
    image = sample(located.mesh, voxels)
    kinds = sorted(set(names.values()))
    types = np.zeros(max(names) + 1, np.int64)
    for region, name in names.items():
        types[region] = kinds.index(name)
    pixels = types[image.regions]
    geometry = model.getPlugin("spatial").createGeometry()
    _axes(model, geometry, image)
    _types(model, located, geometry, kinds, sorted(set(walls.values())), image, pixels)
    _domains(geometry, kinds, walls, image, pixels)
    _field(geometry, kinds, pixels)
    _species(model, located)
    for reaction in (model.getReaction(i) for i in range(model.getNumReactions())):
        reaction.getPlugin("spatial").setIsLocal(True)
    return image


def _volumes(located: Located) -> dict[int, str]:
    """The name of the compartment of each region, "outside" for 0; regions without species have one of their own."""
    found = {OUTSIDE: _OUTSIDE}
    for n in np.unique(located.mesh.regions).tolist():
        found[n] = sid(located.compartment_of(n) or f"empty_{located.mesh.region_names.get(n, n)}")
    return found


def _walls(located: Located, names: Mapping[int, str]) -> dict[frozenset[str], str]:
    """The membrane between each two compartments that touch: one of the model, or a plain wall."""
    mesh, pairs = located.mesh, facet_pairs(located.mesh.tets)
    second = np.where(pairs.second < 0, OUTSIDE, mesh.regions[pairs.second])
    sides = np.column_stack([mesh.regions[pairs.first], second])
    total: dict[frozenset[str], int] = {}
    for (a, b), count in zip(*np.unique(sides, axis=0, return_counts=True), strict=True):
        if names[int(a)] != names[int(b)]:
            key = frozenset({names[int(a)], names[int(b)]})
            total[key] = total.get(key, 0) + int(count)
    walls = {key: f"wall_{'_'.join(sorted(key))}" for key in total}
    cut = int(np.isin(mesh.facet_tags, located.cut_tags).sum())
    for membrane in (name for name in located.system.spaces if name in located.model.membranes):
        keys = {frozenset(names[n] for n in pair) for pair in located.sides(located.tags(membrane)).tolist()}
        count = int(np.isin(mesh.facet_tags, located.tags(membrane)).sum())
        key = next(iter(keys))
        if len(keys) > 1 or len(key) < 2 or total[key] - (cut if _OUTSIDE in key else 0) != count:
            parts = " and ".join(sorted(key))
            raise SimulationError(
                f"{located.model.membranes[membrane].where or located.model.path}: {membrane} is not the whole wall between {parts} "
                f"({count} of {total.get(key, 0)} facets), but VCell's geometry is an image, which knows walls by what they part. Let the "
                "membrane have all facets between two compartments, or export to fenicsx, smart, steps or mcell."
            )
        walls[key] = sid(membrane)
    return walls


def _axes(model: Any, geometry: Any, image: Image) -> None:
    import libsbml

    geometry.setCoordinateSystem(libsbml.SPATIAL_GEOMETRYKIND_CARTESIAN)
    for k, axis in enumerate("xyz"):
        component = geometry.createCoordinateComponent()
        component.setId(f"axis_{axis}")
        component.setType(getattr(libsbml, f"SPATIAL_COORDINATEKIND_CARTESIAN_{axis.upper()}"))
        component.setUnit(model.getLengthUnits())
        for create, side, value in (
            (component.createBoundaryMin, "low", image.low[k]),
            (component.createBoundaryMax, "high", image.high[k]),
        ):
            bound = create()
            bound.setId(f"{axis}_{side}")
            bound.setValue(float(value))
        reference = add_parameter(model, axis, float(image.low[k]), "um").getPlugin("spatial").createSpatialSymbolReference()
        reference.setSpatialRef(f"axis_{axis}")


def _types(
    model: Any, located: Located, geometry: Any, kinds: list[str], walls: list[str], image: Image, pixels: NDArray[np.int64]
) -> None:
    """A domain type for each compartment and wall, and compartments for those that the model does not have."""
    voxel = float(np.prod(image.spacing))
    for number, (name, dimensions) in enumerate([*((k, 3) for k in kinds), *((w, 2) for w in walls)]):
        domain_type = geometry.createDomainType()
        domain_type.setId(f"type_{name}")
        domain_type.setSpatialDimensions(dimensions)
        if model.getCompartment(name) is None:
            size = float((pixels == number).sum()) * voxel if dimensions == 3 else 1.0
            add_compartment(model, name, dimensions, size or 1.0)
        mapping = model.getCompartment(name).getPlugin("spatial").createCompartmentMapping()
        mapping.setId(f"mapping_{name}")
        mapping.setDomainType(f"type_{name}")
        mapping.setUnitSize(1.0)


def _domains(geometry: Any, kinds: list[str], walls: Mapping[frozenset[str], str], image: Image, pixels: NDArray[np.int64]) -> None:
    """Every connected piece as a domain with a point inside, and a membrane domain between each two pieces that touch."""
    from scipy.ndimage import label

    piece = np.zeros(pixels.shape, np.int64)
    owner: list[str] = []
    for k, name in enumerate(kinds):
        labelled, count = label(pixels == k)
        for n in range(1, count + 1):
            piece[labelled == n] = len(owner)
            owner.append(name)
            domain = _domain(geometry, f"domain_{len(owner) - 1}", name)
            point = domain.createInteriorPoint()
            place = image.centre(np.argwhere(labelled == n)[int((labelled == n).sum() // 2)])
            for setter, value in zip((point.setCoord1, point.setCoord2, point.setCoord3), place.tolist(), strict=True):
                setter(float(value))
    for a, b in _touching(piece):
        wall = walls.get(frozenset({owner[a], owner[b]}))
        if wall is None:
            continue
        name = f"domain_{wall}_{a}_{b}"
        _domain(geometry, name, wall)
        for other in (a, b):
            pair = geometry.createAdjacentDomains()
            pair.setId(f"{name}_at_{other}")
            pair.setDomain1(name)
            pair.setDomain2(f"domain_{other}")


def _domain(geometry: Any, name: str, kind: str) -> Any:
    domain = geometry.createDomain()
    domain.setId(name)
    domain.setDomainType(f"type_{kind}")
    return domain


def _touching(piece: NDArray[np.int64]) -> list[tuple[int, int]]:
    found = set()
    for axis in range(3):
        a, b = (np.moveaxis(piece, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
        differ = a != b
        found |= {(min(p), max(p)) for p in np.unique(np.column_stack([a[differ], b[differ]]), axis=0).tolist()}
    return sorted(found)


def _field(geometry: Any, kinds: list[str], pixels: NDArray[np.int64]) -> None:
    """The image, x fastest, with the number of each compartment."""
    import libsbml

    field = geometry.createSampledField()
    field.setId("image")
    field.setDataType(libsbml.SPATIAL_DATAKIND_UINT8)
    field.setInterpolationType(libsbml.SPATIAL_INTERPOLATIONKIND_NEARESTNEIGHBOR)
    field.setCompression(libsbml.SPATIAL_COMPRESSIONKIND_UNCOMPRESSED)
    for setter, count in zip((field.setNumSamples1, field.setNumSamples2, field.setNumSamples3), pixels.shape, strict=True):
        setter(int(count))
    field.setSamples(" ".join(map(str, pixels.ravel(order="F").tolist())))
    field.setSamplesLength(int(pixels.size))
    definition = geometry.createSampledFieldGeometry()
    definition.setId("sampled_geometry")
    definition.setIsActive(True)
    definition.setSampledField("image")
    for number, name in enumerate(kinds):
        volume = definition.createSampledVolume()
        volume.setId(f"volume_{name}")
        volume.setDomainType(f"type_{name}")
        volume.setSampledValue(float(number))


def _species(model: Any, located: Located) -> None:
    import libsbml

    for s in located.model.species.values():
        model.getSpecies(sid(s.name)).getPlugin("spatial").setIsSpatial(True)
        parameter = add_parameter(model, f"diffusion_of_{sid(s.name)}", located.diffusion(s.name), "um**2*s**-1")
        coefficient = parameter.getPlugin("spatial").createDiffusionCoefficient()
        coefficient.setVariable(sid(s.name))
        coefficient.setType(libsbml.SPATIAL_DIFFUSIONKIND_ISOTROPIC)
