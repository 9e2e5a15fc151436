"""A step that leaves the finite numbers of a short format is computed again in float32; training that has left them is stopped."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord

_LOG = logging.getLogger(__name__)

_LIMITS = {
    "16": "float16 ends at 65504; use training.precision=bf16-mixed, whose range is that of float32, or training.precision=32-true",
    "bf16": "bfloat16 has the range of float32 but only 8 bits; use training.precision=32-true, or lower task.optimizer.lr",
    "32": "training diverges: lower task.optimizer.lr, or clip gradients harder by trainer.gradient_clip_val",
}


def require_finite(loss: Tensor, *, step: int, precision: Any) -> None:
    """Raise CellmlError where the loss of a step is NaN or infinite, naming the number format and what to do.

    loss: scalar; precision: Lightning's name of the number format, such as "16-mixed". One such step would fill every weight with NaN.
    """
    if bool(loss.isfinite()):
        return
    kind = str(precision).split("-")[0]
    raise CellmlError(
        f"Step {step}: the loss is {loss.item():g} in {precision}, so the network's numbers have overflowed: "
        f"{_LIMITS.get(kind, _LIMITS['32'])}. Nothing after the last checkpoint was kept."
    )


def finite_loss(task: Any, batch: dict[str, Tensor]) -> LossRecord:
    """`task.loss_of(batch)`; where it is not finite in a 16-bit format, computed again in float32 with the buffers as they were.

    A single patch may overflow, or a kernel of the short format fail, where the weights are sound; an hour of training need not end for it.
    Raises CellmlError as `require_finite` where float32 is of no help.
    """
    precision = task.trainer.precision
    kept = {name: buffer.clone() for name, buffer in task.named_buffers()} if _short(precision) else {}
    record: LossRecord = task.loss_of(batch)
    if kept and not bool(record.total.isfinite()):
        _LOG.warning("Step %d: the loss is %g in %s; computing the step in float32.", task.global_step, record.total.item(), precision)
        with torch.no_grad():
            for name, buffer in task.named_buffers():
                buffer.copy_(kept[name])
        with torch.autocast(batch["image"].device.type, enabled=False):
            record = task.loss_of(batch)
    require_finite(record.total, step=task.global_step, precision=precision)
    return record


def drop_overflown_gradients(module: nn.Module, *, step: int, precision: Any) -> bool:
    """Forget all gradients of a step if one is not finite, so that the optimiser leaves the weights alone; says whether it did.

    For bfloat16, which Lightning trains without the loss scaling that does the same for float16.
    """
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    if str(precision) != "bf16-mixed" or not gradients or bool(nn.utils.get_total_norm(gradients).isfinite()):
        return False
    _LOG.warning("Step %d: a gradient is not finite in %s; the step is left out.", step, precision)
    for parameter in module.parameters():
        parameter.grad = None
    return True


def _short(precision: Any) -> bool:
    return str(precision) in ("bf16-mixed", "16-mixed")
