"""Volumes larger than memory: peak memory, speed-up, and what is left after kills. Stages of run.py, which need about 25 GB of disk.

    python experiments/throughput/run.py stage=volume       # 2.1 Gvoxel made, segmented, decoded and scored; the machine may be busy
    python experiments/throughput/run.py stage=speedup      # one worker against two; the machine must be idle
    python experiments/throughput/run.py stage=kill_blocks  # twenty runs that are killed at random moments

Volumes and the network (a U-Net of four channels, trained for a minute on a block of the same tissue) stand in `CELLML_THROUGHPUT`, by
default a folder of the system's temporary one, and are made where they are not there yet.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
WORK = Path(os.environ.get("CELLML_THROUGHPUT") or Path(tempfile.gettempdir(), "cellml-throughput"))
SINGLE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
LARGE, MIDDLE, SMALL = 1280, 640, 96  # voxels along each axis
KILLS = 20
# What is run in a process of its own, so that nothing of this one is counted, and says whether torch came into the client.
_RUN = (
    "import json, sys; from cellml.blocks.command import blockwise; told = blockwise(**json.loads(sys.argv[1])); "
    "told['torch_in_client'] = 'torch' in sys.modules; print('\\n' + json.dumps(told))"
)


def network() -> str:
    """The checkpoint, trained where it is not there yet; its threshold is chosen on the validation block."""
    from tissue import tissue

    path = WORK / "network" / "model.ckpt"
    if path.is_file():
        return str(path)
    shutil.rmtree(path.parent, ignore_errors=True)
    WORK.mkdir(parents=True, exist_ok=True)
    image, labels = tissue((slice(0, 176), slice(0, 112), slice(0, 112)), seed=1)
    np.savez(
        WORK / "training.npz", raw=image, labels=np.unique(labels, return_inverse=True)[1].reshape(labels.shape), voxel_nm=np.full(3, 10.0)
    )
    words = [
        "data=fib25", "task=boundary", f"data.path={WORK / 'training.npz'}", "data.patch=[48,48,48]", "data.guard=4",
        "data.train=[{region: {z: [0, 112]}}]", "data.val=[{region: {z: [120, 176]}}]", "data.min_labelled=0", "data.transforms=[]",
        "task.net.widths=[4,8]", "task.decoder._target_=cellml.segmentation.components.ThresholdComponents",
        "~task.decoder_grid.scoring", "task.decoder_grid.threshold=[0.3,0.4,0.5,0.6,0.7]", "task.window.tile=[256,256,256]",
        "training.max_steps=400", "training.validations=2", "trainer.enable_progress_bar=false", "seed=0", f"hydra.run.dir={path.parent}",
    ]  # fmt: skip
    subprocess.run([sys.executable, "-m", "cellml", "train", *words], check=True, env=os.environ | SINGLE)
    return str(path)


def volume(size: int) -> Path:
    """The folder of a cubic volume and its truth."""
    folder = WORK / f"volume_{size}"
    if not (folder / "made").is_file():
        subprocess.run([sys.executable, str(FOLDER / "tissue.py"), str(folder), str(size)], check=True, env=os.environ | SINGLE)
        (folder / "made").touch()
    return folder


def asked(size: int, output: Path, **more: Any) -> dict[str, Any]:
    """Arguments of `blockwise` for a volume."""
    cluster = {"_target_": "cellml.blocks.dask_engine.LocalDask"}
    return {"checkpoint": network(), "input": str(volume(size) / "volume.zarr"), "output": str(output), "cluster": cluster, **more}


def run_blockwise(arguments: dict[str, Any]) -> dict[str, Any]:
    """What `blockwise` returns, run to the end."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, json.dumps(arguments)], check=True, env=os.environ | SINGLE, stdout=subprocess.PIPE, text=True
    )
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def write_numbers(name: str, numbers: dict[str, tuple[float, str]]) -> None:
    """Numbers for run.py's summary."""
    from cellml.io import write_json

    write_json(FOLDER / f"{name}.json", {key: list(value) for key, value in numbers.items()})
    print(json.dumps(numbers), flush=True)


def measure_volume() -> None:
    """The large volume with two workers: peak memory of all processes, seconds, scores."""
    output = WORK / "large.zarr"
    sizes = {"block": [128, 256, 256], "tile": [160, 160, 160]}
    told = run_blockwise(asked(LARGE, output, workers=2, truth=str(volume(LARGE) / "truth.zarr"), **sizes))
    scores = told["scores"]
    write_numbers(
        "blocks_volume",
        {
            "peak_memory_8gb_volume": (told["peak_memory_gb"], "GB"),
            "torch_in_client": (float(told["torch_in_client"]), "1"),
            "volume_gvoxel": (told["voxels"] / 1e9, "Gvoxel"),
            "volume_s": (told["total"], "s"),
            "volume_predict_s": (told["predict"], "s"),
            "volume_decode_s": (told["decode"] + told["number"], "s"),
            "volume_adapted_rand_error": (scores["adapted_rand_error"], "1"),
            "volume_objects": (told["objects"], "1"),
            "volume_true_objects": (scores["truth_objects"], "1"),
        },
    )
    for path in (output, volume(LARGE)):
        shutil.rmtree(path)


