"""One process: Chamfer of two clouds, and what memory and time it takes. Prints a line of JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from scipy.spatial import cKDTree

from cellml.meshops.chamfer import chamfer_distance
from cellml.meshops.neighbours import block_search, tree_search


def memory(field: str) -> float:
    """GB (10⁹ bytes) of this process: VmRSS now, VmHWM at most since the peak was reset."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(field)).split()[1]) * 1024 / 1e9


def peak_above_now(work: Callable[[], object]) -> float:
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    work()
    return memory("VmHWM") - before


def seconds(works: dict[str, Callable[[], object]], turns: int) -> dict[str, list[float]]:
    """Seconds of the processor, the works in turn."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            begin = time.process_time()
            work()
            times[name].append(time.process_time() - begin)
    return times


def main() -> None:
    count, turns = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(1, count, 3, generator=rng, requires_grad=True)
    y = torch.rand(1, count, 3, generator=rng, requires_grad=True)
    chamfer_distance(x[:, :50], y[:, :50]).distance.backward()  # libraries are loaded before the clock starts

    def trees() -> float:
        a, b = x.detach()[0].numpy(), y.detach()[0].numpy()
        to_b, to_a = cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]
        return float((to_b**2).mean() + (to_a**2).mean())

    memory_gb = peak_above_now(lambda: chamfer_distance(x, y).distance.backward())  # first: what is freed stays with the process
    times = seconds({"cellml": lambda: chamfer_distance(x, y), "ckdtree": trees}, turns)
    result = {
        "memory_gb": memory_gb,
        "block_memory_gb": peak_above_now(lambda: block_search(x[0, :2000], y[0], 1)),
        "same_neighbours": bool(torch.equal(block_search(x[0, :500], y[0], 1), tree_search(x[0, :500], y[0], 1))),
        "cellml_s": statistics.median(times["cellml"]),
        "ratio": statistics.median(a / b for a, b in zip(times["cellml"], times["ckdtree"], strict=True)),
        "difference": abs(float(chamfer_distance(x, y).distance.detach()) / trees() - 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
