"""Does rendered tissue help where few labels are at hand? Mitochondria of the serial sections, two sections labelled.

    CELLML_DATA=… python experiments/shapes/run.py stage=synthetic

The stack at half its resolution, as in experiments/label_efficiency: rows 0–255 train, 264–303 choose thresholds, 312–351 are scored. For
each seed two other sections are labelled, and the style of the rendered blocks is measured on these sections' labels and the grey values
of the training rows. Rows of synthetic.csv are written as they come; what is there is not done again.
"""

from __future__ import annotations

import json
import os
import runpy
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cellml.report.rows import append_row, read_rows

HERE = Path(__file__).parent
WORK = Path(os.environ.get("CELLML_CACHE", "runs")).resolve() / "shapes_synthetic"
SEEDS = 3
STEPS = 150
SECTIONS = 20
BLOCKS = 4
SHAPE = (20, 128, 128)
TRAIN, VAL, TEST = {"y": [0, 256]}, {"y": [264, 304]}, {"y": [312, 352]}
ARMS = {  # steps on real patches, steps in all
    "synthetic only": (0, STEPS),
    "real": (STEPS, STEPS),
    "pretrained": (STEPS, 2 * STEPS),
    "real, twice the steps": (2 * STEPS, 2 * STEPS),
    "mixed": (STEPS, 2 * STEPS),
}
COMMON = (
    "experiment=segmentation/vnc_mito",
    "data.patch=[8,64,64]",
    "data.patches_per_epoch=50",
    "data.guard=8",
    "data.sampling={_target_:cellml.data.sampling.AroundLabels,share:1.0,balanced:true}",
    "task.net.spacing=[45,9.2,9.2]",
    "task.net.widths=[16,32,48,64]",
    "task.net.fine_channels=8",
    "task.decoder_grid.smallest=[0,100]",
    "task.window.tile=[20,192,192]",
    "task.window.halo=[20,48,48]",
    "training.precision=bf16-mixed",
    "training.validations=1",
    "callbacks.best=null",
    "trainer.enable_progress_bar=false",
)
COLOURS = {"real": "#0072B2", "other": "#D55E00"}


def judge(table: Path) -> None:
    """Rows of SEEDS seeds, pretraining before mixing, and the figure of a rendered section beside a real one."""
    data = runpy.run_path(str(HERE.parent / "label_efficiency" / "specimen.py"))["halved"](WORK / "vnc_halved.npz")
    for arm, seed in sorted(((arm, seed) for arm in ARMS for seed in range(SEEDS)), key=lambda case: (case[0] == "mixed", case[1])):
        if not any((row["arm"], row["seed"]) == (arm, str(seed)) for row in read_rows(table)):
            began = time.process_time()
            scores = score(train(arm, seed, data), data)
            real, steps = ARMS[arm]
            seconds = round(time.process_time() - began, 1)
            append_row(table, {"arm": arm, "seed": seed, **scores, "real_steps": real, "steps": steps, "cpu_s": seconds})
    draw(table, data)


