"""The missing-wedge benchmark: `CELLML_DATA=… python experiments/missing_wedge/run.py`.

stage=classical,learned,segment,simulate,hallucinate,tooth,microtubules,report chooses; minutes=60 bounds the processor time of the first
two; only=fib25 or only=phantom limits them to one specimen. Rows are written as they come, and an interrupted study goes on where it
stood. Checkpoints of repairing networks that lie in this folder take part by their file names.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from conditions import KEY, Condition, conditions

from cellml.report.rows import append_row, read_rows

HERE = Path(__file__).parent
ROWS = HERE / "rows.csv"
COLUMNS = (*KEY, "method", "choice", "psnr", "ssim", "in_wedge", "measured", "cpu_s")


def record(condition: Condition, method: str, choice: float, volume: Any, begin: float) -> None:
    """Score a reconstruction and write its row."""
    from scores import scored
    from specimens import specimen

    values = scored(*specimen(condition.specimen).judged(volume), condition.tilts)
    seconds = round(time.process_time() - begin, 1)
    row = dict(zip(KEY, condition.key, strict=True)) | {"method": method, "choice": f"{choice:g}"} | values | {"cpu_s": seconds}
    append_row(ROWS, {name: row[name] for name in COLUMNS})


def classical(condition: Condition, done: set[str]) -> None:
    """Rows of the methods without learning that are missing; scikit-image's beside them for aligned phantoms at ±60°, 2°; for other aligned
    series at ±60°, 2° also `complete`: what Wiener's weights make of tilts over 180°, beyond which no repair of a wedge is expected to get.
    """
    from classical import IN_VACUUM, METHODS, choose, run, skimage_iradon, skimage_sart
    from specimens import specimen, tilt_series

    possible = METHODS + (IN_VACUUM if condition.specimen == "phantom" else ())
    wanted = [m for m in possible if m not in done]
    usual = condition.key[1:3] == ("60", "2") and not condition.misaligned
    compared = condition.specimen == "phantom" and usual and condition.snr >= 10
    theirs = {"skimage_iradon": skimage_iradon, "skimage_sart": skimage_sart} if compared else {}
    more = {"complete"} if condition.specimen != "phantom" and usual else set()
    if not wanted and not (more | set(theirs)) - done:
        return
    series, thickness = tilt_series(condition), len(specimen(condition.specimen).volume.data)
    for method in wanted:
        choice = choose(condition, method)
        begin = time.process_time()
        record(condition, method, choice, run(method, series, thickness, choice), begin)
    for name in more - done:
        begin = time.process_time()
        record(condition, name, 0, run("wiener", tilt_series(replace(condition, half_range=90)), thickness, 0), begin)
    for name, method in theirs.items():
        if name not in done:
            begin = time.process_time()
            record(condition, name, 0, method(series, thickness), begin)


def learned(condition: Condition, done: set[str]) -> None:
    """Rows of the checkpoints in this folder that are missing."""
    from learned import checkpoints, repairs
    from specimens import specimen, tilt_series

    missing = [path for path in checkpoints() if f"{path.stem}+tilts" not in done]
    if not missing:
        return
    series, thickness = tilt_series(condition), len(specimen(condition.specimen).volume.data)
    for path in missing:
        begin = time.process_time()
        for name, volume in repairs(path, series, thickness, condition):
            if name not in done:
                record(condition, name, 0, volume, begin)


def fill(measure: Callable[[Condition, set[str]], None], wanted: Iterable[Condition], minutes: float) -> None:
    """Go through the conditions for at most so many minutes of processor time."""
    begin = time.process_time()
    for condition in wanted:
        if time.process_time() - begin > 60 * minutes:
            print(f"stopped before {condition.key}: {minutes:g} minutes are over; run again to go on", flush=True)
            return
        measure(condition, {row["method"] for row in read_rows(ROWS) if tuple(row[name] for name in KEY) == condition.key})


def main() -> None:
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    stages = words.get("stage", "classical,learned,segment,simulate,hallucinate,tooth,microtubules,report").split(",")
    minutes = float(words.get("minutes", 60))
    wanted = [c for c in conditions() if words.get("only", c.specimen) == c.specimen]
    for stage, measure in (("classical", classical), ("learned", learned)):
        if stage in stages:
            fill(measure, wanted, minutes)
    for stage in ("segment", "simulate", "hallucinate", "tooth", "microtubules", "report"):
        if stage in stages:
            __import__(stage).main()


if __name__ == "__main__":
    main()