def measure_speedup() -> None:
    """Seconds with one worker over seconds with two: block-wise inference with the reference network of FIB-25, and a population.

    Each is a whole command, with its start and all stages.
    """
    seconds = {}
    reference: dict[str, Any] = {
        "checkpoint": str(FOLDER.parent / "segmentation_fib25" / "model.ckpt"),
        "decode": {"_target_": "cellml.segmentation.components.ThresholdComponents"},
        "block": [128, 128, 128],
        "tile": [96, 96, 96],
    }
    volume(MIDDLE), network()  # not within the times
    for workers in (1, 2):
        output = WORK / f"speed_{workers}.zarr"
        shutil.rmtree(output, ignore_errors=True)
        begun = time.perf_counter()
        told = run_blockwise({**asked(MIDDLE, output, workers=workers), **reference})
        seconds[f"blocks_{workers}"] = time.perf_counter() - begun
        seconds[f"predict_{workers}"] = told["predict"]
        shutil.rmtree(WORK / f"population_{workers}", ignore_errors=True)
        begun = time.perf_counter()
        words = ["populate", f"source={_table()}", "idealised=ball_and_stick", "model=spine_decay", f"output={WORK}/population_{workers}"]
        subprocess.run([sys.executable, "-m", "cellml", *words, "cluster=local", f"workers={workers}"], check=True, env=os.environ | SINGLE)
        seconds[f"population_{workers}"] = time.perf_counter() - begun
    ratios = {name: seconds[f"{name}_1"] / seconds[f"{name}_2"] for name in ("blocks", "predict", "population")}
    write_numbers(
        "blocks_speedup",
        {
            "block_speedup_2_workers": (min(ratios["blocks"], ratios["population"]), "1"),
            **{f"{name}_speedup": (ratio, "1") for name, ratio in ratios.items()},
            **{f"{name}_s": (value, "s") for name, value in seconds.items()},
        },
    )


def _table(shapes: int = 60) -> Path:
    """A table of shapes of known volume and area, as `populate` takes it: every one takes about a second to mesh and to solve."""
    from cellml.io import write_text

    rng = np.random.default_rng(0)
    radius = rng.uniform(150.0, 300.0, shapes)  # nm, of a sphere of the same volume; half as much area again
    lines = [f"s{i},{4 / 3 * np.pi * r**3:.6g},{4 * np.pi * r**2 * 1.5:.6g}" for i, r in enumerate(radius)]
    write_text(WORK / "shapes.csv", "\n".join(["name,volume_nm3,area_nm2", *lines]) + "\n")
    return WORK / "shapes.csv"


def kill_blocks() -> None:
    """Runs killed at a random moment, every other time a worker alone, else all processes, and run again to the end: the same labels?"""
    from cellml.report.rows import append_row, read_rows

    rows = FOLDER / "kills_blocks.csv"
    small = {"block": [48, 48, 48], "tile": [32, 32, 32], "workers": 2}
    expected = WORK / "unbroken.zarr"
    if not expected.is_dir():
        run_blockwise(asked(SMALL, expected, **small, keep=True))
    whole, output = _voxels(expected), WORK / "killed.zarr"
    parts = sum(_done(expected).values())
    for number in range(len(read_rows(rows)), KILLS):
        draw, row = random.Random(number), None
        while row is None:
            for path in (output, output.with_name(f"{output.name}.blocks")):
                shutil.rmtree(path, ignore_errors=True)
            row = _killed(asked(SMALL, output, **small), draw, draw.randrange(parts), worker=number % 2 == 1)
        if not output.is_dir():
            run_blockwise(asked(SMALL, output, **small))
        append_row(rows, {"number": number, **row, "same": int(np.array_equal(_voxels(output), whole))})


def _killed(arguments: dict[str, Any], draw: random.Random, after: int, *, worker: bool) -> dict[str, Any] | None:
    """Start a run, kill a worker or all of it a moment after so many parts are done, and wait for what is left; None where it had ended."""
    from cellml.blocks.memory import process_tree

    output = Path(arguments["output"])
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, json.dumps(arguments)],
        env=os.environ | SINGLE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and sum(_done(output).values()) < after:
        time.sleep(0.002)
    time.sleep(draw.uniform(0.0, 0.05))
    workers = [one for one in process_tree(process.pid)[1:] if _is_worker(one)]
    stages = _done(output)
    if process.poll() is not None or not workers or output.is_dir():
        process.wait()
        return None
    if worker:
        os.kill(draw.choice(workers), signal.SIGKILL)
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return {"killed": "worker" if worker else "all", **stages}


def _done(output: Path) -> dict[str, int]:
    """Parts of each stage that the folder of a run says are done."""
    work = output.with_name(f"{output.name}.blocks")
    names = {"tiles": "tiles_done", "decode": "blocks_decoded", "number": "blocks_numbered"}
    return {column: len(list(work.glob(f"{name}-*/0*"))) for name, column in names.items()}


def _is_worker(process: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def _voxels(path: Path) -> Any:
    from cellml.io import read_labels

    return read_labels(path).data


STAGES = {"volume": measure_volume, "speedup": measure_speedup, "kill_blocks": kill_blocks}
