"""The visible network against its definition, subsystem by subsystem."""

from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.interpret.hierarchy_files import read_hierarchy
from cellml.losses.visible import VisibleLoss
from cellml.nets.visible import VisibleNet

HIERARCHY = {"subsystems": {"root": ["a", "b", "z"], "b": ["a", "y"], "a": ["x", "y"], "c": ["z"], "top": ["root", "c"]}}
D = 3


def net(**more: object) -> VisibleNet:
    torch.manual_seed(0)
    return VisibleNet(HIERARCHY, outputs=2, neurons=D, **more)  # type: ignore[arg-type]


def slow_states(net: VisibleNet, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """O_t = BatchNorm(tanh(W_t I_t + b_t)), one subsystem and one part at a time, with the entries of the network's matrices."""
    h, found = net.hierarchy, dict[str, torch.Tensor]()
    columns = [*h.descriptors, *(name for name in h.order for _ in range(D))]
    for names, layer in zip(h.levels, net.layers, strict=True):
        for n, name in enumerate(names):
            total = layer.bias[n * D : (n + 1) * D].repeat(len(x), 1)
            for part in h.children[name]:
                places = [k for k, column in enumerate(columns) if column == part]
                entering = found[part] if part in found else x[:, [h.descriptors.index(part)]]
                total = total + entering @ layer.weight[n * D : (n + 1) * D][:, places].T
            t = torch.tanh(total)
            found[name] = (t - t.mean(dim=0)) / (t.var(dim=0, unbiased=False) + 1e-5).sqrt()
    return found


def test_states_are_those_of_the_definition() -> None:
    model, x = net(), torch.randn(7, 3)
    twin = slow_states(model, x)
    assert torch.allclose(model.states(x), torch.stack([twin[name] for name in model.hierarchy.order], dim=1), atol=1e-5)


def test_no_gradient_reaches_a_stranger() -> None:
    model, x = net().eval(), torch.randn(5, 3, requires_grad=True)
    order, names = model.hierarchy.order, model.hierarchy.descriptors
    (slope,) = torch.autograd.grad(model.states(x)[:, order.index("a")].sum(), x)
    assert (slope[:, names.index("z")] == 0).all() and (slope[:, names.index("x")] != 0).all()


def test_replaced_states_change_what_stands_above_and_nothing_else() -> None:
    model, x = net().eval(), torch.randn(5, 3)
    before, after = model.states(x), model.states(x, {"b": torch.zeros(5, D)})
    changed = [name for k, name in enumerate(model.hierarchy.order) if not torch.equal(before[:, k], after[:, k])]
    assert changed == ["b", "root", "top"]


def test_answer_is_in_the_units_of_the_table() -> None:
    model, x, y = net().eval(), torch.rand(50, 3) + 1, 100 + 10 * torch.randn(50, 2)
    model.start(x, y)
    assert torch.allclose(model.standardised(x).mean(dim=0), torch.zeros(3), atol=1e-5)
    told = model.told(model.states(model.standardised(x)))[:, -1]
    assert torch.allclose(model(x), told * y.std(dim=0) + y.mean(dim=0))


def test_logarithm_makes_the_network_blind_to_the_unit() -> None:
    model, x, y = net(logarithm=True).eval(), torch.rand(50, 3) + 1, torch.randn(50, 2)
    model.start(x, y)
    first = model(x)
    model.start(1000 * x, y)
    assert torch.allclose(model(1000 * x), first, atol=1e-4)
    with pytest.raises(CellmlError, match="row 1: z is -1"):
        model.require_values(-torch.ones(2, 3).numpy(), "cells.csv")


def test_loss_is_the_papers_sum() -> None:
    told, y = torch.randn(6, 4, 2), torch.randn(6, 2)
    record = VisibleLoss(0.3)(told, y)
    by_hand = sum(((told[:, s] - y) ** 2).mean() * (1.0 if s == 3 else 0.3) for s in range(4))
    assert torch.isclose(record.total, torch.as_tensor(by_hand))


def test_bad_settings_and_constant_columns_are_refused() -> None:
    with pytest.raises(CellmlError, match="got 0, 3 and"):
        VisibleNet(HIERARCHY, outputs=0, neurons=3)
    with pytest.raises(CellmlError, match=r"auxiliary is -1"):
        VisibleLoss(-1)
    x = torch.randn(10, 3)
    x[:, read_hierarchy(HIERARCHY).descriptors.index("y")] = 2.0
    with pytest.raises(CellmlError, match="'y' is the same in all 10"):
        net().start(x, torch.randn(10, 2))
