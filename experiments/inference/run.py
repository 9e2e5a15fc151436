"""What tiling costs beside the network itself: `python experiments/inference/run.py` (the machine should be idle).

Three measurements on one volume made by code: the sliding window against the bare network on the very same tiles, in turn; the largest
difference between tiled and whole-volume prediction when the halo covers the field of view; and the same against MONAI's sliding window
on equal tiles.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from cellml.config import conf_dir
from cellml.infer.device import set_threads
from cellml.infer.predict import SlidingWindow
from cellml.report.results import write_study_results


def network(seed: int) -> torch.nn.Module:
    """The reference network of FIB-25 with random weights."""
    torch.manual_seed(seed)
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        recipe = compose("train", overrides=["experiment=segmentation/fib25"])
    return instantiate(recipe.task.net, _convert_="all").eval()


def overhead(net: torch.nn.Module, image: np.ndarray, window: SlidingWindow, repeats: int) -> float:
    """Median over repeats of (sliding window) / (bare network on the same tiles), measured in turn."""
    plan = window.plan(net, image.shape[1:])
    sizes = [tuple(s.stop - s.start for s in tile.read) for row in plan.rows() for tile in row]
    ratios = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        with torch.inference_mode():
            for size in sizes:
                net(torch.zeros(1, 1, *size))
        bare = time.perf_counter() - begin
        begin = time.perf_counter()
        window.whole(net, image, activation=torch.sigmoid)
        ratios.append((time.perf_counter() - begin) / bare)
    return statistics.median(ratios[1:])


def difference(net: torch.nn.Module, rng: np.random.Generator) -> float:
    """Largest absolute difference between tiled prediction with the whole field of view as halo and one pass over the volume."""
    image = rng.normal(size=(1, 176, 184, 192)).astype(np.float32)
    whole = SlidingWindow(tile=(512, 512, 512), halo=None).whole(net, image, activation=torch.sigmoid)
    tiled = SlidingWindow(tile=(48, 64, 56), halo=None).whole(net, image, activation=torch.sigmoid)
    return float(np.abs(whole - tiled).max())


def against_monai(net: torch.nn.Module, image: np.ndarray, repeats: int) -> float:
    """Speed of cellml's window divided by MONAI's on tiles of the same size and the same overlap, in turn."""
    from monai.inferers import SlidingWindowInferer

    tile, halo = 96, 16
    ours = SlidingWindow(tile=(tile - 2 * halo,) * 3, halo=(halo - 4,) * 3, overlap=(4, 4, 4))
    theirs = SlidingWindowInferer(roi_size=(tile,) * 3, overlap=2 * halo / tile, mode="gaussian")
    batch, ratios = torch.from_numpy(image)[None], []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        ours.whole(net, image, activation=torch.sigmoid)
        own = time.perf_counter() - begin
        begin = time.perf_counter()
        with torch.inference_mode():
            torch.sigmoid(theirs(batch, net))
        ratios.append((time.perf_counter() - begin) / own)
    return statistics.median(ratios[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs=3, default=(170, 250, 250))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    set_threads(None)
    net, rng = network(0), np.random.default_rng(0)
    image = rng.normal(size=(1, *options.size)).astype(np.float32)
    values = {
        "overhead_over_network": (round(overhead(net, image, SlidingWindow(), options.repeats), 3), "1"),
        "tiled_minus_whole_max": (difference(net, rng), "1"),
        "speed_vs_monai": (round(against_monai(net, image[:, :128, :160, :160], options.repeats), 3), "1"),
    }
    beside = Path(__file__).parent / "speed.json"  # what speed.py measured
    if beside.is_file():
        values |= {key: (round(value, 3), "1") for key, value in json.loads(beside.read_text()).items()}
    write_study_results(Path(__file__).parent, values, seed=0, volume=list(options.size))
    for key, (value, unit) in values.items():
        print(f"{key:24} {value:10.3g} {unit}")


if __name__ == "__main__":
    main()
