"""How fast the reference network trains, what of the time goes into waiting for patches, and how much of the machine it uses."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate

from cellml.config import conf_dir
from cellml.io import write_json
from cellml.report.rows import append_row, read_rows
from cellml.training import candidate_precisions

FOLDER = Path(__file__).parent
STEPS, WARM = 8, 2


def recipe(*more: str) -> Any:
    """The reference recipe of FIB-25."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", overrides=["experiment=segmentation/fib25", *more])


def measure_training(device: str = "cpu") -> None:
    """Rows of `training.csv`: without and with a loader process, and on tensors that are there already; then `training.json`."""
    table = FOLDER / "training.csv"
    precision = candidate_precisions("auto", device == "cuda")[-1]
    done = {(row["device"], row["loader_processes"]) for row in read_rows(table)}
    for workers in ("none", "0", "1"):
        if (device, workers) in done:
            continue
        wait, step = time_steps(device, precision, workers)
        share = wait / (wait + step)
        append_row(
            table,
            {
                "device": device,
                "precision": precision,
                "threads": torch.get_num_threads(),
                "loader_processes": workers,
                "samples_per_s": f"{1 / (wait + step):.4g}",
                "wait_s": f"{wait:.5g}",
                "step_s": f"{step:.5g}",
                "wait_share": f"{share:.4g}",
                "load": f"{os.getloadavg()[0]:.3g}",
            },
        )
    measure_flops(device, precision)
    write_training_numbers()


def measure_flops(device: str, precision: str) -> None:
    """The row of `flops.csv`: what of the fastest arithmetic that was seen on this device the network uses.

    On a processor by one thread and the processor's own seconds, so that other programs on the machine do not count; the peak is measured
    before, between and after the steps.
    """
    table = FOLDER / "flops.csv"
    if device in {row["device"] for row in read_rows(table)}:
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        flops, clock = step_flops(), time.perf_counter if device == "cuda" else time.process_time
        config = recipe()
        task = instantiate(config.task, _convert_="all").to(device).train()
        data = instantiate(config.data, _convert_="all")
        data.setup()
        batch = {key: value.to(device) for key, value in next(iter(data.train_dataloader())).items()}
        optimizer, peaks, steps = task.make_optimizer(task.parameters()), [peak_flops(device, precision, clock)], []
        for _ in range(4):
            begin = clock()
            train_step(task, optimizer, batch, device, precision)
            steps.append(clock() - begin)
            peaks.append(peak_flops(device, precision, clock))
    finally:
        torch.set_num_threads(threads)
    step, peak = min(steps[1:]), max(peaks)
    append_row(
        table,
        {
            "device": device,
            "precision": precision,
            "gflop_per_step": f"{flops / 1e9:.5g}",
            "step_s": f"{step:.5g}",
            "gflop_per_s": f"{flops / step / 1e9:.5g}",
            "peak_gflop_per_s": f"{peak / 1e9:.5g}",
            "flop_use": f"{flops / step / peak:.4g}",
        },
    )


def write_training_numbers() -> None:
    """The numbers of the study that training gives; the GPU's are null where there is none."""
    rows = {(row["device"], row["loader_processes"]): row for row in read_rows(FOLDER / "training.csv")}
    shares = {w: float(rows["cpu", w]["wait_share"]) for w in ("0", "1") if ("cpu", w) in rows}
    numbers: dict[str, list[Any]] = {"gpu_use_share": [None, "1"]}
    if shares:
        best = min(shares, key=lambda w: 1 / float(rows["cpu", w]["samples_per_s"]))
        numbers["loader_wait_share"] = [shares[best], "1"]
        numbers |= {"loader_processes": [int(best), "1"], "samples_per_s": [float(rows["cpu", best]["samples_per_s"]), "1/s"]}
        numbers["wait_share_without_loader_process"] = [shares["0"], "1"]
    for row in read_rows(FOLDER / "flops.csv"):
        numbers[f"flop_use_{row['device']}"] = [float(row["flop_use"]), "1"]
    if ("cuda", "none") in rows:
        fed = max(float(rows["cuda", w]["samples_per_s"]) for w in ("0", "1"))
        numbers["gpu_use_share"] = [fed / float(rows["cuda", "none"]["samples_per_s"]), "1"]
    write_json(FOLDER / "training.json", numbers)


def time_steps(device: str, precision: str, workers: str) -> tuple[float, float]:
    """Mean seconds of waiting for a batch and of a step, over `STEPS` steps as training takes them.

    workers: loader processes; "none" for one batch that stays on the device.
    """
    config = recipe(f"data.num_workers={workers if workers != 'none' else 0}", "data.patches_per_epoch=100")
    data = instantiate(config.data, _convert_="all")
    data.setup()
    task = instantiate(config.task, _convert_="all").to(device).train()
    optimizer = task.make_optimizer(task.parameters())
    batches = iter(data.train_dataloader())
    kept = {key: value.to(device) for key, value in next(batches).items()}
    waits, steps = [], []
    for number in range(STEPS + WARM):
        begin = time.perf_counter()
        batch = kept if workers == "none" else {key: value.to(device, non_blocking=True) for key, value in next(batches).items()}
        got = time.perf_counter()
        train_step(task, optimizer, batch, device, precision)
        if number >= WARM:
            waits.append(got - begin)
            steps.append(time.perf_counter() - got)
    return fmean(waits), fmean(steps)


def train_step(task: Any, optimizer: torch.optim.Optimizer, batch: dict[str, torch.Tensor], device: str, precision: str) -> None:
    """Forward, backward and one step of the optimiser."""
    optimizer.zero_grad()
    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16-mixed"):
        loss = task.loss_of(batch).total
    loss.backward()
    torch.nn.utils.clip_grad_norm_(task.parameters(), 1.0)
    optimizer.step()
    if device == "cuda":
        torch.cuda.synchronize()


def step_flops() -> float:
    """Floating-point operations of one forward and backward pass on one patch, counted operator by operator."""
    from torch.utils.flop_counter import FlopCounterMode

    config = recipe()
    task = instantiate(config.task, _convert_="all")
    image = torch.zeros(1, 1, *config.data.patch)
    with FlopCounterMode(display=False) as counter:
        task.net(image).sum().backward()
    return float(counter.get_total_flops())


def peak_flops(device: str, precision: str, clock: Callable[[], float], repeats: int = 2) -> float:
    """Operations a second of the faster of a matrix product and a convolution that suit this device: what it can do, as measured."""
    kind = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    side, width, box = (8192, 256, 96) if device == "cuda" else (2048, 64, 40)
    a = torch.randn(side, side, device=device, dtype=kind)
    image = torch.randn(1, width, box, box, box, device=device, dtype=kind)
    kernel = torch.randn(width, width, 3, 3, 3, device=device, dtype=kind)
    found = []
    for work, run in (
        (2.0 * side**3, lambda: a @ a),
        (2.0 * 27 * width**2 * box**3, lambda: torch.nn.functional.conv3d(image, kernel, padding=1)),
    ):
        seconds = []
        for _ in range(repeats + 1):
            begin = clock()
            run()
            if device == "cuda":
                torch.cuda.synchronize()
            seconds.append(clock() - begin)
        found.append(work / min(seconds[1:]))
    return max(found)
