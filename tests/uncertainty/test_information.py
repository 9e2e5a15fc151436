from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.uncertainty.information import entropy, mutual_information, pooled_variance, slab_entropy


def test_entropies_of_known_distributions() -> None:
    even = torch.full((1, 4, 1, 1, 1), 0.25)
    sure = torch.tensor([1.0, 0, 0, 0]).view(1, 4, 1, 1, 1)
    assert entropy(even, exclusive=True).item() == pytest.approx(2) and entropy(sure, exclusive=True).item() == 0
    half = torch.tensor([0.5, 1.0]).view(1, 2, 1, 1, 1)
    assert entropy(half, exclusive=False).item() == pytest.approx(0.5)
    assert slab_entropy(np.full((2, 3, 4, 5), 0.5, np.float32), exclusive=True).shape == (3, 4, 5)


def test_two_members_that_contradict_each_other_have_one_bit_of_mutual_information() -> None:
    mean, own = np.full((2, 1, 1, 1), 0.5, np.float32), np.zeros((1, 1, 1), np.float32)
    assert mutual_information(slab_entropy(mean, exclusive=True), own).item() == pytest.approx(1)
    assert mutual_information(np.zeros(1), np.full(1, 1e-7)).item() == 0


def test_the_pooled_variance_of_two_classes_is_that_of_the_foreground() -> None:
    p = torch.rand(7, 1, 1, 1, 1)
    both = torch.cat([1 - p, p], dim=1)
    assert pooled_variance(both.var(dim=0, keepdim=True), exclusive=True).item() == pytest.approx(p.var().item(), rel=1e-5)