def labelled(seed: int) -> list[int]:
    """The two sections that are labelled, evenly spaced from a random one."""
    start = int(np.random.default_rng([seed, 100]).integers(0, SECTIONS))
    return sorted({start, (start + SECTIONS // 2) % SECTIONS})


def train(arm: str, seed: int, data: Path) -> Path:
    """Train one arm, and return its model."""
    from cellml.cli import run_verb

    folder = WORK / f"{arm.replace(' ', '_').replace(',', '')}_{seed}"
    if (folder / "model.ckpt").is_file():
        return folder / "model.ckpt"
    real, steps = ARMS[arm]
    block = {"image": f"{data}:raw", "labels": f"{data}:mito", "region": TRAIN, "labelled_sections": labelled(seed)}
    val = {"image": f"{data}:raw", "labels": f"{data}:mito", "region": VAL}
    words = [f"data.train={text([block] if real else [])}", f"data.val={text([val])}"]
    if arm in ("synthetic only", "mixed"):
        shape, made = text(list(SHAPE)), WORK / f"blocks_{seed}"
        words += ["data=synthetic_mitochondria", f"data.folder={made}", f"data.blocks={BLOCKS}", f"data.shape={shape}"]
        words += ["data.voxel_nm=[45,9.2,9.2]", f"data.recipe.style={text(block)}", "data.real_share=0.5"]
    if arm == "pretrained":
        words.append(f"training.initialise_from={WORK / f'synthetic_only_{seed}' / 'model.ckpt'}")
    here = f"hydra.run.dir={folder}"
    run_verb("train", [*COMMON, *words, f"training.max_steps={steps if arm != 'pretrained' else real}", f"seed={seed}", here])
    return folder / "model.ckpt"


def text(value: Any) -> str:
    """A list or mapping as Hydra's command line writes it: JSON without quotes."""
    return json.dumps(value).replace('"', "")


def score(model: Path, data: Path) -> dict[str, float]:
    """Dice and IoU of the test rows, at the threshold that the training chose on the validation rows."""
    from cellml.data.blocks import Block
    from cellml.infer.block import predict_block
    from cellml.metrics.confusion import ConfusionCounts

    found = predict_block(model, Block(f"{data}:raw", f"{data}:mito", TEST))
    score = ConfusionCounts.from_labels(found.truth, found.task.decode(found.probabilities), 2).scores()[1]
    return {"dice": round(score.dice, 4), "iou": round(score.iou, 4), "threshold": found.task.decoder.threshold}


def results(table: Path) -> dict[str, tuple[float, str]]:
    """Keys of results.json: mean Dice of each arm, and paired gains with 95 % intervals of Student's t over the seeds."""
    rows = read_rows(table)
    dice = {arm: {int(r["seed"]): float(r["dice"]) for r in rows if r["arm"] == arm} for arm in ARMS}
    found = {f"synthetic_{arm.replace(', ', '_').replace(' ', '_')}_dice": (mean(d), "1") for arm, d in dice.items() if d}
    gains = {
        "synthetic_gain_dice": ("pretrained", "real"),
        "synthetic_gain_same_steps_dice": ("pretrained", "real, twice the steps"),
        "synthetic_mixed_gain_dice": ("mixed", "real"),
        "synthetic_mixed_gain_same_steps_dice": ("mixed", "real, twice the steps"),
    }
    for key, (arm, control) in gains.items():
        seeds = sorted(set(dice[arm]) & set(dice[control]))
        if len(seeds) > 1:
            low, high = interval(np.array([dice[arm][s] - dice[control][s] for s in seeds]))
            found |= {key: ((low + high) / 2, "1"), f"{key}_low": (low, "1"), f"{key}_high": (high, "1")}
    return found | {"synthetic_seeds": (float(len(dice["pretrained"])), "count")}


def mean(values: Mapping[int, float]) -> float:
    return float(np.mean(list(values.values())))


def interval(gains: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean."""
    from scipy.stats import t

    half = float(t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / len(gains) ** 0.5)
    return float(gains.mean()) - half, float(gains.mean()) + half


def draw(table: Path, data: Path) -> None:
    """synthetic.png: a rendered section with its labels, a real one with its own, and Dice by arm and seed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from cellml.shapes.synthetic.files import read_blocks

    folder = WORK / "blocks_0"
    with np.load(folder / read_blocks(folder)["blocks"][0]["files"]["image"].split(":")[0]) as made, np.load(data) as real:
        width = SHAPE[1]
        pairs = [
            ("Rendered section", made["image"][10], made["classes"][10] == 2),
            ("Real section, rows that train", real["raw"][10, :width, :width], real["mito"][10, :width, :width] > 0),
        ]
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), gridspec_kw={"width_ratios": [1, 1, 1.1]})
    extent = (0, width * 9.2e-3, width * 9.2e-3, 0)
    for axis, (title, grey, mask) in zip(axes[:2], pairs, strict=True):
        axis.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=extent)
        axis.contour(mask, [0.5], colors="#E69F00", linewidths=1.2, extent=extent, origin="upper")
        axis.set(title=title, xlabel="x (µm)", ylabel="y (µm)")
    rows = read_rows(table)
    for place, arm in enumerate(ARMS):
        values = [float(r["dice"]) for r in rows if r["arm"] == arm]
        axes[2].plot([place] * len(values), values, "o", color=COLOURS["real" if arm.startswith("real") else "other"], mfc="none")
        axes[2].plot([place - 0.25, place + 0.25], [np.mean(values)] * 2, "k-")
    axes[2].set_xticks(range(len(ARMS)), [a.replace(", ", ",\n").replace("synthetic only", "synthetic\nonly") for a in ARMS])
    axes[2].set(title="Two labelled sections, one mark a seed", ylabel="Dice of mitochondria, test rows", ylim=(0, 1))
    axes[2].grid(axis="y", alpha=0.3)
    figure.tight_layout()
    figure.savefig(HERE / "synthetic.png", dpi=130)
    plt.close(figure)
