"""How much memory a reconstruction from file to file takes: run in a process of its own, printed as one line of JSON."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from cellml.io.tilt_writing import create_tilts
from cellml.tomography.command import reconstruct_file
from cellml.tomography.ellipses import line_integrals
from cellml.types import TiltSeries

TILTS = np.arange(-60, 61, 2.0)


def own_memory() -> float:
    """Megabytes of this process's own; pages of mapped files, which the system takes back when it needs them, are not counted."""
    return int(re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


def main(height: int, width: int, thickness: int, method: str) -> None:
    """Write a series of height × width images, reconstruct it and print the peak over what the imports took."""
    frame = TiltSeries(np.broadcast_to(np.float32(0), (len(TILTS), height, width)), TILTS, 1.0)
    lines = line_integrals(TILTS, width).astype(np.float32)[:, None]
    with tempfile.TemporaryDirectory() as folder:
        with create_tilts(f"{folder}/tilts.mrc", frame) as sink:
            for row in range(0, height, 64):
                stop = min(row + 64, height)
                sink.write((slice(None), slice(row, stop), slice(None)), np.repeat(lines, stop - row, 1))
        methods = {
            "wbp": {"_target_": "cellml.tomography.wbp.WeightedBackprojection"},
            "sirt": {"_target_": "cellml.tomography.sirt.Sirt", "iterations": 1},
        }
        reconstruct_file(f"{folder}/tilts.mrc", f"{folder}/small.mrc", method=methods[method], thickness=4, exclude=range(3, 61), threads=2)
        start, peak, done = own_memory(), [0.0], threading.Event()

        def watch() -> None:
            while not done.is_set():
                peak[0] = max(peak[0], own_memory())
                time.sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        reconstruct_file(f"{folder}/tilts.mrc", f"{folder}/volume.mrc", method=methods[method], thickness=thickness, threads=2)
        done.set()
        watcher.join()
    volume = 4 * thickness * height * width / 2**20
    print(json.dumps({"height": height, "method": method, "volume_mb": volume, "imports_mb": start, "peak_mb": peak[0]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
