"""Gradients of simulated answers by the voxels of the image, through the shipped network, the certified head and the solve, in float64."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from shapes import SHAPE, SPACING, held_out_data

from cellml.checkpoint import load
from cellml.meshhead.head import Frame
from cellml.report.rows import append_row, read_rows
from cellml.sim.shape_gradient.answers import answers_of_cut
from cellml.sim.shape_gradient.observables import Conductance, FirstPassage

SHIPPED = Path(__file__).parent.parent / "mesh_head/certified_spine.ckpt"
OBSERVABLES: dict[str, Any] = {
    "escape_time": FirstPassage("base|neck", ["neck", "head"]),
    "neck_conductance": Conductance("base|neck", "neck|head", ["neck"]),
}
LENGTHS = (1e-3, 1e-4, 1e-5, 1e-6)  # of a perturbation, in standard deviations of the image, every voxel at once
SEED, COUNT, FIRST = 2000, 6, 100  # shapes that nothing else here has


def measure_gradients(table: Path) -> None:
    """A row for each head, shape, answer and length of the step: the directional derivative by the adjoint and by central differences.

    Heads: that of inference, and the one that draws no node back for the sake of angles, which is continuous while no sign changes.
    """
    task = load(SHIPPED).task
    task.net.double().eval()
    done = {(row["head"], row["shape"]) for row in read_rows(table)}
    for name, head in {"inference": task.head, "nothing drawn back": task.learning_head}.items():
        for number in range(COUNT):
            if (name, str(number)) not in done:
                task.head = head
                _of_shape(task, name, held_out_data(SEED).whole(held_out_data(SEED)._val[FIRST + number])["image"].double(), number, table)


def _of_shape(task: Any, head: str, image: torch.Tensor, number: int, table: Path) -> None:
    frame = Frame(SHAPE, SPACING)

    def found(at: torch.Tensor) -> tuple[torch.Tensor, Any]:
        maps = task.net(at[None])[0]
        grid = task.head.grid(frame, maps.detach())
        made = task.head(grid, frame, maps)
        return answers_of_cut(OBSERVABLES, grid, made, task.target.names), made

    towards = torch.from_numpy(np.random.default_rng(number).normal(size=image.shape))
    leaf = image.clone().requires_grad_()
    values, made = found(leaf)
    slopes = [float((torch.autograd.grad(value, leaf, retain_graph=True)[0] * towards).sum()) for value in values]
    for length in LENGTHS:
        with torch.no_grad():
            (high, above), (low, below) = found(image + length * towards), found(image - length * towards)
        kept = all(torch.equal(other.labels, made.labels) for other in (above, below))
        for name, slope, difference in zip(OBSERVABLES, slopes, ((high - low) / (2 * length)).tolist(), strict=True):
            row = {
                "head": head,
                "shape": number,
                "answer": name,
                "length": length,
                "signs_kept": kept,
                "adjoint": slope,
                "differences": difference,
            }
            append_row(table, row | {"error": abs(slope - difference) / abs(difference)})
