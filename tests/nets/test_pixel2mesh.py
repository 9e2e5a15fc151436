from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.meshops.geometry import surface_areas, volumes
from cellml.nets.image_features import ImageFeatures, box_coordinates
from cellml.nets.mesh_template import icosphere, mean_shape
from cellml.nets.pixel2mesh import Pixel2Mesh


def small(**more: object) -> Pixel2Mesh:
    torch.manual_seed(0)
    given = {"structures": 2, "widths": (4, 8), "level": 1, "stages": 3, "hidden": 8, "depth": 1, "embedding": 2}
    return Pixel2Mesh(**{**given, **more})  # type: ignore[arg-type]


def test_an_icosphere_is_a_closed_sphere_that_subdivision_refines() -> None:
    sphere = icosphere(3)
    assert len(sphere.faces) == 20 * 64
    assert len(sphere.vertices) - len(sphere.edges) + len(sphere.faces) == 2
    torch.testing.assert_close(torch.linalg.vector_norm(sphere.vertices, dim=1), torch.ones(len(sphere.vertices)))
    assert float(volumes(sphere)) == pytest.approx(4 / 3 * np.pi, rel=0.02)
    assert float(surface_areas(sphere)) == pytest.approx(4 * np.pi, rel=0.02)
    assert float(volumes(icosphere(0))) > 0


def test_the_mean_of_balls_is_the_ball_of_mean_centre_and_radius() -> None:
    directions = icosphere(2).vertices
    dense = icosphere(4).vertices
    clouds = torch.stack([radius * dense + torch.tensor(centre) for radius, centre in ((1.0, [0.0, 0, 2]), (3.0, [1.0, 0, 0]))])
    torch.testing.assert_close(mean_shape(clouds, directions), 2 * directions + torch.tensor([0.5, 0, 1]), atol=1e-4, rtol=0)


def test_the_mean_shape_keeps_what_all_surfaces_share() -> None:
    directions, dense = icosphere(2).vertices, icosphere(5).vertices
    ellipsoid = dense * torch.tensor([1.0, 2.0, 0.5])
    found = mean_shape(torch.stack([ellipsoid, ellipsoid]), directions)
    level = (found / torch.tensor([1.0, 2.0, 0.5])).square().sum(1)
    assert (level - 1).abs().max() < 0.1


def test_feature_maps_of_a_unet() -> None:
    net = ImageFeatures(1, (4, 8), stem_stride=2)
    maps = net(torch.zeros(2, 1, 8, 12, 16))
    assert [tuple(m.shape) for m in maps] == [(2, 8, 2, 3, 4), (2, 4, 4, 6, 8)]
    assert net.multiple == (4, 4, 4)


def test_box_coordinates_reach_one_at_the_outer_faces() -> None:
    corner = torch.tensor([2.0, 1.0, 1.5])  # half edges of the shortest side: the box is 2 × 3 × 4 along (y, z, x)
    torch.testing.assert_close(box_coordinates(corner, [3, 2, 4]), torch.ones(3))


def test_stages_go_from_coarse_to_fine_and_start_at_the_template() -> None:
    net = small()
    stages = net(torch.randn(3, 1, 8, 8, 8))
    assert [len(stage.after.faces) for stage in stages] == [6 * 80 * 4**n for n in range(3)]
    torch.testing.assert_close(stages[0].before.vertices, net.template.repeat(3, 1, 1).reshape(-1, 3))
    torch.testing.assert_close(stages[-1].after.vertices.norm(dim=1).max(), torch.tensor(0.5))  # steps begin at zero
    assert all(len(stage.after) == 6 for stage in stages)


def test_every_weight_learns() -> None:
    net = small()
    for stage in net.stages:
        torch.nn.init.normal_(stage.step.weight, std=0.1)  # type: ignore[union-attr]
    for pool in net.unpoolings:
        torch.nn.init.normal_(pool.features[2].weight, std=0.1)  # type: ignore[index, union-attr]
        torch.nn.init.normal_(pool.place.weight, std=0.1)  # type: ignore[union-attr]
    net(torch.randn(1, 1, 8, 8, 8))[-1].after.vertices.square().sum().backward()
    silent = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.abs().sum() > 0]
    assert not [name for name in silent if not name.endswith("bias")]


def test_an_image_moves_its_own_meshes_only() -> None:
    net = small().eval()
    for stage in net.stages:
        torch.nn.init.normal_(stage.step.weight, std=0.1)  # type: ignore[union-attr]
    images = torch.randn(2, 1, 8, 8, 8)
    both, alone = net(images)[-1].after.vertex_list(), net(images[1:])[-1].after.vertex_list()
    torch.testing.assert_close(both[2:], alone)
    other = net(torch.stack([images[0], images[1] + 1]))[-1].after.vertex_list()
    torch.testing.assert_close(other[:2], both[:2])
    assert (other[2] - both[2]).abs().max() > 1e-3
    assert (both[0] - both[1]).abs().max() > 1e-3  # structures differ by their embedding


def test_bad_input_is_refused() -> None:
    with pytest.raises(CellmlError, match="at least 1"):
        small(structures=0)
    with pytest.raises(CellmlError, match="0 to 7"):
        small(level=9)
    with pytest.raises(CellmlError, match="B, C, Z, Y, X"):
        small()(torch.zeros(1, 8, 8, 8))
    with pytest.raises(CellmlError, match="template needs"):
        small().set_template(torch.zeros(2, 5, 3))
