"""Populations from folders of surfaces, label volumes, tables of harmonic coefficients, and the named sets."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.shapes.cache import kept_population, population_key
from cellml.shapes.closing import closed_shape
from cellml.shapes.population import Population
from cellml.types import Labels, Surface

_log = logging.getLogger(__name__)

_SURFACES = (".off", ".ply", ".obj", ".stl")
_TABLES = (".csv", ".parquet")
_BLOCKS = ("fib1-0-0-0", "fib1-1-0-3", "fib1-3-2-1", "fib1-3-3-0")  # of UroCell
FEWEST_VOXELS = 27  # of an instance; below, it has no shape to speak of


@dataclass(frozen=True, eq=False)
class Found:
    """A shape before it is checked; reason: why it is left out, "" where it is not."""

    name: str
    surface: Surface | None
    group: str = ""
    kind: str = ""
    reason: str = ""


def read_population(
    source: str | Path,
    *,
    unit: str | None = None,
    group_pattern: str | None = None,
    spacing_nm: Sequence[float] | None = None,
    smoothing: float = 1.0,
    genus: int | None = None,
) -> Population:
    """Shapes from "spines", "urocell", "urocell:fv", a folder of OFF, PLY, OBJ or STL files, a label volume or an aics-shparam table.

    "spines:base" are the spines in the frame of their base (`cellml.shapes.base`).

    unit: of the coordinates in surface files, as in `cellml.io.read_surface`, and of a table's coefficients; group_pattern: regular
    expression that finds the group in a shape's name (its first bracket, or all of it), else the folder or file is the group; spacing_nm:
    (z, y, x) of a label volume without; smoothing: σ in voxels of its distances (`cellml.surfaces.extract_surface`); genus: 0 to have
    narrow handles closed. Each is repaired where it is not one closed surface, or excluded with the reason; the rest of the population
    stands. Instances that touch the volume's border are cut shapes and excluded. A warning names duplicates (equal surfaces). What takes
    longer than two seconds is kept (`cellml.shapes.cache`) and taken from there as long as source and arguments are the same.
    Raises FileError for a source that is not there, CellmlError where no shape is left.
    """

    def read() -> Population:
        found, wanted = _found(source, unit, spacing_nm, smoothing)
        return _checked(found, genus if wanted is None else wanted, group_pattern, str(source))

    arguments = {"unit": unit, "group_pattern": group_pattern, "spacing_nm": spacing_nm, "smoothing": smoothing, "genus": genus}
    population = kept_population(population_key(str(source), _files(source), arguments), read)
    _warn_of(population)
    return population


def label_population(labels: Labels, *, smoothing: float = 1.0, genus: int | None = None) -> Population:
    """The instances of a label volume as shapes; those that touch its border are excluded, as are ones of less than 27 voxels."""
    return _checked(label_shapes(labels, smoothing), genus, None, labels.name)


def label_shapes(labels: Labels, smoothing: float = 1.0, prefix: str = "", kind: str = "") -> Iterator[Found]:
    """Each instance with its surface, or the reason why it has none."""
    from scipy.ndimage import find_objects

    from cellml.surfaces import extract_surface

    margin = 4 + int(np.ceil(3 * smoothing))
    for number, box in enumerate(find_objects(labels.data), start=1):
        if box is None:
            continue
        name, group = f"{prefix or labels.name} {number}", prefix or labels.name
        if any(s.start == 0 or s.stop == n for s, n in zip(box, labels.shape, strict=True)):
            yield Found(name, None, reason="it touches the border of the volume, which cuts it")
            continue
        mask = np.pad(labels.data[box] == number, margin)
        if mask.sum() < FEWEST_VOXELS:
            yield Found(name, None, reason=f"it has {mask.sum()} voxels, and {FEWEST_VOXELS} are the least that have a shape")
            continue
        corner = [o + (s.start - margin) * d for o, s, d in zip(labels.origin, box, labels.spacing, strict=True)]
        part = Labels(mask, labels.spacing, (corner[0], corner[1], corner[2]), name=name)
        yield Found(name, extract_surface(part, smoothing=smoothing), group, kind)


def _found(
    source: str | Path, unit: str | None, spacing_nm: Sequence[float] | None, smoothing: float
) -> tuple[Iterable[Found], int | None]:
    """What the source holds, and the genus that its shapes must have where it is known."""
    from cellml.io import read_labels

    text, path = str(source), Path(source).expanduser()
    if text in ("spines", "spines:base"):
        return _spines(in_frame=text.endswith("base")), 0
    if text.split(":")[0] == "urocell":
        return _urocell(text.partition(":")[2] or "mito", smoothing), None
    if path.is_dir() and path.suffix != ".zarr":
        return _folder(path, unit), None
    if path.suffix in _TABLES:
        from cellml.shapes.harmonics.tables import read_table

        rows = read_table(path, unit=unit or "nm")
        return (Found(name, shape.surface(), path.stem) for name, shape in rows.items()), None
    return label_shapes(read_labels(source, spacing_nm=spacing_nm), smoothing), None


def _files(source: str | Path) -> list[Path]:
    """The files and folders from which a source is read; none where they are not told by its name."""
    from cellml.data.spine_meshes import data_file, spine_archive

    text, path = str(source), Path(source).expanduser()
    if text in ("spines", "spines:base"):
        return [spine_archive()]
    if text.split(":")[0] == "urocell":
        return [data_file(f"urocell_labels_{block}.npz") for block in _BLOCKS]
    return [path] if path.exists() else []


def _folder(folder: Path, unit: str | None) -> Iterator[Found]:
    from cellml.io import read_surface

    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SURFACES)
    if not files:
        raise FileError(f"{folder} holds no surfaces; cellml reads {', '.join(_SURFACES)} there, also in folders below it.")
    for file in files:
        name = file.relative_to(folder).as_posix()
        try:
            yield Found(name, read_surface(file, unit=unit), file.parent.relative_to(folder).as_posix())
        except FileError as error:
            yield Found(name, None, reason=str(error))


def _spines(in_frame: bool = False) -> Iterator[Found]:
    """All spines of SpineTool's archive, with the experts' classes and the image stack as the group.

    in_frame: in the frame of their base (`cellml.shapes.base`), which is told from the surfaces as they are stored, before any repair.
    """
    from cellml.data.spine_meshes import all_spines
    from cellml.shapes.base import cut_fan, in_base_frame

    for name, surface, group, kind in all_spines():
        try:
            yield Found(name, in_base_frame(surface, cut_fan(surface)) if in_frame else surface, group, kind)
        except CellmlError as error:
            yield Found(name, None, group, kind, str(error))


def _urocell(array: str, smoothing: float) -> Iterator[Found]:
    """Objects of the four blocks of UroCell: "mito" or "fv" (fusiform vesicles); a block is a group. Their headers' spacing is wrong."""
    from cellml.data.spine_meshes import data_file

    for block in _BLOCKS:
        with np.load(data_file(f"urocell_labels_{block}.npz")) as arrays:
            if array not in arrays and array not in ("mito", "fv"):
                raise CellmlError(f"UroCell's blocks have no array {array!r}; they have {', '.join(arrays.files)}.")
            if array not in arrays:  # one block has no vesicles marked
                continue
            labels = Labels(arrays[array], (15.0, 16.0, 16.0), name=block)
        yield from label_shapes(labels, smoothing, f"{block} {array}", {"mito": "mitochondrion", "fv": "vesicle"}.get(array, array))


