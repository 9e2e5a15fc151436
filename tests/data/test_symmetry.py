from __future__ import annotations

import numpy as np
import torch

from cellml.data.symmetry import Symmetry


def test_volumes_points_and_vectors_turn_together() -> None:
    shape, spacing = (6, 9, 9), (4.0, 2.0, 2.0)
    rng = np.random.default_rng(0)
    volume = torch.tensor(rng.normal(size=(2, *shape)))
    index = torch.tensor([[1, 2, 7], [5, 0, 3]])  # z, y, x
    points = (index.double() * torch.tensor(spacing)).flip(-1)
    kinds = set()
    for _ in range(60):
        symmetry = Symmetry.draw(rng, shape, spacing)
        kinds.add(symmetry)
        turned, there = symmetry.apply(volume), symmetry.of_points(points, shape, spacing)
        assert turned.shape == volume.shape
        z, y, x = (there.flip(-1) / torch.tensor(spacing)).round().long().T
        torch.testing.assert_close(turned[:, z, y, x], volume[:, index[:, 0], index[:, 1], index[:, 2]])
        ways = symmetry.of_points(points + 0.25, shape, spacing) - there
        torch.testing.assert_close(symmetry.of_vectors(torch.full_like(points, 0.25)), ways)
    assert len(kinds) == 16  # z keeps its place, which is what the shape allows


def test_a_cube_has_forty_eight_symmetries() -> None:
    rng = np.random.default_rng(1)
    assert len({Symmetry.draw(rng, (5, 5, 5), (2.0, 2.0, 2.0)) for _ in range(800)}) == 48
