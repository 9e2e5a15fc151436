from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.tasks.overflow import require_finite


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