def _checked(found: Iterable[Found], genus: int | None, group_pattern: str | None, source: str) -> Population:
    kept: list[tuple[str, Surface, str, str]] = []
    excluded, repaired = [], []
    for one in found:
        try:
            if one.surface is None:
                raise CellmlError(one.reason)
            shape = closed_shape(one.surface, genus=genus)
        except CellmlError as error:
            excluded.append((one.name, str(error)))
            continue
        if shape.account:
            repaired.append((one.name, shape.account))
        group = one.group if group_pattern is None else group_of(one.name, group_pattern)
        kept.append((one.name, Surface(shape.surface.vertices, shape.surface.faces, name=one.name), group, one.kind))
    if not kept:
        first = f"; the first, {excluded[0][0]!r}: {excluded[0][1]}" if excluded else ""
        raise CellmlError(f"No shape of {source} can be used, of {len(excluded)}{first}.")
    names, surfaces, groups, kinds = zip(*kept, strict=True)
    return Population(names, surfaces, groups, kinds, tuple(excluded), tuple(repaired))


def group_of(name: str, pattern: str) -> str:
    """What the pattern finds in a name: its first bracket, or all of it. Raises CellmlError for no pattern, or where it finds nothing."""
    try:
        match = re.search(pattern, name)
    except re.error as error:
        raise CellmlError(f"group_pattern={pattern!r} is no regular expression ({error}).") from error
    if match is None:
        raise CellmlError(f"group_pattern={pattern!r} finds no group in the name {name!r}; every shape needs one.")
    return match.group(1) if match.groups() else match.group()


def duplicates(population: Population) -> list[tuple[str, str]]:
    """Pairs of shapes with equal numbers of vertices and the same volume, area and extent, to a part in 10⁹, wherever they lie."""
    seen: dict[tuple[float, ...], str] = {}
    found = []
    for name, surface in zip(population.names, population.surfaces, strict=True):
        numbers = [surface.volume(), surface.areas().sum(), *np.ptp(surface.vertices, axis=0)]
        key = (len(surface.vertices), *(float(f"{value:.9g}") for value in numbers))
        if key in seen:
            found.append((seen[key], name))
        seen.setdefault(key, name)
    return found


def _warn_of(population: Population) -> None:
    twice = duplicates(population)
    if twice:
        pairs = ", ".join(f"{a!r} = {b!r}" for a, b in twice[:5])
        _log.warning("%d shapes are in the population twice (%s); a split that parts them leaks.", len(twice), pairs)
    if population.excluded:
        name, reason = population.excluded[0]
        _log.warning("%d shapes were left out; the first, %s: %s", len(population.excluded), name, reason)
    if len(population) < 10:
        _log.warning("The population has %d shapes; what is learned of so few is those shapes.", len(population))
