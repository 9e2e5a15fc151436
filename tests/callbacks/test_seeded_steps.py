from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from cellml.callbacks.seeded_steps import SeededSteps


def drawn(seed: int = 0, rank: int = 0, step: int = 5, batch: int = 0, accumulated: int = 2) -> float:
    trainer: Any = SimpleNamespace(global_rank=rank, global_step=step, accumulate_grad_batches=accumulated)
    SeededSteps(seed).on_train_batch_start(trainer, None, None, batch)  # type: ignore[arg-type]
    return float(torch.rand(()))


def test_each_batch_has_a_stream_of_its_own_that_its_place_alone_decides() -> None:
    state = torch.get_rng_state()
    first = [drawn(), drawn(seed=1), drawn(rank=1), drawn(step=6), drawn(batch=1)]
    torch.manual_seed(3)
    assert [drawn(), drawn(seed=1), drawn(rank=1), drawn(step=6), drawn(batch=1)] == first and len(set(first)) == 5
    assert drawn(batch=7) == drawn(batch=1), "the place in the step counts, for batches are counted anew after resuming"
    torch.set_rng_state(state)
