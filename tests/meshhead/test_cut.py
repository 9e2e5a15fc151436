"""Whatever the scores: conforming, closed, manifold, positive, no angle below the limit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshhead.certified import certified, mesh_of, surfaces_of
from cellml.meshhead.cut import Cutting
from cellml.meshhead.grid import background_grid, determinants
from cellml.meshhead.scores import labels_of, scores_of_distances
from cellml.meshing.quality import dihedral_angles, surface_angles
from cellml.meshing.topology import facet_pairs, surface_topology

GRID = background_grid((0, 0, 0), (3, 3, 3), 1.0)
FINE = background_grid((-10, -10, -10), (10, 10, 10), 2.0)


def sound(grid, made, labels, least_deg=10.19):
    """Assert everything that is promised by construction."""
    points, tets, regions = made.points.numpy(), made.cells.tets.numpy(), made.cells.regions.numpy()
    assert float(determinants(made.points, made.cells.tets).min()) > 0
    whole = float(determinants(grid.points, grid.tets).sum())
    assert float(determinants(made.points, made.cells.tets).sum()) == pytest.approx(whole, rel=1e-12)
    assert facet_pairs(tets).shared.max() <= 2
    assert dihedral_angles(points, tets).min() >= least_deg
    assert surface_angles(points, facet_pairs(tets).facets).min() >= min(least_deg, 5.99)
    for number in range(labels):
        pairs = facet_pairs(tets[regions == number])
        topology = surface_topology(pairs.facets[pairs.shared == 1])
        assert topology.closed and topology.manifold and topology.oriented


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), labels=st.integers(2, 5), smooth=st.floats(0.0, 3.0))
def test_sound_for_any_scores(seed, labels, smooth):
    rng = np.random.default_rng(seed)
    waves = GRID.points @ torch.tensor(rng.normal(size=(3, labels))) + torch.tensor(rng.uniform(0, 6, labels))
    scores = torch.tensor(rng.normal(size=(labels, len(GRID.points)))) + smooth * torch.sin(waves).T
    sound(GRID, Cutting()(GRID, scores), labels)


def test_a_plane_in_any_position_leaves_no_angle_below_ten_degrees_away_from_walls():
    rng = np.random.default_rng(1)
    inner = ~FINE.walls.any(1)[FINE.tets].any(1)
    for _ in range(3):
        normal = torch.tensor(rng.normal(size=3))
        distance = (FINE.points - torch.tensor(rng.uniform(-2, 2, 3))) @ (normal / normal.norm())
        made = Cutting(least_deg=0.0, least_facet_deg=0.0, nearest=0.01)(FINE, scores_of_distances(distance[None]))
        angles = dihedral_angles(made.points.numpy(), made.cells.tets.numpy()[inner[made.cells.parents].numpy()])
        assert angles.min() > 10.0


def test_a_sphere_has_its_volume_area_and_genus():
    distance = FINE.points.norm(dim=1) - 7.0
    made = Cutting()(FINE, scores_of_distances(distance[None]))
    mesh = mesh_of(FINE, made, {1: "ball"})
    certificate = certified(mesh).certificate
    region = certificate.regions["ball"]
    assert region.volume_nm3 == pytest.approx(4 / 3 * np.pi * 343, rel=0.02)
    assert region.area_nm2 == pytest.approx(4 * np.pi * 49, rel=0.02)
    assert (region.euler, region.components) == (2, 1)
    radii = np.linalg.norm(mesh.points[np.unique(mesh.facets)], axis=1)
    assert abs(radii - 7.0).max() < 0.15
    assert mesh.facet_names == {1: "membrane"}


def test_a_torus_has_genus_one():
    x, y, z = FINE.points.T
    distance = torch.sqrt((torch.sqrt(x**2 + y**2) - 6.0) ** 2 + z**2) - 2.6
    region = certified(mesh_of(FINE, Cutting()(FINE, scores_of_distances(distance[None])), {})).certificate.regions["label_1"]
    assert (region.euler, region.components, region.faults) == (0, 1, [])


def test_touching_compartments_share_their_interface_and_branch_only_at_triple_lines():
    x = FINE.points[:, 0]
    ball = FINE.points.norm(dim=1) - 7.0
    distances = torch.stack([torch.maximum(ball, x - 0.3), torch.maximum(ball, 0.3 - x)])
    made = Cutting()(FINE, scores_of_distances(distances))
    sound(FINE, made, 3)
    mesh = mesh_of(FINE, made, {1: "left", 2: "right"})
    certificate = certified(mesh).certificate
    assert set(mesh.facet_names.values()) == {"membrane", "left|right"}
    assert certificate.other_branching_edges == 0 and certificate.crossing_facets == 0 and certificate.conforming
    assert [line.regions for line in certificate.triple_lines] == [("outside", "left", "right")]
    assert certificate.triple_lines[0].length_nm == pytest.approx(2 * np.pi * 7, rel=0.15)  # it runs zigzag
    interface = mesh.facets_named("left|right")
    assert abs(mesh.points[interface][..., 0] - 0.3).mean() < 0.1


def test_an_object_that_touches_the_border_ends_in_a_plane_with_a_name():
    distance = (FINE.points - torch.tensor([10.0, 0.0, 0.0])).norm(dim=1) - 6.0
    made = Cutting()(FINE, scores_of_distances(distance[None]))
    sound(FINE, made, 2)
    mesh = mesh_of(FINE, made, {})
    cut = mesh.facets_named("cut_x1")
    assert (mesh.points[cut][..., 0] == 10.0).all()
    a, b, c = (mesh.points[cut[:, i]] for i in range(3))
    assert 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() == pytest.approx(np.pi * 36, rel=0.05)
    assert certified(mesh).certificate.regions["label_1"].faults == []


def test_fields_that_are_zero_or_of_one_sign_have_no_mesh():
    for field in (torch.zeros(1, len(GRID.points)), torch.ones(1, len(GRID.points))):
        made = Cutting()(GRID, scores_of_distances(field))
        assert len(made.cells.edges) == 0
        with pytest.raises(CellmlError, match="is empty: no vertex"):
            mesh_of(GRID, made, {})
    assert [len(f) for f in surfaces_of(made, 1).face_list()] == [0]


def test_zero_on_a_plane_of_vertices_is_outside_and_sound():
    scores = scores_of_distances((GRID.points[:, 0] - 1.0)[None])
    sound(GRID, Cutting()(GRID, scores), 2)
    lenient = Cutting(least_deg=6.0)(GRID, scores)  # between walls 3 cubes apart, 10.2° would draw the whole plane back towards rest
    sound(GRID, lenient, 2, least_deg=6.0)
    assert mesh_of(GRID, lenient, {}).volumes().sum() == pytest.approx(9.0, abs=0.6)


def test_sheets_of_one_vertex_and_membranes_nearer_than_a_cube_are_sound():
    x = GRID.points[:, 0]
    sheet = (x - 1.0).abs() - 0.3
    sound(GRID, Cutting()(GRID, scores_of_distances(sheet[None])), 2)
    near = torch.stack([x - 0.95, 1.05 - x])
    made = Cutting()(GRID, scores_of_distances(near))
    sound(GRID, made, 3)


def test_ten_times_stretched_cubes_stay_positive_and_manifold():
    grid = background_grid((0, 0, 0), (40, 4, 4), (10.0, 1.0, 1.0))
    rng = np.random.default_rng(2)
    sound(grid, Cutting()(grid, torch.tensor(rng.normal(size=(3, len(grid.points))))), 3, least_deg=1.0)


def test_gradient_to_scores_and_points_is_that_of_finite_differences():
    rng = np.random.default_rng(3)
    grid = background_grid((0, 0, 0), (3, 3, 3), 1.0)
    distance = (grid.points - 1.45).norm(dim=1) - 1.01 + 0.01 * torch.tensor(rng.normal(size=len(grid.points)))
    ends = torch.where(grid.walls, 0.0, 0.01 * torch.tensor(rng.normal(size=grid.points.shape)))

    def volume(values, points):
        made = Cutting()(grid, scores_of_distances(values[None]), points)
        return determinants(made.points, made.cells.tets[made.cells.regions == 1]).sum() / 6

    values, points = distance.clone().requires_grad_(), (grid.points + ends).requires_grad_()
    volume(values, points).backward()
    for argument, way in ((values, torch.tensor(rng.normal(size=values.shape))), (points, torch.where(grid.walls, 0.0, 1.0) * 0.5)):
        step = 1e-6 * way
        forward = (values + step, points) if argument is values else (values, points + step)
        back = (values - step, points) if argument is values else (values, points - step)
        with torch.no_grad():
            slope = float(volume(*forward) - volume(*back)) / 2e-6
        assert float((argument.grad * way).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_the_volume_jumps_by_little_where_a_vertex_changes_side():
    """A vertex crosses a plane: tetrahedra change, the surface hardly does."""
    volumes = []
    for shift in (-1e-9, 1e-9):
        made = Cutting()(FINE, scores_of_distances((FINE.points.norm(dim=1) - 6.0 - shift)[None]))
        volumes.append(float(determinants(made.points, made.cells.tets[made.cells.regions == 1]).sum() / 6))
    assert abs(volumes[1] - volumes[0]) / volumes[0] < 0.01


def test_surfaces_for_losses_are_those_of_the_mesh():
    distance = FINE.points.norm(dim=1) - 7.0
    made = Cutting()(FINE, scores_of_distances(torch.stack([distance, distance + 30])))
    batch = surfaces_of(made, 2)
    surface, empty = batch.surfaces()
    assert len(empty.faces) == 0
    assert surface.volume() == pytest.approx(mesh_of(FINE, made, {}).volumes().sum(), rel=1e-12)


def test_labels_of_equal_scores_are_the_lowest_and_bad_input_is_refused():
    assert labels_of(torch.tensor([[0.0, 1.0], [0.0, 2.0], [-1.0, 2.0]])).tolist() == [0, 1]
    with pytest.raises(CellmlError, match="1 of 2 points are not finite"):
        labels_of(torch.tensor([[0.0, torch.nan], [0.0, 2.0]]))
    with pytest.raises(CellmlError, match="a value for each vertex"):
        Cutting()(GRID, torch.zeros(2, 3))
    with pytest.raises(CellmlError, match="standoff in"):
        Cutting(standoff=0.6)
    with pytest.raises(CellmlError, match="low < high"):
        background_grid((0, 0, 0), (0, 1, 1), 1.0)
    with pytest.raises(CellmlError, match="must be positive"):
        background_grid((0, 0, 0), (1, 1, 1), 0.0)
