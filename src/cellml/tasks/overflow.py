"""Training that has left the finite numbers is stopped at once, with the remedy."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from cellml.errors import CellmlError

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
