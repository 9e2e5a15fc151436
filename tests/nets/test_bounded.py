from __future__ import annotations

import pytest
import torch
from torch import nn

from cellml.errors import CellmlError
from cellml.nets.bounded import Bounded


def test_a_foreign_network_answers_as_it_did() -> None:
    net = nn.Conv3d(1, 2, 3, padding=1)
    image = torch.rand(1, 1, 4, 4, 4)
    assert torch.equal(Bounded(net, 1, 2, (1, 2, 2), (1, 1, 1))(image), net(image))


@pytest.mark.parametrize("norm", [nn.InstanceNorm3d(2), nn.GroupNorm(1, 2)])
def test_norms_over_the_patch_are_refused_with_the_remedy(norm: nn.Module) -> None:
    with pytest.raises(CellmlError, match=f"Sequential has {type(norm).__name__}, which look at the whole patch.*use batch norm"):
        Bounded(nn.Sequential(nn.Conv3d(1, 2, 1), norm), 1, 2, (1, 1, 1), (0, 0, 0))


@pytest.mark.parametrize("wrong", [{"multiple": (0, 1, 1)}, {"halo": (-1, 0, 0)}, {"halo": (1, 1)}])
def test_numbers_that_mean_nothing_are_refused(wrong: dict) -> None:
    with pytest.raises(CellmlError, match="must be three whole numbers"):
        Bounded(nn.Conv3d(1, 2, 1), 1, 2, **{"multiple": (1, 1, 1), "halo": (0, 0, 0), **wrong})
