"""Repair of foreign surfaces into closed, oriented, manifold ones without self-intersections."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.topology import Index, surface_topology
from cellml.surfaces.flaws import find_flaws
from cellml.surfaces.half_edges import cut_into_fans, face_components, match_half_edges, orient_consistently, part_shared_edges
from cellml.surfaces.holes import border_loops, fill_hole
from cellml.surfaces.orientation import orient_outwards, volumes_of_parts
from cellml.surfaces.reconstruction import reconstruct
from cellml.surfaces.welding import weld, without_lost_corners, without_repeats, without_unused
from cellml.types import Surface

Floats = NDArray[np.float64]

_WIDEST_HOLE = 0.25  # part of a surface's area that may be guessed
_SCRAP = 0.01  # part of the area below which an open piece is scrap, and of the volume below which what is cut off is
_ROUNDS = 7
_LARGEST_CHANGE = 0.05  # of the volume, by taking out crossing faces and filling the holes


@dataclass
class _Draft:
    """A surface under repair, and the account of it."""

    vertices: Floats
    faces: Index
    name: str
    log: list[str] = field(default_factory=list)

    def note(self, count: int, one: str, many: str) -> None:
        if count:
            self.log.append(f"{one}" if count == 1 else many.format(count))


def repair(
    surface: Surface, *, debris: float = 1e-4, spacing_nm: float | None = None, anew: bool = False
) -> tuple[Surface, tuple[str, ...]]:
    """A closed, manifold, outward oriented surface without self-intersections, and what was done to get there.

    In order: coincident vertices at open edges are joined; faces without area and repeated faces go; faces are oriented consistently; where
    more than two faces meet at an edge they are paired around the wedges of the inside, and vertices cut accordingly; scraps and debris go;
    holes are filled with least area; parts are turned outwards, those at odd depth inwards (cavities). Faces that still cross others are
    taken out and the holes filled. If that does not lead to an embedded surface, it is made anew from its winding number.

    debris: parts with less than this share of the largest part's volume are dropped; spacing_nm: voxel of that last resort (see
    `reconstruct`); anew: take that last resort at once where faces cross. A surface that is in order comes back unchanged with an empty
    account. Raises CellmlError for a surface without faces or without area, and for open sheets, whose inside would have to be guessed.
    """
    draft = _Draft(surface.vertices, surface.faces, surface.name)
    _check_something(draft)
    _clean(draft)
    if not _close(draft, debris) or not (_free_of_crossings(draft) if anew else _disentangle(draft, debris)):
        _make_anew(draft, surface, debris, spacing_nm)
    made = Surface(*without_unused(draft.vertices, draft.faces), name=surface.name)
    return (made if draft.log else surface), tuple(draft.log)


def _check_something(draft: _Draft) -> None:
    if len(draft.faces) == 0:
        raise CellmlError(f"{draft.name!r} has no faces ({len(draft.vertices)} vertices); there is no surface to repair.")
    areas = Surface(draft.vertices, draft.faces).areas()
    size = float(np.ptp(draft.vertices[draft.faces].reshape(-1, 3), axis=0).max())
    if not (areas > 1e-12 * size**2).any():
        raise CellmlError(
            f"All {len(areas)} faces of {draft.name!r} are without area (the largest has {areas.max():.3g} nm², over {size:.3g} nm); "
            "its corners coincide or lie on lines. Check the unit and the precision with which it was written."
        )


def _clean(draft: _Draft) -> None:
    """Join vertices, drop what is no face, orient, and pair faces at crowded edges."""
    size = float(np.ptp(draft.vertices[draft.faces].reshape(-1, 3), axis=0).max())
    rounding = 2.0 * float(np.finfo(np.float32).eps) * float(np.abs(draft.vertices).max())
    for tolerance in (0.0, max(1e-6 * size, rounding)):
        draft.faces, joined = weld(draft.vertices, draft.faces, tolerance)
        draft.note(joined, "joined 1 duplicate vertex", "joined {} duplicate vertices")
    _drop(draft, without_lost_corners(draft.faces), "face with coincident corners", "faces with coincident corners")
    _drop(draft, without_repeats(draft.faces), "repeated face", "repeated faces")


def _drop(draft: _Draft, kept: Index, one: str, many: str) -> None:
    draft.note(len(draft.faces) - len(kept), f"dropped 1 {one}", f"dropped {{}} {many}")
    draft.faces = kept


def _close(draft: _Draft, debris: float) -> bool:
    """Orient, cut into manifold fans, drop scraps, fill holes, turn outwards. False where the surface is not orientable."""
    if len(draft.faces) == 0:
        raise CellmlError(f"Nothing of {draft.name!r} remains once faces that cancel each other are dropped; it is a doubled sheet.")
    draft.faces, turned, orientable = orient_consistently(draft.faces)
    draft.note(len(turned), "turned 1 face over to agree with its neighbours", "turned {} faces over to agree with their neighbours")
    if not orientable:
        return False
    cut = _make_manifold(draft)
    _drop_scraps(draft)
    cut -= _fill_holes(draft)
    draft.note(cut, "cut the surface apart at 1 non-manifold vertex", "cut the surface apart at {} non-manifold vertices")
    _drop_debris(draft, debris)
    _turn_outwards(draft)
    topology = surface_topology(draft.faces)
    return topology.closed and topology.manifold and topology.oriented


def _make_manifold(draft: _Draft) -> int:
    """Cut the surface into fans; returns how many vertices that added."""
    opposite = match_half_edges(draft.vertices, draft.faces)
    draft.vertices, draft.faces, added = cut_into_fans(draft.vertices, draft.faces, opposite)
    draft.vertices, draft.faces, middles = part_shared_edges(draft.vertices, draft.faces)
    return added + middles


def _parts(draft: _Draft) -> tuple[int, Index, Index]:
    opposite = match_half_edges(draft.vertices, draft.faces)
    count, part = face_components(opposite)
    return count, part, opposite


def _drop_scraps(draft: _Draft) -> None:
    """Drop small open pieces; a surface that is nothing but them is kept whole."""
    count, part, opposite = _parts(draft)
    is_open = np.bincount(part, weights=(opposite.reshape(-1, 3) < 0).any(axis=1), minlength=count) > 0
    area = np.bincount(part, weights=Surface(draft.vertices, draft.faces).areas(), minlength=count)
    scrap = is_open & (area < _SCRAP * area.max())
    draft.note(int(scrap.sum()), "dropped 1 open scrap", "dropped {} open scraps")
    draft.faces = draft.faces[~scrap[part]]


def _fill_holes(draft: _Draft) -> int:
    """Fill all holes; returns how many copies of a vertex became one again, where holes touch."""
    _, _, opposite = _parts(draft)
    loops, becomes = border_loops(draft.vertices, draft.faces, opposite)
    if not loops:
        return 0
    draft.faces = becomes[draft.faces]
    surface = Surface(draft.vertices, draft.faces)
    before, border, area = len(draft.faces), int((opposite < 0).sum()), float(surface.areas().sum())
    for ring in loops:
        draft.vertices, filling = fill_hole(draft.vertices, draft.faces, ring)
        draft.faces = np.concatenate([draft.faces, filling])
    filled = float(Surface(draft.vertices, draft.faces[before:]).areas().sum())
    if filled > _WIDEST_HOLE * (area + filled):
        raise CellmlError(
            f"{draft.name!r} is an open sheet: {border} of its edges are open, in {len(loops)} rings, and closing them would take "
            f"{100 * filled / (area + filled):.0f} % of its area (at most {100 * _WIDEST_HOLE:.0f} % is guessed). Close it."
        )
    draft.note(len(loops), "filled 1 hole", "filled {} holes")
    return int((becomes != np.arange(len(becomes))).sum())


def _drop_debris(draft: _Draft, debris: float) -> None:
    count, part, _ = _parts(draft)
    volume = np.abs(volumes_of_parts(draft.vertices, draft.faces, part, count))
    area = np.bincount(part, weights=Surface(draft.vertices, draft.faces).areas(), minlength=count)
    # A ball has 0.094 A^1.5; less than a thousandth of that is a sheet folded on itself.
    flat = volume < 1e-4 * area**1.5
    if flat.all():
        raise CellmlError(
            f"{draft.name!r} encloses no volume: {volume.max():.3g} nm³ behind {area.max():.3g} nm². It is a sheet folded on "
            "itself, without an inside."
        )
    drop = flat | (volume < debris * volume.max())
    draft.note(int(drop.sum()), "dropped 1 piece of debris", "dropped {} pieces of debris")
    draft.faces = draft.faces[~drop[part]]


def _turn_outwards(draft: _Draft) -> None:
    count, part, _ = _parts(draft)
    draft.faces, turned, cavities = orient_outwards(draft.vertices, draft.faces, part, count)
    to_cavity = len(np.intersect1d(turned, cavities))
    draft.note(len(turned) - to_cavity, "turned 1 part outwards", "turned {} parts outwards")
    draft.note(to_cavity, "turned 1 enclosed part inwards, as a cavity", "turned {} enclosed parts inwards, as cavities")


def _free_of_crossings(draft: _Draft) -> bool:
    return find_flaws(draft.vertices, draft.faces).none


def _disentangle(draft: _Draft, debris: float) -> bool:
    """Take out faces that cross others and fill the holes, wider each round. False if crossings remain or the shape would change."""
    volume = Surface(draft.vertices, draft.faces).volume()
    trial = _Draft(draft.vertices, draft.faces, draft.name)
    removed, met = 0, (0, 0)
    for reach in range(_ROUNDS):
        flaws = find_flaws(trial.vertices, trial.faces)
        if flaws.none:
            draft.vertices, draft.faces = trial.vertices, trial.faces
            many = f"laid anew {removed} faces around {met[0]} crossings and {met[1]} folds or faces without area"
            draft.note(removed, "laid anew 1 face that crossed others", many)
            return True
        met = met if removed else (len(flaws.crossings), len(flaws.bad))
        out = flaws.reach(trial.faces, reach)
        removed += int(out.sum())
        if not _replace(trial, out, debris):
            return False
        if abs(Surface(trial.vertices, trial.faces).volume() - volume) > _LARGEST_CHANGE * volume:
            return False
    return False


def _replace(trial: _Draft, out: NDArray[np.bool_], debris: float) -> bool:
    """Fill anew the place of some faces. False if that splits the surface or leaves it open."""
    parts, _, _ = _parts(trial)
    inner = _Draft(trial.vertices, trial.faces[~out], trial.name)
    try:
        closed = len(inner.faces) > 0 and _close(inner, debris)
    except CellmlError:
        return False
    if not closed:
        return False
    _drop_shavings(inner, parts)
    trial.vertices, trial.faces = inner.vertices, inner.faces
    return _parts(trial)[0] == parts


def _drop_shavings(draft: _Draft, parts: int) -> None:
    """Drop the smallest parts beyond a number, if together they are next to nothing."""
    count, part, _ = _parts(draft)
    volume = np.abs(volumes_of_parts(draft.vertices, draft.faces, part, count))
    shavings = np.argsort(volume)[: max(count - parts, 0)]
    if volume[shavings].sum() < _SCRAP * volume.sum():
        draft.faces = draft.faces[~np.isin(part, shavings)]


def _make_anew(draft: _Draft, surface: Surface, debris: float, spacing_nm: float | None) -> None:
    source = Surface(draft.vertices, draft.faces, name=surface.name)
    made, spacing = reconstruct(source, spacing_nm=spacing_nm)
    draft.vertices, draft.faces = made.vertices, made.faces
    _drop_debris(draft, debris)
    before, after = abs(source.volume()), Surface(draft.vertices, draft.faces).volume()
    change = f"{100 * (after / before - 1):+.1f} %" if before > 0 else f"to {after:.3g} nm³"
    draft.log.append(f"made the surface anew from its winding number, on a grid of {spacing:.3g} nm (volume {change})")
