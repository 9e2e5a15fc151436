"""Training of what needs no gradients: one fit to the training blocks, one threshold from the validation blocks, one validation."""

from __future__ import annotations

import logging
import time
from typing import Any

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


def is_fitted_at_once(task: Any) -> bool:
    """Whether the task's network is one that says how to `fit(data, target)` itself, as thresholds and forests do."""
    return callable(getattr(task.net, "fit", None))


def require_plain(config: Any) -> None:
    """Raise CellmlError for settings that ask for a training by steps."""
    for name in ("initialise_from", "freeze", "layer_rates"):
        if config.training.get(name):
            raise CellmlError(f"training.{name} is about weights that are trained by steps; this model is fitted at once. Leave it out.")
    if config.trainer.devices != 1 or config.trainer.get("num_nodes", 1) != 1:
        raise CellmlError("This model is fitted at once, by one process; use trainer=cpu.")


def fit_at_once(trainer: Any, task: Any, data: Any) -> None:
    """Fit the network, choose where its probabilities become classes, and validate; what was measured goes to the loggers.

    The operating point is chosen on the validation blocks, or where there are none on the training blocks, whose voxels flatter it.
    """
    import torch

    from cellml.callbacks.cost import cost_of
    from cellml.pixels.operating_point import choose_bias, held_out_answers

    wall, processor, cost = time.perf_counter(), time.process_time(), cost_of(trainer)
    cost.begin()
    numbers = task.net.fit(data, task.target)
    cost.end()
    numbers |= {"seconds": time.perf_counter() - wall, "processor_seconds": time.process_time() - processor}
    if task.target.kind == "semantic":
        logs, truth = held_out_answers(task, data.validation_blocks or data.training_blocks)
        task.net.bias.data = torch.from_numpy(choose_bias(logs, truth)).to(task.net.bias)
    log.info("Fitted: %s", ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))
    for logger in trainer.loggers:
        logger.log_metrics({f"train/{name}": value for name, value in numbers.items()}, step=0)
    if data.validation_blocks:
        trainer.validate(task, data, verbose=False)
