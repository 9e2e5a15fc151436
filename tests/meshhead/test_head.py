from dataclasses import replace

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.losses.certified import CertifiedMeshLoss
from cellml.meshhead.certified import certified, largest_piece, mesh_of, pieces, polished
from cellml.meshhead.cut import Cutting
from cellml.meshhead.grid import background_grid
from cellml.meshhead.head import CertifiedHead, Frame, membranes_of
from cellml.meshhead.scores import labels_of, scores_of_distances, scores_of_nested

FRAME = Frame((12, 20, 20), (20.0, 10.0, 10.0), (100.0, 50.0, 0.0))


def ball_maps(head, radius_nm=60.0, velocity=0.0):
    """Distance to a ball in the middle of the volume and a constant velocity, in the network's units."""
    axes = [o + s * np.arange(n) for n, s, o in zip(FRAME.shape, FRAME.spacing, FRAME.origin, strict=True)]
    away = [a - (a[0] + a[-1]) / 2 for a in axes]
    z, y, x = np.meshgrid(*away, indexing="ij")
    distance = (np.sqrt(x**2 + y**2 + z**2) - radius_nm) / head.step_nm(FRAME.spacing)
    return torch.tensor(np.stack([distance, *[np.full(FRAME.shape, velocity)] * 3]), dtype=torch.float32)


def test_maps_of_a_ball_become_a_ball_where_it_is():
    head = CertifiedHead(step_voxels=1.5, bound=0.0)
    grid = head.grid(FRAME)
    mesh = mesh_of(grid, head(grid, FRAME, ball_maps(head)), {1: "ball"})
    assert mesh.volumes().sum() == pytest.approx(4 / 3 * np.pi * 60**3, rel=0.06)  # inscribed, and 3 cubes across
    assert mesh.points.mean(axis=0) == pytest.approx([95.0, 145.0, 210.0], abs=3.0)


def test_a_grid_near_the_compartments_cuts_them_as_the_whole_grid_does():
    rng = np.random.default_rng(0)
    head = CertifiedHead(step_voxels=1.5, bound=0.3)
    rough = ball_maps(head, radius_nm=30.0, velocity=0.5) + 0.2 * torch.tensor(rng.normal(size=(4, *FRAME.shape)), dtype=torch.float32)
    rough[0, :3] -= 2.0  # some of it at a wall
    whole, near = head.grid(FRAME), head.grid(FRAME, rough)
    assert len(near.tets) < 0.8 * len(whole.tets)
    for settled in (CertifiedHead(step_voxels=1.5, bound=0.0), head):
        one, other = (mesh_of(grid, settled(grid, FRAME, rough), {}) for grid in (whole, near))
        assert one.points.shape == other.points.shape and one.tets.shape == other.tets.shape
        far_away = 1e-6 if not settled.bound else 0.01  # the steepest place, which sets the steps of the flow, may be far away
        assert one.volumes().sum() == pytest.approx(other.volumes().sum(), rel=far_away)
    outside = rough.clone()
    outside[0] = 1.0
    nothing = head.grid(FRAME, outside)
    assert 0 < len(nothing.tets) < 20
    with pytest.raises(CellmlError, match="is empty"):
        mesh_of(nothing, head(nothing, FRAME, outside), {})


def test_a_velocity_moves_the_mesh_within_its_bound():
    head = CertifiedHead(step_voxels=1.5, bound=0.3)
    grid, size = head.grid(FRAME), head.step_nm(FRAME.spacing)
    still, moved = (mesh_of(grid, head(grid, FRAME, ball_maps(head, velocity=v)), {}) for v in (0.0, 10.0))
    assert (moved.points.mean(axis=0) - still.points.mean(axis=0)) == pytest.approx(np.full(3, 0.3 * size), rel=0.2)


def test_nested_surfaces_are_compartments_without_what_lies_inside():
    distances = torch.tensor([[-3.0, -3.0, 2.0, 1.0], [1.0, -1.0, 3.0, -1.0]])
    assert labels_of(scores_of_nested(distances)).tolist() == [1, 2, 0, 2]
    three = torch.tensor(np.random.default_rng(0).normal(size=(3, 200)))
    last = [max((k + 1 for k in range(3) if three[k, i] < 0), default=0) for i in range(200)]
    assert labels_of(scores_of_nested(three)).tolist() == last


def test_membranes_are_the_interfaces_of_the_mesh_twice():
    grid = background_grid((0, 0, 0), (8, 8, 8), 1.0)
    ball = (grid.points - 4.0).norm(dim=1) - 2.6
    x = grid.points[:, 0] - 4.2
    made = Cutting()(grid, scores_of_distances(torch.stack([torch.maximum(ball, x), torch.maximum(ball, -x)])))
    mesh = mesh_of(grid, made, {})

    def area(points, faces):
        a, b, c = (points[faces[:, i]] for i in range(3))
        return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()

    assert area(made.points.numpy(), membranes_of(made).numpy()) == pytest.approx(2 * area(mesh.points, mesh.facets), rel=1e-12)


def test_the_quality_pass_reaches_ten_degrees_and_keeps_regions():
    grid = background_grid((0, 0, 0), (8, 8, 8), 1.0)
    ball = (grid.points - torch.tensor([0.3, 4.0, 4.0])).norm(dim=1) - 2.6  # the wall leaves angles below 10° behind
    inner = (grid.points - torch.tensor([1.0, 4.0, 4.0])).norm(dim=1) - 1.1
    mesh = mesh_of(grid, Cutting(least_deg=6.0)(grid, scores_of_nested(torch.stack([ball, inner]))), {1: "cell", 2: "core"})
    raw, done = certified(mesh).certificate, certified(polished(grid, mesh)).certificate
    assert raw.dihedral_min_deg >= 6.0
    assert done.dihedral_min_deg >= 10.0
    for name in ("cell", "core"):
        assert done.regions[name].volume_nm3 == pytest.approx(raw.regions[name].volume_nm3, rel=0.02)
        assert (done.regions[name].euler, done.regions[name].faults) == (raw.regions[name].euler, [])
    assert done.crossing_facets == 0 and done.inverted_tets == 0


