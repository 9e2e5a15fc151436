"""Ways to compute the same network faster, or where one device cannot: its memory layout, its compilation, its parts in one piece again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellml.errors import CellmlError


def lay_out(task: Any, channels_last: bool) -> None:
    """Let the network's convolutions keep channels together in memory (`torch.channels_last_3d`), as tensor cores and bfloat16 like it.

    The values of weights and outputs stay; checkpoints hold the same tensors under the same names.
    """
    if channels_last:
        import torch

        task.net.to(memory_format=torch.channels_last_3d)


def gathered(task: Any, trainer: Any, config: Any) -> Any:
    """The task with its weights in one piece: itself, or built anew where they were sharded over GPUs."""
    from pytorch_lightning.strategies import FSDPStrategy

    if not isinstance(trainer.strategy, FSDPStrategy):
        return task
    from hydra.utils import instantiate

    from cellml.checkpoint import read

    whole = instantiate(config.task, _convert_="all")
    last = next(c.best_model_path for c in reversed(trainer.checkpoint_callbacks) if c.best_model_path)
    whole.load_state_dict(read(last)["state_dict"])
    return whole


def batch_norms_together(trainer: Mapping[str, Any]) -> dict[str, Any]:
    """Changes to a Trainer's `sync_batchnorm` and `plugins` by which batch norms compute together on processors too.

    trainer: its configuration. Lightning's way is torch's `SyncBatchNorm`, which works on GPUs only.
    """
    import torch

    on_gpus = str(trainer["accelerator"]) != "cpu" and torch.cuda.is_available()
    if not trainer.get("sync_batchnorm") or on_gpus:
        return {"plugins": []}
    from cellml.shared_batch_norm import ProcessorSyncBatchNorm

    return {"plugins": [ProcessorSyncBatchNorm()], "sync_batchnorm": False}


def compile_network(task: Any, options: Mapping[str, Any] | bool | None) -> None:
    """Compile the network in place by `torch.compile`, not the task around it, so that the names of its weights do not change.

    options: arguments of `torch.compile`, such as {mode: max-autotune}; True for its defaults, None or False to leave it. Raises
    CellmlError for arguments that `torch.compile` does not know.
    """
    if options is None or options is False:
        return
    given = {} if options is True else dict(options)
    import inspect

    import torch
    from torch._inductor import list_mode_options

    known = set(inspect.signature(torch.compile).parameters) - {"model"}
    if set(given) - known:
        raise CellmlError(f"training.compile has {', '.join(sorted(set(given) - known))}; torch.compile knows {', '.join(sorted(known))}.")
    if given.get("mode") and given["mode"] not in list_mode_options():
        raise CellmlError(f"training.compile.mode={given['mode']}; there are {', '.join(list_mode_options())}.")
    task.net.compile(**given)
