from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.nets.mesh_template import icosphere
from cellml.nets.meshcnn import EdgeConvolution, MeshCNN
from cellml.nets.pointnet import PointNet


def test_pointnet_does_not_see_the_order_of_points() -> None:
    torch.manual_seed(0)
    cloud, order = torch.randn(2, 40, 6), torch.randperm(40)
    whole, each = PointNet(3).eval(), PointNet(4, per_point=True).eval()
    torch.testing.assert_close(whole(cloud), whole(cloud[:, order]))
    torch.testing.assert_close(each(cloud)[:, :, order], each(cloud[:, order]))
    assert whole(cloud).shape == (2, 3)
    assert each(cloud).shape == (2, 4, 40)
    assert not torch.allclose(whole(cloud), whole(cloud + 1))


def test_an_edge_convolution_is_the_same_from_either_face() -> None:
    torch.manual_seed(0)
    layer, features = EdgeConvolution(4, 6), torch.randn(5, 4)
    neighbours = torch.tensor([[1, 2, 3, 4]]).expand(5, 4)
    swapped = neighbours[:, [2, 3, 0, 1]]
    torch.testing.assert_close(layer(features, neighbours), layer(features, swapped))
    assert not torch.allclose(layer(features, neighbours), layer(features, neighbours[:, [1, 0, 2, 3]]))


def meshes() -> tuple[torch.Tensor, torch.Tensor]:
    sphere = icosphere(1)
    shapes = torch.stack([sphere.vertices * torch.tensor(s) for s in ([1.0, 1, 1], [1.0, 1, 3])])
    return shapes, sphere.faces.expand(2, -1, -1)


def test_meshcnn_classifies_meshes_and_edges() -> None:
    torch.manual_seed(0)
    vertices, faces = meshes()
    assert MeshCNN(3, (8, 8), (90, 60))(vertices, faces).shape == (2, 3)
    each = MeshCNN(4, (8, 12), (90, 60), per_edge=True)
    found = each(vertices, faces)
    assert found.shape == (240, 4)
    found.sum().backward()
    assert all(weight.grad is not None for weight in each.parameters())


def test_meshcnn_does_not_see_where_a_mesh_is_nor_its_padding() -> None:
    torch.manual_seed(0)
    net = MeshCNN(3, (8, 8), (90, 60)).eval()
    vertices, faces = meshes()
    moved = 2 * vertices.flip(2).roll(1, dims=2) * torch.tensor([1.0, 1, -1]) + 4  # a rotation: two reflections
    padded = torch.nn.functional.pad(vertices, (0, 0, 0, 3)), torch.nn.functional.pad(faces, (0, 0, 0, 5), value=-1)
    torch.testing.assert_close(net(vertices, faces), net(*padded))
    # pooling breaks ties of equal edges by round-off, so the turned mesh is only nearly the same
    torch.testing.assert_close(net(vertices[1:], faces[1:]), net(moved[1:], faces[1:]), atol=0.1, rtol=0)


def test_meshcnn_learns_two_shapes() -> None:
    torch.manual_seed(0)
    net = MeshCNN(2, (8, 8), (90, 60), dropout=0.0)
    vertices, faces = meshes()
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(15):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(vertices, faces), torch.tensor([0, 1]))
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.2


def test_bad_input_is_refused() -> None:
    with pytest.raises(CellmlError, match="takes clouds"):
        PointNet(3)(torch.zeros(1, 4, 3))
    with pytest.raises(CellmlError, match="positive numbers"):
        PointNet(0)
    with pytest.raises(CellmlError, match="falling number"):
        MeshCNN(3, (8, 8), (60, 90))
    vertices, faces = meshes()
    with pytest.raises(CellmlError, match="closed manifold"):
        MeshCNN(3, (8,), (90,))(vertices, faces[:, 1:])
