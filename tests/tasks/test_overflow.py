from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.tasks.overflow import drop_overflown_gradients, finite_loss, require_finite


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("precision", "remedy"),
    [
        ("16-mixed", "float16 ends at 65504; use training.precision=bf16-mixed"),
        ("bf16-mixed", "use training.precision=32-true"),
        ("32-true", "lower task.optimizer.lr"),
    ],
)
def test_numbers_that_left_the_format_stop_training_with_the_remedy(value: float, precision: str, remedy: str) -> None:
    with pytest.raises(CellmlError, match=f"Step 7: the loss is {value:g} in {precision}.*{remedy}"):
        require_finite(torch.tensor(value), step=7, precision=precision)


def test_a_finite_loss_goes_on() -> None:
    require_finite(torch.tensor(1e30), step=0, precision="16-mixed")


class Overflowing(torch.nn.Module):
    """A loss that is NaN as long as autocast is on, and a buffer that counts its calls."""

    def __init__(self, precision: str, hopeless: bool = False) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.trainer, self.global_step, self.hopeless = SimpleNamespace(precision=precision), 3, hopeless

    def loss_of(self, batch: dict[str, torch.Tensor]) -> LossRecord:
        self.calls += 1
        bad = self.hopeless or torch.is_autocast_enabled("cpu")
        return LossRecord(total=batch["image"].sum() * (float("nan") if bad else 1.0), parts={})


def test_a_step_that_overflows_is_computed_again_in_float32_with_its_buffers_restored() -> None:
    task = Overflowing("bf16-mixed")
    with torch.autocast("cpu", torch.bfloat16):
        record = finite_loss(task, {"image": torch.ones(2)})
    assert float(record.total) == 2.0
    assert float(task.calls) == 1.0  # the failed call left no trace


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_a_loss_that_float32_does_not_mend_stops_training(precision: str) -> None:
    with pytest.raises(CellmlError, match="Step 3: the loss is nan"):
        finite_loss(Overflowing(precision, hopeless=True), {"image": torch.ones(2)})


@pytest.mark.parametrize(("value", "dropped"), [(float("inf"), True), (1.0, False)])
def test_a_gradient_that_overflowed_moves_no_weight(value: float, dropped: bool) -> None:
    net = torch.nn.Linear(2, 1)
    before, optimizer = net.weight.detach().clone(), torch.optim.AdamW(net.parameters())
    net.weight.grad, net.bias.grad = torch.full((1, 2), value), torch.ones(1)
    assert drop_overflown_gradients(net, step=0, precision="bf16-mixed") is dropped
    optimizer.step()
    assert torch.equal(net.weight, before) is dropped
    assert bool(net.weight.isfinite().all())
