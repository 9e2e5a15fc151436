"""Training and inference speed beside nnU-Net v2 and MONAI, in one run: `python experiments/inference/speed.py`.

The machine should be idle. Needs `pip install nnunetv2`. Every program in turn, `--turns` times; the median counts. Patches are cubes of
`--patch` voxels, two a batch. nnU-Net computes in float32 on processors; cellml in what it finds faster. Each network is also run by the
other program, so that the cost of a network and the cost of what drives it can be told apart.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nnunet
import numpy as np
import torch
from run import network

from cellml.infer.device import choose_precision, set_threads
from cellml.infer.predict import SlidingWindow
from cellml.losses.affinity import BalancedBinaryLoss

HERE = Path(__file__).parent


def step(net: torch.nn.Module, patch: int, precision: str) -> Callable[[], object]:
    """One optimiser step of a network with cellml's loss, on two patches."""
    image = torch.randn(2, 1, patch, patch, patch)
    optimizer, loss = torch.optim.AdamW(net.parameters(), lr=1e-3), BalancedBinaryLoss()

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            logits = net(image)
        target = torch.zeros_like(logits).bernoulli_(0.5)
        loss(logits, target, torch.ones_like(target)).total.backward()
        optimizer.step()

    return run


def measures(patch: int, size: tuple[int, int, int]) -> dict[tuple[str, str, str, str], tuple[Callable[[], object], int]]:
    """(program, network, precision, what) → (what to time, voxels that it answers for)."""
    from monai.inferers import SlidingWindowInferer

    ours, precision = network(0), choose_precision("cpu")
    theirs = nnunet.trainer(patch)
    batch = nnunet.batch(patch, theirs._get_deep_supervision_scales())
    plain = nnunet.trainer(patch).network
    plain.decoder.deep_supervision = False
    plain.halo, plain.multiple = (16, 16, 16), (2 ** (len(batch["target"])),) * 3
    image = np.random.default_rng(0).normal(size=(1, *size)).astype(np.float32)
    tensor, inside = torch.from_numpy(image), patch - 32
    voxels, patches = int(np.prod(size)), 2 * patch**3

    def window(net: torch.nn.Module, kind: str) -> Callable[[], object]:
        one = SlidingWindow(tile=(inside,) * 3, halo=(12,) * 3, overlap=(4,) * 3, precision=kind)
        return lambda: one.whole(net, image, activation=torch.sigmoid)

    def monai(net: torch.nn.Module) -> Callable[[], object]:
        one = SlidingWindowInferer(roi_size=(patch,) * 3, overlap=32 / patch, mode="gaussian")
        return torch.inference_mode()(lambda: one(tensor[None], net))

    def predict(net: torch.nn.Module, classes: int) -> Callable[[], object]:
        one = nnunet.predictor(net, theirs, classes)
        return lambda: one.predict_sliding_window_return_logits(tensor)

    ours_train, plain_train = network(1).train(), nnunet.trainer(patch).network
    plain_train.decoder.deep_supervision = False
    return {
        ("cellml", "cellml's", precision, "training"): (step(ours_train, patch, precision), patches),
        ("cellml", "cellml's", "float32", "training"): (step(ours_train, patch, "float32"), patches),
        ("cellml", "nnU-Net's", precision, "training"): (step(plain_train, patch, precision), patches),
        ("nnU-Net", "nnU-Net's", "float32", "training"): (lambda: theirs.train_step(batch), patches),
        ("cellml", "cellml's", precision, "inference"): (window(ours, precision), voxels),
        ("cellml", "cellml's", "float32", "inference"): (window(ours, "float32"), voxels),
        ("cellml", "nnU-Net's", precision, "inference"): (window(plain.eval(), precision), voxels),
        ("nnU-Net", "nnU-Net's", "float32", "inference"): (predict(plain, 2), voxels),
        ("nnU-Net", "cellml's", "float32", "inference"): (predict(ours, 9), voxels),
        ("MONAI", "cellml's", "float32", "inference"): (monai(ours), voxels),
    }


def timed(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patch", type=int, default=96)
    parser.add_argument("--size", type=int, nargs=3, default=(128, 160, 160))
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    set_threads(None)
    cases = measures(options.patch, tuple(options.size))
    seconds: dict[Any, list[float]] = {key: [] for key in cases}
    for turn in range(options.turns + 1):
        for key, (run, _) in cases.items():
            seconds[key].append(timed(run))
            print(turn, *key, f"{seconds[key][-1]:.2f} s", flush=True)
    speed = {key: cases[key][1] / statistics.median(seconds[key][1:]) / 1e6 for key in cases}
    write(speed)


def write(speed: dict[tuple[str, str, str, str], float]) -> None:
    """The table, and what `run.py` puts into results.json: each program as its users get it."""
    with (HERE / "speed.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["program", "network", "precision", "what", "mvoxel_per_s"])
        writer.writerows([*key, f"{value:.4f}"] for key, value in speed.items())

    def of(program: str, what: str) -> float:
        own = "cellml's" if program == "cellml" else "nnU-Net's"
        return max(value for (who, net, _, did), value in speed.items() if (who, net, did) == (program, own, what))

    ratios = {f"{name}speed_vs_nnunet": of("cellml", what) / of("nnU-Net", what)
              for name, what in (("", "inference"), ("training_", "training"))}  # fmt: skip
    (HERE / "speed.json").write_text(json.dumps(ratios, indent=1) + "\n")
    print(ratios)


if __name__ == "__main__":
    main()
