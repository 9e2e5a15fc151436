from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.tasks.membrane_target import MembraneTarget


def test_one_channel_or_two_say_the_same() -> None:
    labels = torch.tensor([[[[0, 1, 1], [0, -1, 1]]]])
    one, mask = MembraneTarget()(labels)
    two, same = MembraneTarget(channels=2)(labels)
    assert torch.equal(one[:, 0], two[:, 1]) and torch.equal(two.sum(1), torch.ones_like(two[:, 0])) and torch.equal(mask, same)
    assert mask[0, 0, 0].tolist() == [[True, True, True], [True, False, True]]
    assert torch.equal(one[mask].long(), labels[:, None][mask])


@pytest.mark.parametrize("channels", [1, 2])
def test_logits_and_probabilities_are_inverse(channels: int) -> None:
    target, logits = MembraneTarget(channels=channels), torch.randn(1, channels, 2, 3, 3)
    probabilities = target.activation(logits)
    torch.testing.assert_close(target.activation(target.output(probabilities)), probabilities)


def test_two_channels_decode_as_one_whose_logit_is_their_difference() -> None:
    logits = torch.randn(1, 2, 2, 4, 5)
    two = MembraneTarget(channels=2)
    one = torch.sigmoid(logits[:, 1:] - logits[:, :1])[0].numpy()
    a, b = two.pairs(two.activation(logits)[0].numpy())[0], MembraneTarget().pairs(one)[0]
    np.testing.assert_allclose(a, b, atol=1e-6)
    assert not a[0].any(), "sections stand for themselves"


def test_objects_are_the_insides_of_each_section() -> None:
    labels = np.zeros((2, 4, 5), np.int64)
    labels[:, :, 2] = 1
    labels[1, 0, 0] = -1
    objects = MembraneTarget().objects(labels)
    assert sorted(np.unique(objects)) == [0, 1, 2, 3, 4] and not objects[labels != 0].any()
    assert len(np.unique(objects[0, :, :2])) == 1 and objects[0, 0, 0] != objects[1, 1, 0]


def test_is_judged_by_v_rand() -> None:
    target = MembraneTarget()
    truth = np.array([[[1, 1, 0, 2, 2]]])
    perfect, merged = (ContingencyTable.from_labels(truth, np.array([[p]])) for p in ([5, 5, 5, 6, 6], [5, 5, 5, 5, 5]))
    assert target.cost(perfect) == pytest.approx(0) and target.scores(perfect) == {"v_rand": pytest.approx(1), "v_info": pytest.approx(1)}
    assert target.cost(merged) == pytest.approx(1 - 2 * 0.5 / (1 + 0.5))


def test_other_labels_and_channels_are_refused() -> None:
    with pytest.raises(CellmlError, match="but the labels hold 2"):
        MembraneTarget()(torch.full((1, 1, 2, 2), 2))
    with pytest.raises(CellmlError, match="1 or 2 channels, got 3"):
        MembraneTarget(channels=3)
