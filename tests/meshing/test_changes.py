from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.changes import collapse_edge, peel, remove_edge, remove_face, split_edge
from cellml.meshing.cut import volumes
from cellml.meshing.editable import EditableMesh
from cellml.meshing.goal import Goal
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.neighbourhood import Neighbourhood
from cellml.meshing.topology import boundary_facets, edges_of, facet_pairs, region_components, surface_topology

GOAL = Goal(dihedral_deg=60.0, surface_min_deg=50.0, surface_max_deg=70.0)  # which nothing reaches: all changes that help are made
REACH = 0.3
FLAT = {"reach_nm": 1e-6}


def _jittered(seed, *, regions=1, inner_only=True, cubes=3):
    """A block of cubes, edge 1 nm, with its vertices thrown about as far as no tetrahedron is inverted, in one or two regions."""
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, float(cubes)), np.ones((cubes,) * 3, bool))
    rng = np.random.default_rng(seed)
    outer = np.unique(boundary_facets(tets))
    shift = rng.normal(scale=0.3, size=points.shape)
    if inner_only:
        shift[outer] = 0.0
    number = np.where(points[tets].mean(axis=1)[:, 0] < 0.5 * cubes, 1, regions).astype(np.int32)
    while (bad := volumes(points + shift, tets) < 1e-3).any():
        shift[np.unique(tets[bad])] *= 0.8
    return points + shift, tets, number


def _place(points, tets, regions, *, planes=(), reach=REACH):
    return Neighbourhood(EditableMesh(points, tets, regions), GOAL, list(planes), reach)


class _Watch:
    """What must hold before and after each change."""

    def __init__(self, place):
        self.place = place
        self.before = self._state()

    def _state(self):
        points, tets, regions = self.place.mesh.arrays()
        pairs = facet_pairs(tets)
        assert pairs.shared.max() <= 2
        volume = volumes(points, tets)
        assert volume.min() > 0
        surfaces = {n: surface_topology(boundary_facets(tets[regions == n])) for n in np.unique(regions).tolist()}
        assert all(surface.manifold and surface.oriented for surface in surfaces.values())
        return {
            "volumes": {n: float(volume[regions == n].sum()) for n in surfaces},
            "euler": {n: surface.euler for n, surface in surfaces.items()},
            "parts": region_components(pairs, regions),
        }

    def unchanged(self, *, rel=1e-9):
        after = self._state()
        assert after["euler"] == self.before["euler"]
        assert after["parts"] == self.before["parts"]
        assert after["volumes"] == pytest.approx(self.before["volumes"], rel=rel)
        self.before = after


def _faces(mesh):
    return [
        tuple(mesh.corners(tet)[i] for i in range(4) if i != k) for tet in range(len(mesh.living())) if mesh.alive(tet) for k in range(4)
    ]


def _edges(mesh):
    return edges_of(mesh.arrays()[1])[0].tolist()


def _tried(change, place, *arguments):
    """Whether a change was kept; one that was not must have left no trace."""
    before = place.mesh.mark()
    kept = change(place, *arguments)
    assert kept == (place.mesh.mark() != before)
    return kept


@pytest.mark.parametrize("regions", [1, 2])
@pytest.mark.parametrize(
    ("change", "candidates"),
    [(remove_face, _faces), (remove_edge, _edges), (split_edge, _edges)],
    ids=["remove_face", "remove_edge", "split_edge"],
)
def test_interior_changes_keep_volumes_and_topology(change, candidates, regions):
    place = _place(*_jittered(3, regions=regions, cubes=2))
    watch, made = _Watch(place), 0
    for candidate in candidates(place.mesh):
        if not place.mesh.around(*candidate):
            continue  # gone by an earlier change
        kept = _tried(change, place, *((candidate,) if change is remove_face else candidate))
        made += kept
        if kept:
            watch.unchanged()
        if made == 6:
            break
    assert made >= 2


