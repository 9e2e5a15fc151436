"""A network that learned from the projections of the test specimen alone: no truth, no other volume.

`CELLML_DATA=… python experiments/missing_wedge/self_supervised.py [snr=10,1] [specimen=fib25] [steps=…] [work=…]`.

The specimen is projected at ±60° by 2°, both halves of its tilts are reconstructed by Wiener's least squares, `cellml train
experiment=missing_wedge/self_supervised` trains on what every tilt sees of them, and what the network makes of both is scored: alone,
with the measured coefficients of its input returned (`+return`, what `cellml infer` writes) and with the projections returned by least
squares (`+tilts`). Reconstruction, steps and the part that is seen were chosen on another block (specimen=fib25-validation, whose scores
are printed and not kept). A training that was interrupted goes on where it stood.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from conditions import KEY, Condition
from numpy.typing import NDArray
from run import ROWS as TABLE
from run import record
from scores import scored
from specimens import ROWS, Specimen, specimen, tilt_series, tissue

from cellml.report.rows import read_rows
from cellml.types import TiltSeries, Volume

NAME = "self_supervised"
STEPS = 800
SEEN = slice(40, 216)  # z and x of 256: a square in the circle that all tilts see
RECIPE = (
    "experiment=missing_wedge/self_supervised",
    "training.validations=4",
    "training.precision=bf16-mixed",
    "trainer.enable_progress_bar=false",
    "callbacks.last.every_n_train_steps=100",
    "seed=0",
)

Floats = NDArray[np.float32]


def main() -> None:
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    work = Path(words.get("work", "runs/missing_wedge/self_supervised")).resolve()
    steps = int(words.get("steps", STEPS))
    for snr in (float(text) for text in words.get("snr", "10").split(",")):
        condition = Condition(words.get("specimen", "fib25"), snr=snr)
        done = {row["method"] for row in read_rows(TABLE) if tuple(row[name] for name in KEY) == condition.key}
        if f"{NAME}+tilts" in done:
            continue
        begin = time.process_time()
        series, found = tilts_of(condition)
        halves = reconstructed_halves(series, len(found.volume.data), work / f"{condition.specimen}_{snr:g}_{steps}")
        for name, volume in repairs(trained(halves["seen"], condition, steps), halves["whole"], series):
            if condition.specimen.endswith("validation"):
                print(condition.key, name, scored(*found.judged(volume), condition.tilts), flush=True)
            elif name not in done:
                record(condition, name, steps, volume, begin)


def tilts_of(condition: Condition) -> tuple[TiltSeries, Specimen]:
    """The series and the specimen it shows; the validation specimen with as many rows as the test, since a network learns from them."""
    found = specimen(condition.specimen)
    if not condition.specimen.endswith("validation"):
        return tilt_series(condition), found
    from cellml.tomography.simulate import simulate_tilts

    volume = tissue("fib25_valraw_A", ROWS)
    found = Specimen(volume, found.scored, np.ones(volume.shape, bool))
    return simulate_tilts(volume, condition.tilts, snr=condition.snr, support=found.support, seed=condition.seed), found


def reconstructed_halves(series: TiltSeries, thickness: int, folder: Path) -> dict[str, list[Path]]:
    """Files of the reconstructions of every second tilt and of the others, as `cellml reconstruct half=even` and half=odd write: "whole",
    and "seen", the part that all tilts see. Elsewhere a wider wedge is missing than the one that is removed in training.
    """
    from cellml.io import write_volume
    from cellml.tomography.halves import split_halves
    from cellml.tomography.wiener import wiener

    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[Path]] = {"whole": [], "seen": []}
    for name, half in zip(("even", "odd"), split_halves(series), strict=True):
        volume = wiener(half, thickness)
        for part, data in (("whole", volume.data), ("seen", volume.data[SEEN, :, SEEN])):
            files[part].append(folder / f"{name}_{part}.mrc")
            write_volume(Volume(np.ascontiguousarray(data), volume.spacing, name=name), files[part][-1])
    return files


def trained(halves: list[Path], condition: Condition, steps: int) -> Path:
    """The checkpoint of the training on these halves: made, finished or found."""
    from cellml.cli import run_verb

    folder = halves[0].parent
    runs = sorted(folder.glob("run*"), key=lambda run: int(run.name[3:]))
    for run in runs:
        if (run / "model.ckpt").is_file():
            return run / "model.ckpt"
    last = next((run / "checkpoints" / "last.ckpt" for run in reversed(runs) if (run / "checkpoints" / "last.ckpt").is_file()), None)
    new = folder / f"run{len(runs)}"
    files = (
        f"data.even={halves[0]}",
        f"data.odd={halves[1]}",
        f"data.wedge=[-{condition.half_range},{condition.half_range},{condition.step}]",
    )
    run_verb("train", (*RECIPE, f"training.max_steps={steps}", *files, f"hydra.run.dir={new}", *([f"resume={last}"] if last else [])))
    return new / "model.ckpt"


def repairs(checkpoint: Path, halves: list[Path], series: TiltSeries) -> Any:
    """Names and volumes (Z, Y, X)."""
    from learned import with_tilts

    from cellml.checkpoint import load
    from cellml.data.halves import TomogramHalves
    from cellml.infer.repair import known_tilts, returned

    model = load(checkpoint)
    voxels = TomogramHalves([str(file) for file in halves], model.contract["normalisation"]).voxels.numpy()
    answer = np.asarray(model.task.predict_volume(voxels)[0], np.float32)
    yield NAME, answer
    yield f"{NAME}+return", returned(answer, voxels.mean(axis=0), known_tilts(model.contract["wedge"], None, "the halves"), strength=1.0)
    yield f"{NAME}+tilts", with_tilts(answer, series)


if __name__ == "__main__":
    main()
