from __future__ import annotations

import numpy as np

from cellml.meshing.cut import volumes
from cellml.meshing.facets import surface_facets
from cellml.meshing.finish import _untangled
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.watch import Watch


def _lattice():
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, 40.0), np.ones((4, 4, 4), bool))
    return points, tets, np.ones(len(tets), np.int32)


def test_inverted_tetrahedra_are_mended_though_most_of_a_mesh_is_bad():
    points, tets, regions = _lattice()
    rng = np.random.default_rng(0)
    inner = np.setdiff1d(np.arange(len(points)), surface_facets(tets, regions)[0])
    points[inner] += rng.uniform(-2.5, 2.5, (len(inner), 3))
    points[inner[0]] += np.array([9.0, 0.0, 0.0])
    assert (volumes(points, tets) <= 0).any()
    mended, new_tets, new_regions = _untangled(points, tets, regions, {}, 2.0, Watch.start(60.0))
    assert volumes(mended, new_tets).min() > 0
    assert np.isclose(volumes(mended, new_tets).sum(), 40.0**3)
    assert len(new_regions) == len(new_tets)


def test_a_sound_mesh_is_left_as_it_is():
    points, tets, regions = _lattice()
    same = _untangled(points, tets, regions, {}, 2.0, Watch.start(60.0))
    assert all(a is b for a, b in zip(same, (points, tets, regions), strict=True))