def test_the_largest_piece_of_a_region_keeps_its_names():
    grid = background_grid((0, 0, 0), (10, 5, 5), 1.0)
    balls = [(grid.points - torch.tensor([2.5, 2.5, z])).norm(dim=1) - r for z, r in ((2.4, 1.7), (7.5, 1.2))]
    mesh = mesh_of(grid, Cutting()(grid, scores_of_distances(torch.minimum(*balls)[None])), {1: "ball"})
    piece = largest_piece(mesh, 1)
    assert piece.points[:, 2].max() < 5.0 and piece.facet_names == {1: "membrane"}
    assert certified(piece).certificate.regions["ball"].components == 1
    both = pieces(mesh, 1)
    assert [len(p.tets) for p in both] == sorted((len(p.tets) for p in both), reverse=True)
    assert sum(p.volumes().sum() for p in both) == pytest.approx(mesh.volumes().sum()) and both[1].points[:, 2].min() > 5.0


def test_the_loss_is_zero_for_the_truth_and_moves_a_wrong_ball_towards_it():
    head, loss = CertifiedHead(step_voxels=2.0, bound=0.3), CertifiedMeshLoss(signs=0.0)
    grid, size = head.grid(FRAME), head.step_nm(FRAME.spacing)
    truth = FRAME.sampled(ball_maps(head)[:1], grid.points)
    assert float(loss.of_distances(truth, truth)["distances"]) < 1e-6
    directions = torch.tensor(np.random.default_rng(0).normal(size=(800, 3)))
    points = 60.0 * directions / directions.norm(dim=1, keepdim=True) + torch.tensor([95.0, 145.0, 210.0])
    maps = ball_maps(head, radius_nm=75.0).requires_grad_()
    value = loss.of_surface(head(grid, FRAME, maps), points, size)
    value.backward()
    assert float(value.detach()) > 0 and float(maps.grad[0].sum()) < 0  # larger distances: a smaller ball
    assert float(loss.of_surface(head(grid, FRAME, ball_maps(head)), points, size)) < float(value.detach())
    assert float(loss.of_surface(head(grid, FRAME, ball_maps(head, radius_nm=-50.0)), points, size)) == 0.0


def test_bad_settings_are_refused():
    maps = ball_maps(CertifiedHead())
    maps[0, 1, 2, 3] = torch.nan
    with pytest.raises(CellmlError, match="1 of 19200 numbers of the network's answer"):
        CertifiedHead().grid(FRAME, maps)
    with pytest.raises(CellmlError, match="displacement bound"):
        CertifiedHead(bound=5.0)
    with pytest.raises(CellmlError, match="at least 0"):
        CertifiedMeshLoss(signs=-1.0)
    with pytest.raises(CellmlError, match="at least one compartment"):
        scores_of_nested(torch.zeros(0, 3))


def test_wrong_distances_never_lose_their_gradient_and_small_compartments_count_as_much():
    loss = CertifiedMeshLoss(signs=0.0, clip=3.0)
    truth = torch.tensor([[-4.0, -4.0, 4.0, 4.0, 1.0]])
    predicted = torch.tensor([[50.0, -9.0, -50.0, 9.0, 4.5]], requires_grad=True)
    loss.of_distances(predicted, truth)["distances"].backward()
    assert predicted.grad is not None
    assert torch.sign(predicted.grad[0]).tolist() == [1.0, 0.0, -1.0, 0.0, 1.0]
    everywhere = torch.full((1, 1000), 12.0)
    large, small = everywhere.clone(), everywhere.clone()
    large[0, :500], small[0, :10] = -0.5, -0.5
    both = torch.cat([large, small])
    wrong = [float(loss.of_distances(both + torch.tensor(by)[:, None], both)["distances"]) for by in ([1.0, 0.0], [0.0, 1.0])]
    assert wrong[1] > 0.5 * wrong[0]  # by voxels it would be a fiftieth


def test_points_of_absent_surfaces_do_not_pull():
    head, loss = CertifiedHead(step_voxels=2.0, bound=0.0), CertifiedMeshLoss()
    grid, size = head.grid(FRAME), head.step_nm(FRAME.spacing)
    made = head(grid, FRAME, ball_maps(head))
    there, absent = torch.full((50, 3), 95.0), torch.full((50, 3), torch.nan)
    assert float(loss.of_surface(made, absent, size)) == 0.0
    assert float(loss.of_surface(made, torch.cat([there, absent]), size)) == pytest.approx(float(loss.of_surface(made, there, size)))


def test_offsets_make_a_compartment_thinner_and_count_its_compartments():
    head = CertifiedHead(step_voxels=2.0, bound=0.0)
    maps = ball_maps(head)
    thinner = replace(head, offsets=(0.5,))
    volumes = []
    for one in (head, thinner):
        grid = one.grid(FRAME, maps)
        volumes.append(float(mesh_of(grid, one(grid, FRAME, maps), {}).volumes().sum()))
    moved = maps.clone()
    moved[0] += 0.5
    grid = head.grid(FRAME, moved)
    assert (
        volumes[1] == pytest.approx(float(mesh_of(grid, head(grid, FRAME, moved), {}).volumes().sum())) and volumes[1] < 0.95 * volumes[0]
    )
    with pytest.raises(CellmlError, match="2 offsets .* 1 compartments"):
        replace(head, offsets=(0.1, 0.1)).grid(FRAME, maps)
