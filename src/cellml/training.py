"""What is decided before the first step: number format, number of steps, and when to look at the validation blocks."""

from __future__ import annotations

import copy
import logging
import time
from dataclasses import asdict, dataclass
from typing import Any

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingPlan:
    """precision: Lightning's name of the number format; max_steps: optimiser steps; validate_every: steps between validations.

    step_seconds: what one step took when it was timed (0 where nothing was timed).
    """

    precision: str
    max_steps: int
    validate_every: int
    step_seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the checkpoint."""
        return asdict(self)


def plan_training(
    task: Any,
    data: Any,
    *,
    precision: str,
    max_steps: int | None,
    budget_minutes: float | None,
    validations: int,
    resumed: dict[str, Any] | None,
    gpu: bool,
    alone: bool = True,
) -> TrainingPlan:
    """Choose the precision by timing a few steps, and the number of steps from a time budget where one is given.

    resumed: the plan of the checkpoint that training goes on from, which wins, because another number format or another length would be
    another training; alone: one process trains, so that it may time itself (several would each decide something else). Raises CellmlError
    where neither steps nor a budget are given, and for a budget with several processes.
    """
    if resumed is not None:
        return TrainingPlan(**resumed)
    if (max_steps is None) == (budget_minutes is None):
        raise CellmlError("Say how long to train: either training.max_steps=N or training.budget_minutes=M, and not both.")
    if not alone and budget_minutes is not None:
        raise CellmlError("A time budget cannot be timed by several processes; give training.max_steps=N with trainer=ddp.")
    seconds = {}
    candidates = candidate_precisions(precision, gpu)
    if not alone:
        candidates = candidates[-1:]
    if len(candidates) > 1 or budget_minutes is not None:
        seconds = {name: time_step(task, data, name, gpu) for name in candidates}
    chosen = min(seconds, key=lambda name: seconds[name]) if seconds else candidates[0]
    timed = ", ".join(f"{name} {value:.2f} s a step" for name, value in seconds.items()) or "not timed"
    steps = max_steps if max_steps is not None else max(1, int(60 * float(budget_minutes or 0) / seconds[chosen]))
    log.info("Precision %s (%s); %d steps", chosen, timed, steps)
    return TrainingPlan(chosen, int(steps), max(1, int(steps) // max(1, validations)), seconds.get(chosen, 0.0))


def candidate_precisions(precision: str, gpu: bool) -> list[str]:
    """Number formats to choose from: the one asked for, or for "auto" what the hardware computes in, the more precise first."""
    if precision != "auto":
        return [precision]
    if gpu:
        return ["bf16-mixed"]
    return ["32-true", *(["bf16-mixed"] if cpu_has_bfloat16() else [])]


def cpu_has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; where it does not, emulation is some hundred times slower than float32."""
    from pathlib import Path

    info = Path("/proc/cpuinfo")
    flags = info.read_text() if info.is_file() else ""
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16"))


def time_step(task: Any, data: Any, precision: str, gpu: bool, repeats: int = 3) -> float:
    """Median seconds of a forward and backward pass on a real batch, on a copy of the network: training starts from an untouched state."""
    import statistics

    import torch

    device = torch.device("cuda" if gpu else "cpu")
    batch = next(iter(data.train_dataloader()))
    trial = copy.deepcopy(task).to(device).train()
    on_device = {key: value.to(device) for key, value in batch.items()}
    seconds = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        trial.zero_grad()
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss = trial.loss_of(on_device).total
        loss.backward()
        if gpu:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[1:])
