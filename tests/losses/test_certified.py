"""The parts of the certified head's loss that do not need a grid."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from cellml.losses.certified import CertifiedMeshLoss, distinct_rows


@given(st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=40), st.integers(0, 3_000_000))
def test_distinct_rows_are_those_of_torch(rows: list[tuple[int, int, int]], offset: int) -> None:
    tensor = torch.tensor(rows, dtype=torch.int64).reshape(-1, 3) + offset
    assert torch.equal(distinct_rows(tensor), torch.unique(tensor, dim=0))


def test_taking_one_compartment_for_another_costs_more_than_the_same_mistake_in_the_open() -> None:
    line = torch.linspace(0, 40, 401)
    truth = torch.stack([(line - 10).abs() - 2, (line - 30).abs() - 2])
    loss = CertifiedMeshLoss()

    def cost(place: float) -> float:
        wrong = truth.clone()
        wrong[1, (line - place).abs() < 1] = -1.0  # a piece of the second compartment where it is not
        return float(sum(loss.of_distances(wrong, truth).values()))

    assert cost(12.0) > 2 * cost(20.0) > 0
    assert abs(float(loss.of_distances(truth, truth)["distances"])) < 1e-6