@pytest.mark.parametrize("regions", [1, 2])
def test_collapse_keeps_topology_and_the_volume_inside(regions):
    place = _place(*_jittered(2, regions=regions, cubes=2))
    watch, made = _Watch(place), 0
    points, vertices = len(place.mesh.points), len(np.unique(place.mesh.arrays()[1]))
    for a, b in _edges(place.mesh):
        if not place.mesh.around(a, b):
            continue
        on_surface = bool(place.mesh.surface_faces(a))
        kept = _tried(collapse_edge, place, a, b)
        if kept:
            made += 1
            assert not place.mesh.star(a)
            # A vertex of the surface may be pulled along it, by which volume changes slightly.
            watch.unchanged(rel=0.2 if on_surface else 1e-9)
    assert made >= 1
    assert len(place.mesh.points) == points
    assert len(np.unique(place.mesh.arrays()[1])) == vertices - made


def test_collapse_is_refused_where_it_would_change_the_topology():
    """A slab one cube thick: pulling its upper side onto its lower one would pierce it, however much better the angles became."""
    points, tets = body_centred_cubic(np.zeros(3), np.array([0.05, 3.0, 3.0]), np.ones((1, 3, 3), bool))
    place = _place(points, tets, np.ones(len(tets), np.int32), reach=10.0)
    top, bottom = (set(np.flatnonzero(points[:, 2] == z).tolist()) for z in (0.05, 0.0))
    watch, tried = _Watch(place), 0
    for a, b in _edges(place.mesh):
        if ({a, b} & top and {a, b} & bottom) or (not place.mesh.surface_faces(a)) != (not place.mesh.surface_faces(b)):
            inner = [v for v in (a, b) if not place.mesh.surface_faces(v)]
            gone, kept = (b, a) if inner == [a] else (a, b)  # the vertex of the surface would go
            tried += 1
            assert not collapse_edge(place, gone, kept)
    assert tried > 20
    watch.unchanged()


def test_collapse_is_refused_across_a_missing_link():
    """Two vertices with a common neighbour outside the tetrahedra at their edge (the link condition of Dey et al. 1999)."""
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, 3.0), np.ones((3, 3, 3), bool))
    pairs = facet_pairs(tets)
    facet = int(np.flatnonzero(pairs.second >= 0)[np.abs(points[pairs.facets[pairs.second >= 0]].mean(axis=1) - 1.5).sum(axis=1).argmin()])
    a, b, c = pairs.facets[facet].tolist()
    hollow = np.delete(tets, [pairs.first[facet], pairs.second[facet]], axis=0)
    place = _place(points, hollow, np.ones(len(hollow), np.int32), reach=10.0)
    assert c in place.mesh.neighbours(a) & place.mesh.neighbours(b)
    assert place.mesh.around(a, b)
    assert not place.mesh.around(a, b, c)
    for gone, kept in ((a, b), (b, a), (a, c), (c, a), (b, c), (c, b)):
        assert not collapse_edge(place, gone, kept)


def test_walls_and_corners_of_three_surfaces_are_not_pulled_away():
    points, tets, regions = _jittered(3, regions=2, cubes=2)
    planes = [(column, value) for column in range(3) for value in (0.0, 2.0)]
    place = _place(points, tets, regions, planes=planes, reach=10.0)
    for a, b in _edges(place.mesh):
        for gone, kept in ((a, b), (b, a)):
            if place.on_wall(gone) and place.mesh.around(gone, kept):
                assert not collapse_edge(place, gone, kept)
    place = _place(points, tets, regions, reach=10.0)
    rim = [v for v in np.unique(tets).tolist() if len({frozenset(place.mesh.sides(f)) for f in place.mesh.surface_faces(v)}) > 1]
    assert len(rim) == 8
    for vertex in rim:
        for other in sorted(place.mesh.neighbours(vertex)):
            assert not collapse_edge(place, vertex, other)


