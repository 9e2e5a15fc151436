"""Where and in which number format prediction runs."""

from __future__ import annotations

import os

from cellml.errors import CellmlError


def choose_device(name: str) -> str:
    """Choose "auto" (a CUDA device where there is one), "cpu" or "cuda". Raises CellmlError for a device that is not there."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda"):
        raise CellmlError(f"device={name} is unknown; use auto, cpu or cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise CellmlError(
            "device=cuda was asked for, but torch sees no CUDA device here; use device=cpu, or install a CUDA build of torch."
        )
    return name


def choose_precision(device: str) -> str:
    """bfloat16 where the hardware multiplies it, float32 elsewhere."""
    from cellml.training import cpu_has_bfloat16

    return "bfloat16" if device == "cuda" or cpu_has_bfloat16() else "float32"


def set_threads(threads: int | None) -> None:
    """Use the given number of threads, or all the cores that this process may use."""
    import torch

    if threads is None and "OMP_NUM_THREADS" in os.environ:
        return
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(threads or usable)
