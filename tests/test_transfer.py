from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from cellml.errors import CellmlError
from cellml.losses.semantic import SemanticLoss
from cellml.nets.unet import UNet
from cellml.tasks.segmentation import SegmentationTask
from cellml.tasks.targets import SemanticTarget
from cellml.transfer import freeze, learning_rates, parameter_groups, part_names


def task(optimizer: Any = torch.optim.SGD) -> SegmentationTask:
    torch.manual_seed(0)
    net = UNet(out_channels=2, widths=(2, 4, 4))
    return SegmentationTask(net, SemanticTarget(["a", "b"]), SemanticLoss(), lambda groups: optimizer(groups, lr=0.5))


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {"image": torch.rand(1, 1, 16, 16, 16, generator=generator), "labels": torch.randint(0, 2, (1, 16, 16, 16), generator=generator)}


def step(one: SegmentationTask) -> dict[str, torch.Tensor]:
    """The state after a step of plain gradient descent, in training mode."""
    one.train()
    optimizer = one._optimizer()
    one.loss_of(batch()).total.backward()
    optimizer.step()
    return {name: value.clone() for name, value in one.state_dict().items()}


def test_parts_are_children_and_members_of_lists() -> None:
    assert part_names(UNet(widths=(2, 2)))[:4] == ["stem", "encoder", "encoder.0", "encoder.1"]
    assert part_names(nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))) == ["0", "0.0", "0.1"]


def test_frozen_parts_and_their_batch_norms_stay_and_all_else_moves() -> None:
    one = task()
    before = {name: value.clone() for name, value in one.state_dict().items()}
    one.transfer(frozen=["stem", "encoder.0"])
    after = step(one)
    still = {name for name in before if torch.equal(before[name], after[name])}
    frozen = {name for name in before if name.startswith(("net.stem.", "net.encoder.0."))}
    assert frozen <= still and any("running_mean" in name for name in frozen)
    moving = {name for name in before if name not in frozen and name.endswith(("weight", "running_mean"))}
    assert not moving & still


def test_prediction_in_the_middle_of_training_leaves_the_modes_as_they_were() -> None:
    one = task()
    one.transfer(frozen=["encoder"])
    one.train()
    modes = [module.training for module in one.modules()]
    one.predict_volume(torch.rand(1, 8, 8, 8).numpy())
    assert modes == [module.training for module in one.modules()] and not one.net.encoder.training and one.net.decoder.training


def test_a_factor_on_the_rate_is_a_factor_on_the_step() -> None:
    start, plain, slow = task(), task(), task()
    slow.transfer(layer_rates={"encoder": 0.5, "encoder.1": 0.1, "head": 2.0})
    before, usual, changed = start.state_dict(), step(plain), step(slow)
    for name, _ in start.named_parameters():
        factor = 0.1 if ".encoder.1." in name else 0.5 if ".encoder." in name else 2.0 if ".head." in name else 1.0
        torch.testing.assert_close(changed[name] - before[name], factor * (usual[name] - before[name]), rtol=1e-4, atol=1e-7)


def test_rates_decay_from_the_output_to_the_input_along_both_arms_of_the_network() -> None:
    rates = learning_rates(UNet(widths=(2, 2, 2)), {"head": 3.0}, decay=0.5)
    stage = {name: rate for name, rate in rates.items() if name.endswith("weight")}
    assert stage["head.weight"] == 3.0
    assert stage["up.0.weight"] == rates["decoder.0.conv.unit0.conv.weight"] == 0.5
    assert stage["up.1.weight"] == 0.25 and rates["encoder.2.conv.unit0.conv.weight"] == stage["down.1.weight"] == 0.125
    assert rates["encoder.0.conv.unit0.conv.weight"] == 0.5**5 and rates["stem.conv.weight"] == 0.5**6


def test_every_moving_parameter_is_in_one_group_with_its_rate() -> None:
    one = task()
    one.transfer(frozen=["stem"], layer_rates={"head": 0.25}, rate_decay=0.5)
    groups = parameter_groups(one, one.rates)
    members = [p for group in groups for p in group["params"]]
    assert len(members) == len({id(p) for p in members}) == sum(p.requires_grad for p in one.parameters())
    assert [g["rate"] for g in groups] == sorted({*one.rates.values()}, reverse=True) and len({g["name"] for g in groups}) == len(groups)


def test_without_transfer_there_is_one_group_with_every_parameter() -> None:
    one = task()
    one.transfer()
    (group,) = one._optimizer().param_groups
    assert group["params"] == list(one.parameters()) and group["lr"] == 0.5


@pytest.mark.parametrize("key", ["freeze", "layer_rates"])
def test_an_unknown_part_is_refused_with_the_known_ones(key: str) -> None:
    net = UNet(widths=(2, 2))
    with pytest.raises(
        CellmlError, match=rf"training.{key} names 'enc'; the parts of UNet are stem, encoder, encoder.0, encoder.1, down, "
    ):
        freeze(net, ["enc", "stem"]) if key == "freeze" else learning_rates(net, {"enc": 0.1, "stem": 0.1})


def test_a_network_with_nothing_left_to_train_is_refused() -> None:
    with pytest.raises(CellmlError, match="leaves no weight"):
        freeze(UNet(widths=(2, 2)), ["stem", "encoder", "down", "decoder", "up", "head"])


@pytest.mark.parametrize("wrong", [{"layer_rates": {"head": 0.0}}, {"layer_rates": {}, "decay": -1}])
def test_factors_that_are_not_positive_are_refused(wrong: dict) -> None:
    with pytest.raises(CellmlError, match="must be above 0, got .*training.freeze"):
        learning_rates(UNet(widths=(2, 2)), **wrong)
