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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cellml.report.rows import append_row, read_rows

HERE = Path(__file__).parent
WORK = Path(os.environ.get("CELLML_CACHE", "runs")).resolve() / "shapes_synthetic"
SEEDS = {150: 3, 400: 3}  # by the number of steps on real patches: a short training and one that has time
SECTIONS = 20
BLOCKS = 4
SHAPE = (20, 128, 128)
TRAIN, VAL, TEST = {"y": [0, 256]}, {"y": [264, 304]}, {"y": [312, 352]}
ARMS = {  # steps on real patches, and steps in all, as multiples
    "synthetic only": (0, 1),
    "real": (1, 1),
    "pretrained": (1, 2),
    "real, twice the steps": (2, 2),
    "mixed": (1, 2),
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
GAINS = {
    "synthetic_gain_dice": ("pretrained", "real"),
    "synthetic_gain_same_steps_dice": ("pretrained", "real, twice the steps"),
    "synthetic_mixed_gain_dice": ("mixed", "real"),
    "synthetic_mixed_gain_same_steps_dice": ("mixed", "real, twice the steps"),
}
COLOURS = {150: "#0072B2", 400: "#D55E00"}


@dataclass(frozen=True)
class Case:
    """One training."""

    arm: str
    seed: int
    base: int

    @property
    def steps(self) -> tuple[int, int]:
        """On real patches, and in all."""
        real, total = ARMS[self.arm]
        return real * self.base, total * self.base

    @property
    def model(self) -> Path:
        """Where its checkpoint goes."""
        return WORK / f"{self.arm.replace(' ', '_').replace(',', '')}_{self.seed}_{self.base}" / "model.ckpt"

    def is_in(self, rows: list[dict[str, str]]) -> bool:
        """Whether it has a row."""
        return any((row["arm"], row["seed"], row["steps_of_real"]) == (self.arm, str(self.seed), str(self.base)) for row in rows)


def judge(table: Path) -> None:
    """Rows of all cases, pretraining before mixing, and the figure of a rendered section beside a real one."""
    data = runpy.run_path(str(HERE.parent / "label_efficiency" / "specimen.py"))["halved"](WORK / "vnc_halved.npz")
    cases = [Case(arm, seed, base) for base, seeds in SEEDS.items() for seed in range(seeds) for arm in ARMS]
    for case in sorted(cases, key=lambda c: (c.base, c.arm == "mixed", c.seed)):
        if not case.is_in(read_rows(table)):
            began = time.process_time()
            scores = score(train(case, data), data)
            real, steps = case.steps
            last = {"real_steps": real, "steps": steps, "cpu_s": round(time.process_time() - began, 1)}
            append_row(table, {"arm": case.arm, "seed": case.seed, "steps_of_real": case.base, **scores, **last})
    draw(table, data)


def labelled(seed: int) -> list[int]:
    """The two sections that are labelled, evenly spaced from a random one."""
    start = int(np.random.default_rng([seed, 100]).integers(0, SECTIONS))
    return sorted({start, (start + SECTIONS // 2) % SECTIONS})


def train(case: Case, data: Path) -> Path:
    """Train one case, and return its model."""
    from cellml.cli import run_verb

    if case.model.is_file():
        return case.model
    real, steps = case.steps
    block = {"image": f"{data}:raw", "labels": f"{data}:mito", "region": TRAIN, "labelled_sections": labelled(case.seed)}
    val = {"image": f"{data}:raw", "labels": f"{data}:mito", "region": VAL}
    words = [f"data.train={text([block] if real else [])}", f"data.val={text([val])}"]
    if case.arm in ("synthetic only", "mixed"):
        made, shape = WORK / f"blocks_{case.seed}", text(list(SHAPE))
        words += ["data=synthetic_mitochondria", f"data.folder={made}", f"data.blocks={BLOCKS}", f"data.shape={shape}"]
        words += ["data.voxel_nm=[45,9.2,9.2]", f"data.recipe.style={text(block)}", "data.real_share=0.5"]
    if case.arm == "pretrained":
        first = replace(case, arm="synthetic only")
        words.append(f"training.initialise_from={train(first, data)}")
        steps -= first.steps[1]
    own = [f"training.max_steps={steps}", f"seed={case.seed}", f"hydra.run.dir={case.model.parent}"]
    run_verb("train", [*COMMON, *words, *own])
    return case.model


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
    """Keys of results.json: mean Dice of each arm and paired gains with 95 % intervals of Student's t over the seeds, of the longer
    training and, with the number of steps at the end of the key, of the shorter one.
    """
    rows = read_rows(table)
    found: dict[str, tuple[float, str]] = {}
    for base in SEEDS:
        end = "" if base == max(SEEDS) else f"_{base}_steps"
        dice = dice_of(rows, base)
        found |= {f"synthetic_{arm.replace(', ', '_').replace(' ', '_')}_dice{end}": (mean(d), "1") for arm, d in dice.items() if d}
        for key, (arm, control) in GAINS.items():
            seeds = sorted(set(dice[arm]) & set(dice[control]))
            if len(seeds) > 1:
                low, high = interval(np.array([dice[arm][s] - dice[control][s] for s in seeds]))
                found |= {f"{key}{end}": ((low + high) / 2, "1"), f"{key}_low{end}": (low, "1"), f"{key}_high{end}": (high, "1")}
        found[f"synthetic_seeds{end}"] = (float(len(dice["pretrained"])), "count")
    return found


def dice_of(rows: list[dict[str, str]], base: int) -> dict[str, dict[int, float]]:
    """Dice by arm and seed."""
    return {arm: {int(r["seed"]): float(r["dice"]) for r in rows if (r["arm"], r["steps_of_real"]) == (arm, str(base))} for arm in ARMS}


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
    for base, shift in zip(SEEDS, (-0.15, 0.15), strict=True):
        for place, values in enumerate(dice_of(read_rows(table), base).values()):
            at = place + shift
            axes[2].plot([at] * len(values), list(values.values()), "os"[shift > 0], color=COLOURS[base], mfc="none", ms=5)
            if values:
                label = "" if place else f"{base} steps on real labels"
                axes[2].plot([at - 0.12, at + 0.12], [mean(values)] * 2, color=COLOURS[base], label=label)
    axes[2].legend(loc="lower right")
    axes[2].set_xticks(range(len(ARMS)), [a.replace(", ", ",\n").replace("synthetic only", "synthetic\nonly") for a in ARMS])
    axes[2].set(title="Two labelled sections: seeds and means", ylabel="Dice of mitochondria, test rows", ylim=(0, 1))
    axes[2].grid(axis="y", alpha=0.3)
    figure.tight_layout()
    figure.savefig(HERE / "synthetic.png", dpi=130)
    plt.close(figure)
