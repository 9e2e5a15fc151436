import numpy as np
import pytest
import torch

from cellml.meshhead.templates import FACE_CORNERS, TEMPLATES, template

CORNERS = np.concatenate([np.zeros((1, 3)), np.eye(3)])


def random_nodes(rng):
    """All fifteen nodes of the unit tetrahedron, each anywhere inside what it lies in."""
    edges = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    weights = [rng.dirichlet(np.ones(n)) * 0.94 + 0.06 / n for n in [2] * 6 + [3] * 4 + [4]]
    groups = [*edges, *FACE_CORNERS, (0, 1, 2, 3)]
    return np.array([*CORNERS, *(w @ CORNERS[list(group)] for w, group in zip(weights, groups, strict=True))])


@pytest.mark.parametrize("name", TEMPLATES)
def test_parts_are_positive_and_fill_the_tetrahedron_wherever_nodes_are(name):
    rng = np.random.default_rng(0)
    form = template(name, torch.device("cpu"))
    for _ in range(200):
        a, b, c, d = random_nodes(rng)[form.rows.numpy()].transpose(1, 0, 2)
        volumes = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a))
        assert volumes.min() > 0
        assert volumes.sum() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_part_begins_at_a_corner_of_its_label(name):
    owners = template(name, torch.device("cpu")).owners
    assert set(owners.tolist()) <= {0, 1, 2, 3}
    assert len(set(owners.tolist())) == {"whole": 1, "3+1": 2, "2+2": 2, "2+1+1": 3, "1+1+1+1": 4}[name]