@pytest.mark.parametrize("seed", [0])
def test_smoothing_never_lowers_the_worst_score_and_keeps_to_its_reach(seed):
    points, tets, regions = _jittered(seed, regions=2, inner_only=False, cubes=2)
    place = _place(points, tets, regions, reach=0.1)
    watch, moved = _Watch(place), 0
    on_surface = [bool(place.mesh.surface_faces(v)) for v in range(len(points))]
    for vertex in [*range(0, len(points), 2)] * 2:
        star = sorted(place.mesh.star(vertex))
        before = place.score(star)
        if place.smooth(vertex):
            moved += 1
            assert place.score(star) >= before
        else:
            assert place.score(star) == before
    assert moved > 10
    watch.unchanged(rel=0.1)
    distance = np.linalg.norm(np.array(place.mesh.points) - points, axis=1)
    assert distance[on_surface].max() <= 0.1 + 1e-12  # also after several moves
    assert distance[~np.array(on_surface)].max() > 0.1


def test_smoothing_on_a_wall_stays_in_it():
    points, tets, regions = _jittered(4, inner_only=False, cubes=2)
    planes = [(2, 0.0)]
    points[(points[:, 2] < 0.5) & np.isin(np.arange(len(points)), np.unique(boundary_facets(tets))), 2] = 0.0
    tets = tets[volumes(points, tets) > 0]
    place = _place(points, tets, regions[: len(tets)], planes=planes)
    on_wall = points[:, 2] == 0.0
    moved = [v for v in np.flatnonzero(on_wall).tolist() if place.mesh.star(v) and place.smooth(v)]
    assert moved
    assert (np.array(place.mesh.points)[on_wall, 2] == 0.0).all()
    assert all(place.on_wall(v) for v in moved)


def _with_flat_cap(height):
    """A block and a flat tetrahedron on two facets of its upper face."""
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, 2.0), np.ones((2, 2, 2), bool))
    a, c = (int(np.flatnonzero((points == [x, y, 2.0]).all(axis=1))[0]) for x, y in ((0.0, 1.0), (1.0, 0.0)))
    shared = {v for v in np.unique(tets).tolist() if points[v, 2] == 2.0}
    top = [face for face in boundary_facets(tets).tolist() if set(face) <= shared and points[face, :2].max() <= 1.0]
    assert len(top) == 2
    common = sorted(set(top[0]) & set(top[1]))
    tips = sorted((set(top[0]) | set(top[1])) - set(common))
    assert {a, c} in ({*common}, {*tips})
    points = points.copy()
    points[tips, 2] += height
    cap = [*common, *tips]
    if volumes(points, np.array([cap]))[0] < 0:
        cap = cap[:2] + cap[:1:-1]
    return points, np.concatenate([tets, [cap]]), len(tets)


def test_a_flat_tetrahedron_is_peeled_off_the_outside():
    points, tets, cap = _with_flat_cap(0.01)
    place = _place(points, tets, np.ones(len(tets), np.int32))
    before = surface_topology(boundary_facets(tets))
    assert before.manifold
    volume = volumes(points, tets).sum()
    assert peel(place, cap)
    _, left, _ = place.mesh.arrays()
    after = surface_topology(boundary_facets(left))
    assert (after.manifold, after.euler) == (True, before.euler)
    assert not place.mesh.alive(cap)
    assert volumes(points, left).sum() == pytest.approx(volume, rel=1e-3)


def test_a_thick_one_stays_and_so_do_inner_ones_and_those_on_walls():
    points, tets, cap = _with_flat_cap(0.6)
    assert not peel(_place(points, tets, np.ones(len(tets), np.int32)), cap)
    points, tets, cap = _with_flat_cap(0.01)
    regions = np.ones(len(tets), np.int32)
    assert not peel(_place(points, tets, regions, planes=[(2, 2.0)]), cap)
    place = _place(points, tets, regions)
    inner = [t for t in range(len(tets)) if not any(place.mesh.on_surface(f) for f in _faces_of(place.mesh, t))]
    assert inner
    assert not any(peel(place, t) for t in inner)


def _faces_of(mesh, tet):
    corners = mesh.corners(tet)
    return [tuple(corners[i] for i in range(4) if i != k) for k in range(4)]
