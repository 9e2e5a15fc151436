"""What the machine can do: memory, cores, and how fast it convolves."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from cellml.memory import free_memory_gb


@dataclass(frozen=True)
class Machine:
    """device: "cpu" or the GPU's name; memory_gb: that training may use (GPU memory, or free RAM within limits set for the process);
    cores: usable; bfloat16: whether the hardware multiplies it; gflops: measured on a convolution, 10⁹ operations a second.
    """

    device: str
    memory_gb: float
    cores: int
    bfloat16: bool
    gflops: float

    @property
    def gpu(self) -> bool:
        """Whether training runs on a GPU."""
        return self.device != "cpu"


def look_around(gpu: bool | None = None, memory_gb: float | None = None) -> Machine:
    """Measure this machine. gpu, memory_gb: plan for another one: with or without a GPU, with so much memory; None for what is here."""
    import torch

    from cellml.training import cpu_has_bfloat16

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    here = torch.cuda.is_available()
    use_gpu = here if gpu is None else gpu
    if use_gpu and here:
        properties = torch.cuda.get_device_properties(0)
        memory = memory_gb or torch.cuda.mem_get_info()[0] / 1e9
        return Machine(properties.name, memory, cores, True, _measured("cuda", True))
    if use_gpu:
        return Machine("a GPU that is not here", memory_gb or 10.0, cores, True, 10_000.0)
    fast = cpu_has_bfloat16()
    return Machine("cpu", memory_gb or free_memory_gb(), cores, fast, _measured("cpu", fast))


def _measured(device: str, bfloat16: bool, seconds: float = 0.3) -> float:
    """10⁹ operations a second of a 3 × 3 × 3 convolution of 32 channels, forward and backward, as long as `seconds`.

    On a CPU, processor time is counted and multiplied by the threads, so that what else runs at this moment changes no plan.
    """
    import torch

    clock = time.perf_counter if device == "cuda" else time.process_time
    layer = torch.nn.Conv3d(32, 32, 3, padding=1).to(device)
    block = torch.zeros((1, 32, 32, 32, 32), device=device, requires_grad=True)
    operations, count, begin = 3 * 2 * 27 * 32 * 32 * 32**3, 0, 0.0
    while count < 2 or clock() - begin < seconds:
        if count == 1:
            begin = clock()  # the first one chooses its algorithm
        with torch.autocast(device, dtype=torch.bfloat16, enabled=bfloat16):
            layer(block).float().sum().backward()
        if device == "cuda":
            torch.cuda.synchronize()
        count += 1
    threads = 1 if device == "cuda" else torch.get_num_threads()
    return threads * operations * (count - 1) / (clock() - begin) / 1e9
